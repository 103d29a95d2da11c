"""A copy of the checkout with ports of its own, and fresh shells to type commands in."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from ops.ports import free_port
from ops.project import PROJECT_ROOT
from tests.commands.pages import ACTIVATION
from tests.commands.warm import warm_ops, write_python
from tests.configuration.own import write_configuration

ENVIRONMENTS = (".venv", ".venv-aws")
NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv*", ".aws-parts", ".*_cache", ".hypothesis", "__pycache__", "htmlcov"),
    *("build", "vendor", ".chalice", "images", ".orders-local*"),
)
# What says a port: the commands have no other places for theirs.
SAY_PORTS = ("Makefile", ".chalice/config.json", ".chalice/aws-local.ini", "ops/**/*.py")
# Of the machine's own environment: without the rest a shell is as fresh as it gets.
KEPT = {"HOME", "TMPDIR", "TZ", "LANG"}
LIMIT_SECONDS = 90.0


class Done(NamedTuple):
    """The end of a command: its exit code (None: it did not end), and all that it said."""

    exit_code: int | None
    said: str


class Checkout:
    """The copy. Its commands use `ports` where the project's use 8000, 8001 and 4566."""

    def __init__(self, directory: Path, deployments: Path) -> None:
        self.directory = directory
        self._before_typed = ""
        self.ports = {port: str(free_port()) for port in ("8000", "8001", "4566")}
        shutil.copytree(PROJECT_ROOT, directory, ignore=NOT_COPIED)
        write_configuration(directory)
        for name in ENVIRONMENTS:
            # Links within: a command that removes or clears it takes away nothing but these.
            (directory / name).mkdir()
            for entry in (PROJECT_ROOT / name).iterdir():
                (directory / name / entry.name).symlink_to(entry)
        for file in directory.glob("requirements*"):
            # Older than the environments: make installs nothing into what is not the copy's own.
            os.utime(file, (0, 0))
        for pattern in SAY_PORTS:
            for file in directory.glob(pattern):
                file.write_text(self.at_own_ports(file.read_text("utf-8")), "utf-8")
        (directory / ".chalice" / "deployments").symlink_to(deployments)
        commit = "git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -qm all"
        assert self.type(commit).exit_code == 0

    @contextmanager
    def warm(self) -> Iterator[None]:
        """Let what is typed in the `with` block begin quicker; what keeps `running` is as ever."""
        with (
            tempfile.TemporaryDirectory() as folder,
            warm_ops(self.directory, _fresh_environment()) as ops,
        ):
            write_python(Path(folder), ops)
            self._before_typed = f"PATH={folder}:$PATH"
            yield
        self._before_typed = ""

    def at_own_ports(self, text: str) -> str:
        """Write a text with the ports of this checkout."""
        return re.sub(r"\b(8000|8001|4566)\b", lambda found: self.ports[found[0]], text)

    def type(self, command: str, before: str = "", answer: str = "y\ny\n") -> Done:
        """Type a command in a fresh shell, after the line of the README and what comes `before`."""
        script = f"{self._before_typed}\n{before}\n{command}"
        shell = self._start(script, stdin=subprocess.PIPE)
        try:
            said, _ = shell.communicate(answer, timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            return Done(None, f"it did not end within {LIMIT_SECONDS:g} s")
        return Done(shell.returncode, said)

    @contextmanager
    def running(self, command: str, ready: str, before: str = "") -> Iterator[Path]:
        """Keep a command running that Ctrl-C ends; yields the file of what it says."""
        log = self.directory.with_name(f"{self.directory.name}-{time.monotonic_ns()}.log")
        with log.open("w") as output:
            shell = self._start(f"{before}\n{command}", stdin=subprocess.DEVNULL, out=output)
        try:
            deadline = time.monotonic() + LIMIT_SECONDS
            while ready not in log.read_text("utf-8"):
                assert shell.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < deadline, f"{command} did not say {ready!r}"
                time.sleep(0.05)
            yield log
        finally:
            if shell.poll() is None:
                os.killpg(shell.pid, signal.SIGINT)
            shell.wait(LIMIT_SECONDS)

    def _start(
        self, script: str, stdin: int, out: int | IO[str] = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", f"{ACTIVATION}\n{script}"],  # noqa: S607 (the user's own shell)
            cwd=self.directory,
            env=_fresh_environment(),
            stdin=stdin,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def _fresh_environment() -> dict[str, str]:
    # Nothing of this process's own environment: it is activated already.
    path = [each for each in os.environ["PATH"].split(os.pathsep) if not _is_activated(each)]
    kept = {name: value for name, value in os.environ.items() if _is_kept(name)}
    return kept | {"PATH": os.pathsep.join(path)}


def _is_activated(entry: str) -> bool:
    return Path(entry) == Path(sys.prefix) / "bin"


def _is_kept(name: str) -> bool:
    # pip finds the wheels that were downloaded once for all tests.
    return name in KEPT or name.startswith("PIP_")
