"""Which failures may pass, how long to wait between two attempts, and when to give up."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from chalicelib.orders.times import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.services.unavailable import StoreUnavailable

MOST_ATTEMPTS = 12
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
# Who is asked to wait longer than this comes back later.
LONGEST_ASKED_SECONDS = 300.0
# RFC 9110, 10.2.3: a number of seconds, or a date.
MOST_DIGITS = 9
# Failures that may pass by themselves: of an event (EventBridge's API reference:
# PutEventsResultEntry; SNS has other names), and of a call that botocore has tried three times.
PASSING = frozenset(
    {
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "EndpointConnectionError",
        "InternalError",
        "InternalErrorException",
        "InternalException",
        "InternalFailure",
        "ReadTimeoutError",
        "ServiceUnavailable",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
    }
)


class Patience:
    """The attempts in vain since something was settled."""

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._in_vain = 0

    def renew(self) -> None:
        """Begin anew: something was settled."""
        self._in_vain = 0

    def wait_seconds(self, asked_seconds: float | None) -> float | None:
        """Say how long to wait before the next attempt, after one in vain; None: give up."""
        self._in_vain += 1
        asked = asked_seconds or 0.0
        if self._in_vain >= MOST_ATTEMPTS or asked > LONGEST_ASKED_SECONDS:
            return None
        own = min(FIRST_WAIT_SECONDS * 2 ** (self._in_vain - 1), LONGEST_WAIT_SECONDS)
        # Not all at once: who was refused together would come back together.
        return max(self._uniform(own / 2, own), self._uniform(asked, asked * 1.25))


def asked_seconds(retry_after: str | None, clock: Callable[[], datetime] = now) -> float | None:
    """Read a Retry-After, in seconds or as a date. None: it is neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:MOST_DIGITS])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - clock()).total_seconds())


def may_pass(failure: StoreUnavailable) -> bool:
    """Tell whether a call that AWS refused, whole or in part, may do if it is made again."""
    _, _, codes = str(failure).partition(": ")
    return PASSING.issuperset(codes.split(", "))
