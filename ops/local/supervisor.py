"""Keeps an eye on child processes until one ends or the user wants to stop."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from ops.local.processes import ChildProcess

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GLANCE_SECONDS = 0.2


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM, or a closed terminal. Not an error: no `except Exception` gets it."""


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """
    In the `with` block, the first stop signal raises StopRequested and later ones do nothing.

    Stopping is bounded in time, and an impatient second Ctrl-C in the middle of it would leave
    processes behind.
    """
    before = {number: signal.signal(number, _request_stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _request_stop(_number: int, _frame: FrameType | None) -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise StopRequested


def wait_until_one_ends(processes: Sequence[ChildProcess]) -> ChildProcess:
    """None of them is meant to: the one returned has crashed, or was ended from outside."""
    while True:
        for process in processes:
            if not process.is_running:
                return process
        time.sleep(GLANCE_SECONDS)
