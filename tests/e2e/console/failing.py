"""
A console whose desk fails as told: run as a process, since NiceGUI has one set of pages for each.

Its arguments are the port of the stage's AWS endpoint, its own port, and a file that it appends a
byte to for each read that an endless export makes.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from chalicelib.orders.record import Record
from chalicelib.services.queries import AuditQuery
from ops.console.console import Console
from ops.console.pages import orders
from ops.console.server import run_console
from ops.desk.desk import Desk
from ops.desk.stage import connect

ACCOUNT = "9121000418450200051332"
MESSAGE = f"[/x] <b>bold</b> of {ACCOUNT}"
TOLERATED_CALLS = {"page": 1}

orders.NEWS_SECONDS = 0.5


class Unforeseen(Exception):
    """A fault that no page knows of."""


class Failing:
    """The services of a desk, of which some fail, a few only after so many calls."""

    def __init__(self, real: Any, *names: str) -> None:
        self._real = real
        self._left = {name: TOLERATED_CALLS.get(name, 0) for name in names}

    def __getattr__(self, name: str) -> Any:
        if name not in self._left:
            return getattr(self._real, name)
        self._left[name] -= 1
        return getattr(self._real, name) if self._left[name] >= 0 else fail


def fail(*_: Any, **__: Any) -> Any:
    """Fail as nothing expects."""
    raise Unforeseen(MESSAGE)


class FailingOrders(Failing):
    """Orders that can't be handed in, and whose export never ends but for a channel."""

    def newest_first(self, query: AuditQuery, before_read: Callable[[], None]) -> Iterator[Record]:
        while query.only.channel is None:
            before_read()
            with Path(sys.argv[3]).open("ab") as reads:
                reads.write(b".")
            time.sleep(0.01)
        yield from ()


class FailingDesk(Desk):
    """A desk that fails in all ways that a page can meet."""

    @cached_property
    def orders(self) -> Any:
        return FailingOrders(super().orders, "submit", "page")

    @cached_property
    def dead_letters(self) -> Any:
        return Failing(super().dead_letters, "redrive", "plan")

    @cached_property
    def audit_trail(self) -> Any:
        return Failing(super().audit_trail, "newest_first")

    def health(self) -> Any:
        return fail()


def say_ready() -> None:
    """Tell the test that the console answers."""
    os.write(1, b"ready\n")


if __name__ == "__main__":
    aws_port, port = int(sys.argv[1]), int(sys.argv[2])
    desk = FailingDesk(connect(aws_port=aws_port))
    run_console(Console(desk), port, say_ready)
