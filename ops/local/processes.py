"""Child processes: started, watched and stopped by their own process id only."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ops.local import endings

ENVIRONMENT = ".venv"


class ProcessFailed(Exception):
    """A child process ended by itself, or never became ready."""


class ChildProcess:
    """
    One child process, which ends with its parent (see lifeline.py).

    It gets a session of its own: a Ctrl-C in the terminal reaches only the parent, which then stops
    its children one after the other. In the parent's session all would stop at once.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        output: Path | None,
    ) -> None:
        """`output` is a file that the child's lines are appended to; None leaves them on ours."""
        self.name = name
        self._command = command
        self._environment = dict(environment)
        self._directory = directory
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with _opened(self._output) as output:
            self._process = self._spawn(output)

    def _spawn(self, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        return self._popen(self._command, output)

    def _popen(
        self, command: Sequence[str], output: IO[bytes] | None, pass_fds: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 (the commands are ours)
            command,
            env=self._environment,
            cwd=self._directory,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
        )

    @property
    def pid(self) -> int:
        return self._started().pid

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while it runs, and before it was started."""
        return None if self._process is None else self._process.poll()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def how_it_ended(self) -> str:
        return endings.how_it_ended(self.name, self.exit_code)

    def what_to_do(self) -> str:
        """Say in a sentence what may have ended it, or which lines tell."""
        return endings.advice(self.exit_code, lines=self._lines, environment=ENVIRONMENT)

    @property
    def _lines(self) -> str:
        """Its own lines, as a message names their place."""
        return "above" if self._output is None else f"in {self._output}"

    def ask_to_stop(self) -> None:
        """Ask it to stop, and return at once. `stop` is to follow. Safe to repeat."""
        if self._process is not None:
            self._process.terminate()

    def stop(self, grace_seconds: float) -> None:
        """Ask it to stop, and kill it if it hasn't after `grace_seconds`. Safe to repeat."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close_lifeline()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._started().kill()
        self._started().wait()
        self._close_lifeline()

    def restart(self) -> None:
        """Start it again after it has ended by itself."""
        self._close_lifeline()
        self.start()

    def _close_lifeline(self) -> None:
        lifeline = self._started().stdin
        if lifeline is not None:
            lifeline.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process


class OpsProcess(ChildProcess):
    """
    `python -m ops COMMAND` as a child process that says when it is ready to work.

    It begins with its imports, which take most of its start, and goes on when it is told the
    environment of what it works with: that is made meanwhile. child.py is its own side of this.
    """

    # The end of a pipe that a process which is ready writes to; None once that is known.
    _ready_reader: int | None = None
    _told: bytes | None = None

    def start(self) -> None:
        super().start()
        self._hand_on()

    def tell(self, environment: Mapping[str, str]) -> None:
        """Let it go on, with these variables besides its own. A later start has them at once."""
        self._told = json.dumps(environment).encode() + b"\n"
        self._hand_on()

    def _hand_on(self) -> None:
        if self._told is None or self._process is None or self._process.stdin is None:
            return
        # Whoever waits until it is ready finds out that it has ended.
        with suppress(BrokenPipeError):
            os.write(self._process.stdin.fileno(), self._told)

    def _spawn(self, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        self._forget_reader()
        self._ready_reader, ready_writer = os.pipe()
        try:
            command = [sys.executable, "-m", "ops", *self._command]
            command += ["--ready-fd", str(ready_writer)]
            return self._popen(command, output, pass_fds=(ready_writer,))
        finally:
            os.close(ready_writer)

    def wait_until_ready(self, limit_seconds: float) -> None:
        """
        Wait until it says so itself.

        Raises:
            ProcessFailed: it ended first, or was not ready in time.
        """
        if self._ready_reader is None:
            return
        in_time, _, _ = select.select([self._ready_reader], [], [], limit_seconds)
        if not in_time:
            raise ProcessFailed(
                f"{self.name} was not ready within {limit_seconds:g} s. The machine may be too "
                f"busy: try again later. Its own lines {self._lines} may say more."
            )
        is_ready = bool(os.read(self._ready_reader, 1))
        self._forget_reader()
        if is_ready:
            return
        # The pipe was closed with nothing in it: the process is ending.
        self._started().wait(limit_seconds)
        raise ProcessFailed(f"{self.how_it_ended()}. {self.what_to_do()}")

    def is_ready(self) -> bool:
        """Tell whether it has said so by now. False for one that ends."""
        if self._ready_reader is None:
            return self.is_running
        said, _, _ = select.select([self._ready_reader], [], [], 0)
        if not said or not os.read(self._ready_reader, 1):
            return False
        self._forget_reader()
        return True

    def _forget_reader(self) -> None:
        if self._ready_reader is not None:
            os.close(self._ready_reader)
        self._ready_reader = None


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes] | None]:
    """Open the file to append output to, as long as it takes to hand it to a child."""
    if path is None:
        yield None
    else:
        with path.open("ab") as file:
            yield file
