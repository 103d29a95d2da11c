"""The clients of docs/clients.md: each runs as it stands there, and prints the output shown."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from ops.local.stack import LocalStack

PAGE = Path("docs/clients.md")
EXAMPLE = re.compile(r"^```(\w+)\n(.*?)^```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = {
    language: (program, said) for language, program, said in EXAMPLE.findall(PAGE.read_text())
}
RUNNERS = {
    "bash": ("sh", "client.sh"),
    "python": (sys.executable, "client.py"),
    "javascript": ("node", "client.mjs"),
}
NEEDED = {"bash": "curl", "python": sys.executable, "javascript": "node"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(log_file=tmp_path_factory.mktemp("clients") / "log") as stack:
        yield stack


def run(language: str, url: str, directory: Path) -> subprocess.CompletedProcess[str]:
    if not shutil.which(NEEDED[language]):
        pytest.skip(f"THE CLIENT IN {language} IS NOT TESTED: {NEEDED[language]} is not installed")
    runner, name = RUNNERS[language]
    (directory / name).write_text(EXAMPLES[language][0])
    return subprocess.run(
        [runner, name],
        cwd=directory,
        env={**os.environ, "ORDERS_URL": url},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_page_has_a_client_in_each_language() -> None:
    assert EXAMPLES.keys() == RUNNERS.keys()


@pytest.mark.parametrize("language", RUNNERS)
def test_a_client_prints_the_output_that_the_page_shows(
    stack: LocalStack, tmp_path: Path, language: str
) -> None:
    outcome = run(language, stack.api_url, tmp_path)

    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout == EXAMPLES[language][1]


class Faulty(BaseHTTPRequestHandler):
    """Cuts the first answer off, has no time for the second, and then refuses."""

    keys: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.keys.append(self.headers["Idempotency-Key"])
        match len(self.keys):
            case 1:
                self.close_connection = True
            case 2:
                self._answer(503, b'{"type": "t", "detail": "busy"}')
            case _:
                self._answer(400, b'{"type": "urn:t", "detail": "refused"}')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_a_client_retries_with_the_same_key_and_accepts_a_refusal(
    tmp_path: Path, language: str
) -> None:
    Faulty.keys.clear()
    with HTTPServer(("127.0.0.1", 0), Faulty) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        outcome = run(language, f"http://127.0.0.1:{server.server_port}", tmp_path)
        server.shutdown()

    assert outcome.returncode != 0
    assert "refused" in outcome.stderr
    assert len(Faulty.keys) == 3
    assert len(set(Faulty.keys)) == 1
    assert Faulty.keys[0]
