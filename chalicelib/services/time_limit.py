"""The time limit of a batch: no call begins if the function's time may be too short for it."""

from collections.abc import Callable

# The longest that one call takes, with the clients' time-outs and retries: 22 s (aws/clients.py);
# with the pause before a put that met another one (batch_calls.py); and 0.3 s for the answer.
TIME_FOR_ONE_CALL_MS = 22_500

CheckTime = Callable[[], None]
"""Raises OutOfTime if the function's time may be too short for another call."""


class OutOfTime(Exception):
    """The function's time was too short for the rest: the message stays on the queue."""


def time_check(
    time_left_ms: Callable[[], float] | None, needed_ms: float = TIME_FOR_ONE_CALL_MS
) -> CheckTime:
    """
    Make the check that comes before each call. Without a clock there is no limit.

    A function that has little time from the start still uses half of it. Otherwise it would never
    do anything, and all its messages would end in the dead-letter queue.
    """
    if time_left_ms is None:
        return lambda: None
    needed_ms = min(needed_ms, time_left_ms() / 2)

    def check_time() -> None:
        if time_left_ms() < needed_ms:
            raise OutOfTime

    return check_time
