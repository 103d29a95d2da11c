"""Moto as a child process: inside this one it would share its state with `mock_aws`."""

import sys
from pathlib import Path

from ops.local.environment import without_aws_settings
from ops.ports import LOOPBACK
from tests.contract.server import Server


class MotoServer(Server):
    """Moto over HTTP. It keeps everything in memory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            "moto",
            lambda port: [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)],
            environment=without_aws_settings({}),
            directory=directory,
        )
