"""roto, an implementation of SQS, S3 and DynamoDB in Rust, as a child process."""

import shutil
import sys
from pathlib import Path

from ops.local.environment import ACCOUNT_ID, without_aws_settings
from ops.ports import LOOPBACK
from tests.contract.server import Server


class Roto(Server):
    """It keeps everything in memory."""

    def __init__(self, directory: Path) -> None:
        program = shutil.which("roto-server", path=str(Path(sys.executable).parent))
        assert program, "roto is not installed: make .venv"
        super().__init__(
            "roto",
            lambda port: [
                *(program, "--ephemeral", "--account-id", ACCOUNT_ID),
                *("--host", LOOPBACK, "--port", str(port)),
            ],
            environment=without_aws_settings({}),
            directory=directory,
        )
