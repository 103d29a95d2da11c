"""Waiting for an answer that is not there yet, within the function's time and a limit of places."""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from threading import Semaphore
from typing import TypeVar

MAX_WAIT_SECONDS = 10
# The pauses between looks, each twice the one before: most orders are recorded within a tenth of a
# second, and whoever waits learns of it at most about as much later again. A wait of ten seconds
# looks 14 times.
FIRST_PAUSE_SECONDS = 0.025
LONGEST_PAUSE_SECONDS = 1.25
# A look whose call gets no answer takes 9 s with its retries (aws/clients.py); the rest is for the
# answer. So a wait never runs into the function's time-out, even if AWS is silent at its end.
TIME_FOR_LAST_LOOK_SECONDS = 9.5

Answer = TypeVar("Answer")


class WaitingRoom:
    """
    The places of those who wait, in this process.

    Lambda gives a process one request at a time: there the places are a switch (without one nobody
    waits), and the function's concurrency is the limit.
    """

    def __init__(
        self,
        places: int,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._places = Semaphore(places)
        self._sleep = sleep
        self._monotonic = monotonic

    def ask(
        self,
        read: Callable[[], Answer],
        *,
        missing: type[Exception],
        wait_seconds: float,
        time_left_ms: Callable[[], float] | None = None,
    ) -> Answer:
        """
        Read an answer. While it is `missing`, read again, for so many seconds at most.

        If all places are taken, it does not wait. Whatever else `read` raises ends the wait.
        """
        until = self._monotonic() + wait_seconds
        with closing(self._pauses(until, time_left_ms)) as pauses:
            while True:
                try:
                    return read()
                except missing:
                    pause = next(pauses, None)
                    if pause is None:
                        raise
                self._sleep(pause)

    def _pauses(
        self, until: float, time_left_ms: Callable[[], float] | None
    ) -> Generator[float, None, None]:
        """Take a place at the first pause, and give it back after the last one."""
        if not self._places.acquire(blocking=False):
            return
        try:
            pause = FIRST_PAUSE_SECONDS
            while (left := min(until - self._monotonic(), _spare_seconds(time_left_ms))) > 0:
                yield min(pause, left)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        finally:
            self._places.release()


def _spare_seconds(time_left_ms: Callable[[], float] | None) -> float:
    """Return how long the function may sleep. Without a clock there is no limit."""
    if time_left_ms is None:
        return float("inf")
    return time_left_ms() / 1000 - TIME_FOR_LAST_LOOK_SECONDS
