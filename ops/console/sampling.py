"""
Statistics whose cost does not grow with the number of records.

A few records are read in full. More are sampled: each slice of time and each shard of the audit
index is read from its newest record back, up to a limit. The share of the slice that these records
cover tells the number in all of it: 50 records that cover a tenth of a slice stand for 500.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.orders.record import parted
from chalicelib.orders.times import iso
from chalicelib.services.paging import NEWEST
from chalicelib.services.queries import AuditFilter
from ops.desk.stats import Slice, Statistics, Stats

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence

    from chalicelib.orders.record import Record
    from ops.desk.newest_first import Records

SLICES = 30
READ_IN_FULL = 3_000
PER_READ = 40
READERS = 16
# How old a statistic may be, as a share of its period: 4 s for 15 minutes, 30 s at most.
FRESH_SHARE = 1 / 225
FRESH_AT_MOST_SECONDS = 30.0


class Measured(NamedTuple):
    """Statistics, and how many records they are estimated from; None if they are exact."""

    statistics: Statistics
    sample: int | None


class Throughput:
    """Statistics of a stage, shared by all open pages: ten of them cost as much as one."""

    def __init__(self, stats: Stats, records: Records, clock: Callable[[], datetime]) -> None:
        self._stats = stats
        self._records = records
        self._clock = clock
        self._kept: dict[timedelta, tuple[float, Measured]] = {}
        self._reading = threading.Lock()

    def of_last(self, period: timedelta) -> Measured:
        """
        Measure what was recorded in the last `period`, as of now or of a moment ago.

        Raises:
            StoreUnavailable: try again.
        """
        with self._reading:
            kept = self._kept.get(period)
            if kept and time.monotonic() - kept[0] < fresh_seconds(period):
                return kept[1]
            found = self._measure(period)
            self._kept[period] = (time.monotonic(), found)
            return found

    def _measure(self, period: timedelta) -> Measured:
        exact = self._stats.of_last(period, slices=SLICES, at_most=READ_IN_FULL)
        if exact.complete:
            return Measured(exact, None)
        return sample(self._records, self._clock(), period)


def sample(records: Records, end: datetime, period: timedelta) -> Measured:
    """Estimate statistics from a bounded number of records, spread over the whole period."""
    start, width = end - period, period / SLICES
    parts = [Slice(start + width * number) for number in range(SLICES)]
    places = [(part, shard) for part in parts for shard in range(records.audit_shards)]
    with ThreadPoolExecutor(READERS) as readers:
        read = list(
            readers.map(lambda place: _read(records, place[0].start, width, place[1]), places)
        )
    total = Slice(start)
    size = 0
    for (part, _), (found, factor) in zip(places, read, strict=True):
        size += len(found)
        for target in (part, total):
            _add(target, found, factor)
    return Measured(Statistics(start, end, total, parts, complete=False), size)


def _read(
    records: Records, start: datetime, width: timedelta, shard: int
) -> tuple[Sequence[Record], float]:
    """Read the newest records of a slice in a shard, and tell how many each stands for."""
    end = start + width
    page = records.read_audit(end.date(), shard, iso(end), PER_READ, AuditFilter())
    read, _ = parted(page.records)
    if page.read_to is None and start.date() < end.date():
        # Midnight falls into this slice, and nothing that is left of the later day.
        page = records.read_audit(start.date(), shard, NEWEST, PER_READ, AuditFilter())
        read += parted(page.records)[0]
    found = [record for record in read if record.processed_at >= start]
    if not found or len(found) < len(read) or page.read_to is None:
        return found, 1.0
    covered = end - found[-1].processed_at
    return found, max(1.0, width / max(covered, timedelta(milliseconds=1)))


def _add(target: Slice, records: Sequence[Record], factor: float) -> None:
    """Add records: counts are estimates; ages are those of the records themselves."""
    counted = Slice(target.start)
    for record in records:
        counted.add(record)
        target.ages.add((record.processed_at - record.received_at) / timedelta(milliseconds=1))
    _scale(target.by_status, counted.by_status, factor)
    _scale(target.by_channel, counted.by_channel, factor)
    target.conflicts += round(counted.conflicts * factor)
    target.corrections += round(counted.corrections * factor)
    target.retried += round(counted.retried * factor)


def _scale(target: Counter[str], counted: Counter[str], factor: float) -> None:
    for name, count in counted.items():
        target[name] += round(count * factor)


def fresh_seconds(period: timedelta) -> float:
    """Tell how long a statistic of a period is as good as new."""
    return min(FRESH_AT_MOST_SECONDS, period.total_seconds() * FRESH_SHARE)
