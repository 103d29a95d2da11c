"""An implementation of AWS as a child process, on a free port of 127.0.0.1."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from ops.local.processes import ChildProcess
from ops.ports import LOOPBACK, accepts_connections, free_port
from tests.e2e.client import eventually


class Server(ChildProcess):
    """It starts empty, and ends with its `with` block."""

    def __init__(
        self,
        name: str,
        command: Callable[[int], Sequence[str]],
        *,
        environment: Mapping[str, str],
        directory: Path,
    ) -> None:
        """`command` is what starts it on a port."""
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        super().__init__(
            name,
            list(command(self.port)),
            environment=dict(environment),
            directory=directory,
            output=directory / f"{name}.log",
        )

    def __enter__(self) -> Self:
        self.start()
        eventually(lambda: accepts_connections(LOOPBACK, self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(grace_seconds=1)
