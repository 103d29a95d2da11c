"""Stop signals as an exception: a command that is told to stop cleans up first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM, or a closed terminal. Not an error: no `except Exception` gets it."""


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """
    Raise StopRequested in the `with` block at the first stop signal, and ignore later ones.

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


@contextmanager
def stop_signals_wait() -> Iterator[None]:
    """Let a stop signal wait for the end of the `with` block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
