"""What the overview shows: statistics, kept for a moment, and the depths that were seen so far."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.unavailable import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops.desk.stats import Statistics, Stats

# A screen is to be quick with a million records too: these are read at most, the newest ones.
READ_AT_MOST = 5_000
SLICES = 30
DEPTH_SECONDS = 5.0
KEPT_DEPTHS = int(24 * 3600 / DEPTH_SECONDS)
# How old a statistic may be, as a share of its period: 4 s for 15 minutes, 30 s at most.
FRESH_SHARE = 1 / 225
FRESH_AT_MOST_SECONDS = 30.0


class Depth(NamedTuple):
    """How many messages there were at a moment."""

    at: datetime
    queue: int
    in_flight: int
    dead_letters: int


class Measurements:
    """
    Statistics and depths of a stage, shared by all open pages: ten of them cost as much as one.

    SQS keeps no history of its depths: these are what this console saw since it started.
    """

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._depths: deque[Depth] = deque(maxlen=KEPT_DEPTHS)
        self._kept: dict[timedelta, tuple[float, Statistics]] = {}
        self._reading = threading.Lock()

    def of_last(self, period: timedelta) -> Statistics:
        """
        Statistics of the last so-and-so long, of a moment ago if someone has just asked.

        Raises:
            StoreUnavailable: try again.
        """
        with self._reading:
            kept = self._kept.get(period)
            if kept and time.monotonic() - kept[0] < fresh_seconds(period):
                return kept[1]
            found = self._stats.of_last(period, slices=SLICES, at_most=READ_AT_MOST)
            self._kept[period] = (time.monotonic(), found)
            return found

    def depth(self) -> Depth:
        """
        The depths now, which are kept.

        Raises:
            StoreUnavailable: try again.
        """
        found = self._stats.depths()
        return self._keep(found)

    def depths_since(self, moment: datetime) -> Sequence[Depth]:
        """What was seen since then, oldest first."""
        return [depth for depth in tuple(self._depths) if depth.at >= moment]

    def watch(self, stop: threading.Event) -> None:
        """Look at the depths every few seconds, until told to stop."""
        while not stop.wait(DEPTH_SECONDS):
            try:
                self.depth()
            except StoreUnavailable:
                # A gap in the plot says it.
                continue

    def _keep(self, found: Mapping[str, int]) -> Depth:
        depth = Depth(
            datetime.now(UTC),
            found["queue"],
            found["inFlight"],
            found["deadLetters"] + found["deadLettersHidden"],
        )
        self._depths.append(depth)
        return depth


def fresh_seconds(period: timedelta) -> float:
    """For how long a statistic of a period is as good as new."""
    return min(FRESH_AT_MOST_SECONDS, period.total_seconds() * FRESH_SHARE)
