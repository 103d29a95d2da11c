"""Statistics: counts, ages and rates of a period, by slices of time, in memory that stays small."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from chalicelib.orders.record import Record
    from chalicelib.services.queries import AuditFilter

# Ages are kept as counts per bucket, each 5% wider than the one before: a percentile is off by so
# much at most.
BUCKET_GROWTH = 1.05
NO_CHANNEL = "unspecified"


class Ages:
    """Ages of orders when they were recorded, as percentiles."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.count = 0

    def add(self, milliseconds: float) -> None:
        bucket = math.ceil(math.log(max(milliseconds, 1.0), BUCKET_GROWTH))
        self._counts[bucket] += 1
        self.count += 1

    def percentile(self, percent: float) -> int | None:
        """Return the age in ms that so many percent of orders had at most; None without orders."""
        rank = math.ceil(self.count * percent / 100)
        for bucket in sorted(self._counts):
            rank -= self._counts[bucket]
            if rank <= 0:
                return round(BUCKET_GROWTH**bucket)
        return None


@dataclass
class Slice:
    """The orders that were recorded in one slice of time, from `start` on."""

    start: datetime
    by_status: Counter[str] = field(default_factory=Counter)
    by_channel: Counter[str] = field(default_factory=Counter)
    conflicts: int = 0
    corrections: int = 0
    retried: int = 0
    ages: Ages = field(default_factory=Ages)

    @property
    def count(self) -> int:
        return self.by_status.total()

    def add(self, record: Record) -> None:
        self.by_status[record.status.value] += 1
        self.by_channel[record.channel or NO_CHANNEL] += 1
        self.conflicts += bool(record.differs)
        self.corrections += record.is_duplicate and record.status == "ACCEPTED"
        self.retried += record.receive_count > 1
        self.ages.add((record.processed_at - record.received_at) / timedelta(milliseconds=1))


@dataclass
class Statistics:
    """
    The orders that were recorded from `start` to `end`: altogether, and by slices.

    `complete` is False if there was more than was read: then all is of the newest records only,
    those since `start`.
    """

    start: datetime
    end: datetime
    total: Slice
    slices: list[Slice]
    complete: bool = True


class Orders(Protocol):
    """The orders, as far as statistics need them."""

    def since(self, moment: datetime, only: AuditFilter | None = None) -> Iterator[Record]: ...


class Stats:
    """Statistics of a stage."""

    def __init__(
        self,
        orders: Orders,
        depths: Callable[[], Mapping[str, int]],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._orders = orders
        self._depths = depths
        self._clock = clock

    def depths(self) -> Mapping[str, int]:
        """Count messages, about: `queue`, `inFlight`, `deadLetters`, `deadLettersHidden`."""
        return self._depths()

    def of_last(
        self,
        period: timedelta,
        *,
        slices: int = 12,
        only: AuditFilter | None = None,
        at_most: int | None = None,
    ) -> Statistics:
        """
        Count what was recorded in the last `period`, in so many slices.

        It reads every record of the period, newest first; `at_most` bounds that for a screen that
        must stay quick.
        """
        end = self._clock()
        start = end - period
        width = period / slices
        parts = [Slice(start + width * number) for number in range(slices)]
        statistics = Statistics(start, end, Slice(start), parts)
        for read, record in enumerate(self._orders.since(start, only)):
            if read == at_most:
                statistics.complete = False
                break
            statistics.start = record.processed_at if at_most else start
            statistics.total.add(record)
            number = int((record.processed_at - start) / width)
            parts[max(0, min(number, slices - 1))].add(record)
        if statistics.complete:
            statistics.start = start
        return statistics


@dataclass
class ErrorGroup:
    """The rejected records that have one error, by field and code."""

    field_name: str
    code: str
    last_at: datetime
    count: int = 0
    orders: list[str] = field(default_factory=list)


def grouped_by_error(records: Iterable[Record], examples: int = 3) -> list[ErrorGroup]:
    """
    Group rejected records by error, the most frequent first, each with a few order ids.

    A record counts in each of its errors. There are as many groups as there are codes.
    """
    groups: dict[tuple[str, str], ErrorGroup] = {}
    for record in records:
        for error in record.errors:
            first = ErrorGroup(error.field, error.code, record.processed_at)
            group = groups.setdefault((error.field, error.code), first)
            group.count += 1
            group.last_at = max(group.last_at, record.processed_at)
            if len(group.orders) < examples and record.order_id not in group.orders:
                group.orders.append(record.order_id)
    return sorted(groups.values(), key=lambda group: (-group.count, group.field_name, group.code))
