"""The AWS emulator (ministack) as a child process."""

import http.client
import os
import time
from collections.abc import Mapping
from pathlib import Path

from ops.local import lifeline
from ops.local.environment import without_aws_settings
from ops.local.processes import ChildProcess, ProcessFailed
from ops.ports import LOOPBACK, reachable_from_outside, require_free
from ops.project import PROJECT_ROOT

EMULATOR_PYTHON = PROJECT_ROOT / ".venv-aws" / "bin" / "python"
READY_LIMIT_SECONDS = 30.0
STOP_GRACE_SECONDS = 3.0


class Emulator(ChildProcess):
    """
    The emulator: every AWS service that the system uses, on one port of 127.0.0.1.

    State is in memory and files are in `directory`: runs on other ports never meet it.
    """

    def __init__(self, port: int, directory: Path, python: Path = EMULATOR_PYTHON) -> None:
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self.log_file = directory / "emulator.log"
        self._python = python
        super().__init__(
            "the AWS emulator",
            # -P: without it this package's modules would be importable as top-level names in there.
            [str(python), "-P", lifeline.__file__, "ministack"],
            environment=emulator_environment(os.environ, port, directory),
            directory=directory,
            output=self.log_file,
        )

    def start(self) -> None:
        """
        Start it and wait until it answers.

        Raises:
            PortUnavailable: something listens on the port already.
            ProcessFailed: not installed, ended, too slow, or reachable from other machines.
        """
        require_free(self.port, "AWS endpoint")
        if not self._python.exists():
            raise ProcessFailed(f'The AWS emulator is not installed: type "make {_venv_name()}".')
        super().start()
        try:
            self._wait_until_ready()
            self._require_loopback_only()
        except BaseException:
            self.stop()
            raise

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        super().stop(grace_seconds)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_LIMIT_SECONDS
        while not _answers(self.port):
            if not self.is_running:
                raise ProcessFailed(f"{self.how_it_ended()}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                limit = f"{READY_LIMIT_SECONDS:g} s"
                raise ProcessFailed(
                    f"{self.name} did not answer within {limit}:\n{self.last_lines()}"
                )
            time.sleep(0.03)

    def _require_loopback_only(self) -> None:
        if reachable_from_outside(self.port):
            raise ProcessFailed(
                f"{self.name} answers on this machine's network address too, without a password."
            )

    def last_lines(self, count: int = 20) -> str:
        """Return the end of its log."""
        if not self.log_file.exists():
            return ""
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-count:])


def emulator_environment(
    inherited: Mapping[str, str], port: int, directory: Path
) -> dict[str, str]:
    """Make its settings, without any of the developer's that could send it elsewhere."""
    environment = without_aws_settings(inherited) | {
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": LOOPBACK,
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(directory),
        "STATE_DIR": str(directory / "state"),
        "S3_DATA_DIR": str(directory / "s3"),
        # At its start it removes containers that it takes for its own. None of ours is in one.
        "DOCKER_HOST": f"unix://{directory / 'no-docker.sock'}",
    }
    # The emulator's Lambda would load this checkout's modules, not the ones in a function's zip.
    environment.pop("PYTHONPATH", None)
    return environment


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
