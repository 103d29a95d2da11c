"""The records of a period, newest first: over its days, and over the shards of each day."""

from __future__ import annotations

from datetime import UTC, datetime, time
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from chalicelib.orders.times import iso, parse_iso
from chalicelib.services.paging import NEWEST
from ops.desk.days import Days, latest_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from chalicelib.orders.record import Record
    from chalicelib.services.queries import AuditFilter, AuditPage, AuditQuery
    from ops.desk.unreadable_records import UnreadableRecords

PAGE_SIZE = 250
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Records(Protocol):
    """The audit of a record store."""

    @property
    def audit_shards(self) -> int: ...
    def read_audit(
        self, day: date, shard: int, before: str, limit: int, only: AuditFilter
    ) -> AuditPage: ...


class Source(NamedTuple):
    """The place that records are read from. What can't be read as one goes to `unreadable`."""

    records: Records
    recorded_days: Callable[[], Iterator[Iterable[date]]]
    unreadable: UnreadableRecords
    page_size: int = PAGE_SIZE


class Bounds(NamedTuple):
    """
    The bounds of a walk: it begins at the millisecond `before`, and makes so many reads.

    It makes at least one read of each shard: as long as one was not read, nothing is whole, and the
    walk that goes on would begin where this one did.

    `before_read` is called before each read of the table. It ends the walk by raising. Once
    `is_over` says so, the walk ends as if its reads were used up.
    """

    before: datetime | None = None
    most_reads: int | None = None
    before_read: Callable[[], None] = lambda: None
    is_over: Callable[[], bool] = lambda: False


UNBOUNDED = Bounds()


class NewestFirst:
    """
    All records of a period, newest first: they are read while it is iterated over.

    `stopped_at` is None if it came to the end. Otherwise the reads were used up, and a walk that
    begins `before` this moment goes on: it yields every record that this one did not. `scanned`
    and `day` say how many records it has looked through, and back to which day; `on_read` is called
    whenever it reads.
    """

    def __init__(
        self, source: Source, query: AuditQuery, today: date, bounds: Bounds = UNBOUNDED
    ) -> None:
        self._source = source
        self._query = query
        self._bounds = bounds
        self._most_reads = bounds.most_reads and max(bounds.most_reads, source.records.audit_shards)
        self._last_day = latest_day(query.last_day, today)
        if bounds.before:
            self._last_day = min(self._last_day, bounds.before.astimezone(UTC).date())
        self.reads = self.scanned = 0
        self.day: date | None = None
        self.on_read: Callable[[], None] = lambda: None
        self.stopped_at: datetime | None = None

    def __iter__(self) -> Iterator[Record]:
        days = Days(
            self._query.first_day,
            self._last_day,
            self._search_days,
            self._source.records.audit_shards,
        )
        for day in days:
            self.day = day
            for record in self._of_day(day):
                days.found()
                yield record
            if self.stopped_at:
                return

    def _search_days(self) -> Iterator[Iterable[date]]:
        for days in self._source.recorded_days():
            if not self._may_read():
                break
            yield days
        else:
            return
        # The search has not come to its end, so it must not look as if it had.
        while True:
            yield ()

    def _of_day(self, day: date) -> Iterator[Record]:
        """
        Read the shards side by side: always the one that is the least far back.

        So whatever the reads suffice for, all of it is whole. A shard that was read to its end
        first might use up all reads, and nothing would be.
        """
        read_to = dict.fromkeys(range(self._source.records.audit_shards), self._start_of(day))
        held: list[Record] = []
        while read_to:
            shard = max(read_to, key=lambda each: read_to[each])
            if not self._may_read():
                self.stopped_at = _moment_of(day, read_to[shard])
                return
            page = self._source.records.read_audit(
                day, shard, read_to[shard], self._source.page_size, self._query.only
            )
            self.scanned += page.scanned
            held += self._source.unreadable.kept_from(page.records)
            if page.read_to:
                read_to[shard] = page.read_to
            else:
                del read_to[shard]
            # A walk goes on at a millisecond. One that may not have been read to its end is left
            # whole to it: no record comes twice.
            end = _moment_of(day, max(read_to.values())) if read_to else LONG_AGO
            ready = [record for record in held if record.processed_at > end]
            held = [record for record in held if record.processed_at <= end]
            yield from sorted(ready, key=attrgetter("audit_position"), reverse=True)

    def _start_of(self, day: date) -> str:
        before = self._bounds.before
        if before is None or before.astimezone(UTC).date() != day:
            return NEWEST
        return f"{iso(before)}#{NEWEST}"

    def _may_read(self) -> bool:
        if self.reads == self._most_reads or self._bounds.is_over():
            return False
        self._bounds.before_read()
        self.on_read()
        self.reads += 1
        return True


def _moment_of(day: date, position: str) -> datetime:
    """Read the moment of a place in a day's audit: the day's last one before anything is read."""
    end_of_day = datetime.combine(day, time(23, 59, 59, 999_000), UTC)
    return parse_iso(position.partition("#")[0]) or end_of_day
