"""The client programs of docs/clients.md, each as it stands there, and the text that it prints."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path("docs/clients.md")
EXAMPLE = re.compile(r"^```(\w+)\n(.*?)^```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = {
    language: (program, said)
    for language, program, said in EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
}
PARTS = re.findall(
    r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
RUNNERS = {
    "bash": ("bash", "client.sh"),
    "python": (sys.executable, "client.py"),
    "javascript": ("node", "client.mjs"),
}
NEEDED = {"bash": "curl", "python": sys.executable, "javascript": "node"}
LIMIT_SECONDS = 50


def program_for_many(calls: str) -> str:
    """Write the Python program with `submit_many`, and calls of it in place of its own."""
    many = next(part for part in PARTS if part.startswith("def submit_many"))
    beginning, main, _ = EXAMPLES["python"][0].partition('if __name__ == "__main__":')
    return f"{beginning}{many}\n{main}{calls}"


def start(
    language: str, url: str, directory: Path, program: str = "", /, **settings: float
) -> subprocess.Popen[str]:
    """Start a program in a directory. `settings`: its own, without ORDERS_ and _SECONDS."""
    if not shutil.which(NEEDED[language]):
        pytest.skip(f"THE CLIENT IN {language} IS NOT TESTED: {NEEDED[language]} is not installed")
    runner, name = RUNNERS[language]
    (directory / name).write_text(program or EXAMPLES[language][0], encoding="utf-8")
    own = {f"ORDERS_{key.upper()}_SECONDS": str(value) for key, value in settings.items()}
    return subprocess.Popen(
        [runner, name],
        cwd=directory,
        env={**os.environ, "ORDERS_URL": url, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(
    language: str, url: str, directory: Path, program: str = "", /, **settings: float
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    with start(language, url, directory, program, **settings) as process:
        try:
            said, complained = process.communicate(timeout=LIMIT_SECONDS)
        finally:
            kill(process)
    return subprocess.CompletedProcess(process.args, process.returncode, said, complained)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a program, and what it has started, if it has not ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
