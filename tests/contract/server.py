"""An implementation of AWS as a child process, on a free port of 127.0.0.1."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from ops.local.processes import ChildProcess
from ops.ports import LOOPBACK, accepts_connections, free_port
from tests.e2e.client import eventually

GRACE_SECONDS = 1.0


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
        self._log = directory / f"{name}.log"
        super().__init__(
            name,
            list(command(self.port)),
            environment=dict(environment),
            directory=directory,
            output=self._log,
        )

    def __enter__(self) -> Self:
        self.start()
        try:
            eventually(self._listens)
        except BaseException:
            self.stop(GRACE_SECONDS)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(GRACE_SECONDS)

    def _listens(self) -> bool:
        assert self.is_running, f"{self.how_it_ended()}; {self._log} says why"
        return accepts_connections(LOOPBACK, self.port)
