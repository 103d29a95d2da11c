"""The AWS emulator (ministack) as a child process."""

import http.client
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from ops.local import endings, keeper, lifeline
from ops.local.environment import without_aws_settings
from ops.local.kept_folder import KeptFolder
from ops.local.processes import ChildProcess, ProcessFailed
from ops.ports import LOOPBACK, reachable_from_outside, require_free
from ops.project import PROJECT_ROOT

EMULATOR_PYTHON = PROJECT_ROOT / ".venv-aws" / "bin" / "python"
READY_LIMIT_SECONDS = 30.0
STOP_GRACE_SECONDS = 3.0
# It saves its state at the end, a million records in about ten seconds.
SAVING_GRACE_SECONDS = 60.0


class Emulator(ChildProcess):
    """
    The emulator: every AWS service that the system uses, on one port of 127.0.0.1.

    With a folder it keeps its state and its log there; without one, all is in memory and in
    `directory`, and ends with it. Runs on other ports never meet.
    """

    def __init__(
        self,
        port: int,
        directory: Path,
        python: Path = EMULATOR_PYTHON,
        folder: KeptFolder | None = None,
        locks: Sequence[int] = (),
    ) -> None:
        """`locks` are held by it for as long as it runs, as the folder's is."""
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self.log_file = folder.emulator_log if folder else directory / "emulator.log"
        self._python = python
        self._folder = folder
        self._locks = locks
        program = ["", "ministack"]
        if folder:
            program = [str(PROJECT_ROOT), keeper.__name__, str(folder.state_file)]
        super().__init__(
            "the AWS emulator",
            # -P: without it this package's modules would be importable as top-level names in there.
            [str(python), "-P", lifeline.__file__, *program],
            environment=emulator_environment(os.environ, port, directory, folder),
            directory=directory,
            output=self.log_file,
        )

    def start(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """
        Start it and wait until it answers. `meanwhile` is called before the wait.

        Raises:
            PortUnavailable: something listens on the port already.
            ProcessFailed: not installed, ended, too slow, or reachable from other machines.
            FolderUnusable: it can't take up the state in the folder.
        """
        require_free(self.port, "AWS endpoint")
        if not self._python.exists():
            raise ProcessFailed(f'The AWS emulator is not installed: type "make {_venv_name()}".')
        super().start()
        try:
            meanwhile()
            self._wait_until_ready()
            self._require_loopback_only()
        except BaseException:
            self.stop()
            raise

    def stop(self, grace_seconds: float | None = None) -> None:
        usual = SAVING_GRACE_SECONDS if self._folder else STOP_GRACE_SECONDS
        super().stop(usual if grace_seconds is None else grace_seconds)

    def _spawn(self, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        of_folder = [self._folder.lock] if self._folder else []
        return self._popen(self._command, output, pass_fds=[*self._locks, *of_folder])

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_LIMIT_SECONDS
        while not _answers(self.port):
            if not self.is_running:
                if self._folder and self.exit_code == keeper.UNREADABLE:
                    raise self._folder.unreadable(self.last_lines(1))
                raise ProcessFailed(f"{self.how_it_ended()}. {self.what_to_do()}")
            if time.monotonic() > deadline:
                raise ProcessFailed(
                    f"{self.name} did not answer within {READY_LIMIT_SECONDS:g} s. The machine may "
                    f"be too busy: try again later.{_below(self.last_lines())}"
                )
            time.sleep(0.03)

    def _require_loopback_only(self) -> None:
        if reachable_from_outside(self.port):
            raise ProcessFailed(
                f"{self.name} answers on this machine's network address too, without a password."
            )

    def what_to_do(self) -> str:
        """Say what may have ended it, and show the end of its log."""
        lines = self.last_lines()
        whole = f" and all in {self._folder.shown_log}" if self._folder else ""
        if self.exit_code and self.exit_code > 0:
            if not lines:
                return (
                    f"It wrote nothing into its log{whole.removeprefix(' and all')}: is the disk "
                    "full? If not, its libraries may be damaged; "
                    f"{endings.anew(_venv_name())}"
                )
            return f"Its own lines say why, the last ones here{whole}:{_below(lines)}"
        said = endings.advice(self.exit_code, lines="below", environment=_venv_name())
        return f"{said}{_below(lines)}"

    def last_lines(self, count: int = 20) -> str:
        """Return the end of its log."""
        if not self.log_file.exists():
            return ""
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-count:])


def emulator_environment(
    inherited: Mapping[str, str], port: int, directory: Path, folder: KeptFolder | None = None
) -> dict[str, str]:
    """Make its settings, without any of the developer's that could send it elsewhere."""
    blobs, objects = directory / "state", directory / "s3"
    if folder:
        blobs, objects = folder.blobs, folder.objects
    environment = without_aws_settings(inherited) | {
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": LOOPBACK,
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(directory),
        # All state but S3's objects is saved by keeper.py, not by the emulator itself.
        "PERSIST_STATE": "0",
        "STATE_DIR": str(blobs),
        "S3_PERSIST": "1" if folder else "0",
        "S3_DATA_DIR": str(objects),
        # At its start it removes containers that it takes for its own. None of ours is in one.
        "DOCKER_HOST": f"unix://{directory / 'no-docker.sock'}",
    }
    # The emulator's Lambda would load this checkout's modules, not the ones in a function's zip.
    environment.pop("PYTHONPATH", None)
    return environment


def _below(lines: str) -> str:
    return f"\n{lines}" if lines else ""


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _venv_name() -> str:
    return EMULATOR_PYTHON.parents[1].name
