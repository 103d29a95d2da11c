"""roto, an implementation of SQS, S3 and DynamoDB in Rust, as a child process."""

import shutil
import sys
from pathlib import Path
from typing import Self

from ops.local.environment import ACCOUNT_ID, without_aws_settings
from ops.local.ports import LOOPBACK, accepts_connections, free_port
from ops.local.processes import ChildProcess
from tests.e2e.client import eventually


class Roto(ChildProcess):
    """It keeps everything in memory, and ends with its `with` block."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        command = shutil.which("roto-server", path=str(Path(sys.executable).parent))
        assert command, "roto is not installed: make .venv"
        super().__init__(
            "roto",
            [
                *(command, "--ephemeral", "--account-id", ACCOUNT_ID),
                *("--host", LOOPBACK, "--port", str(self.port)),
            ],
            environment=without_aws_settings({}),
            directory=directory,
            output=directory / "roto.log",
        )

    def __enter__(self) -> Self:
        self.start()
        eventually(lambda: accepts_connections(LOOPBACK, self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(grace_seconds=1)
