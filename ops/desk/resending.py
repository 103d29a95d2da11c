"""
Events sent again: those of the records of a period, each as it was sent the first time.

The audit index tells which records there are. Each event is made of the record's own item, as the
stream's function makes it: so whoever has heard it before gets the same id, and the same event.
"""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from chalicelib.orders.times import iso
from chalicelib.services.events import EVENTS_PER_CALL, event_type
from chalicelib.services.queries import AuditFilter, AuditQuery
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.newest_first import Bounds
from ops.patience import Patience, may_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from datetime import date, datetime

    from chalicelib.orders.record import Record, Status
    from ops.desk.audit_trail import AuditTrail

T = TypeVar("T")

# The stage's own events share EventBridge's quota of the account: 10,000 a second in us-east-1, and
# much less elsewhere (docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
DEFAULT_PER_SECOND = 100.0
# So many items are read by one call.
ITEMS_AT_ONCE = 100


class Period(NamedTuple):
    """The records to tell of: of these days, with these verdicts, recorded until `before`."""

    first_day: date
    last_day: date
    told: Sequence[Status]
    before: datetime | None = None


class Sent(NamedTuple):
    """The events of one call. `up_to` is the time of the oldest; `missing` have no item now."""

    records: Sequence[Record]
    missing: int
    up_to: datetime


class Publishing(Protocol):
    """The stage's events: the verdicts that they tell of, and their way out."""

    told: Sequence[Status]

    def publish(self, records: Sequence[Record]) -> int: ...


class Items(Protocol):
    """The table, as far as records are read by their keys."""

    def records_at(self, keys: Iterable[tuple[str, str]]) -> Iterator[Record]: ...


class Resending:
    """Sends the events of records again."""

    def __init__(
        self,
        search: Callable[[AuditQuery, Bounds], Iterable[Record]],
        items: Items,
        events: Publishing,
        trail: AuditTrail,
        target: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        make_patience: Callable[[], Patience] = Patience,
    ) -> None:
        """`search` walks through the audit index, newest first; `target` is the bus or topic."""
        self._search = search
        self._items = items
        self._events = events
        self._trail = trail
        self.target = target
        self._sleep = sleep
        self._monotonic = monotonic
        self._make_patience = make_patience

    @property
    def told(self) -> Sequence[Status]:
        """The verdicts that the stage tells: its consumers expect no others."""
        return self._events.told

    def found(self, period: Period) -> Iterator[Record]:
        """Yield the records whose events would be sent, newest first, as the index has them."""
        only = AuditFilter(status=period.told[0] if len(period.told) == 1 else None)
        query = AuditQuery(period.first_day, period.last_day, only)
        for record in self._search(query, Bounds(before=period.before)):
            if record.status in period.told:
                yield record

    def resend(
        self,
        period: Period,
        *,
        why: str = "",
        per_second: float = DEFAULT_PER_SECOND,
        note: Callable[[str], object] = lambda _: None,
    ) -> Generator[Sent, None, None]:
        """
        Send the events of a period, newest first, and yield what each call has sent.

        Safe to break off at any point, and to begin again `before` the last time that was yielded:
        what is sent twice has the same id. A call that fails in a way that may pass is made again,
        ever later; `note` is told why, and when.

        Raises:
            StoreUnavailable: of this call some events may be sent, and some may not.
        """
        scope = {
            "from": period.first_day,
            "to": period.last_day,
            "types": ", ".join(map(event_type, period.told)),
        }
        if period.before:
            scope["before"] = iso(period.before)
        self._trail.write("events.resend", why=why, **scope)
        counts = Counter[str]()
        due = self._monotonic()
        patience = self._make_patience()
        try:
            for listed in _pieces(self._found_items(period), EVENTS_PER_CALL):
                now = self._monotonic()
                self._sleep(max(0.0, due - now))
                # What a pause has delayed is not caught up: a throttle would follow at once.
                due = max(due, now) + len(listed) / per_second
                records = [record for _, record in listed if record]
                self._publish(records, patience, note)
                counts["sent"] += len(records)
                counts["missing"] += len(listed) - len(records)
                yield Sent(records, len(listed) - len(records), listed[-1][0])
        finally:
            told = {"sent": counts["sent"], "missing": counts["missing"]}
            self._trail.write("events.resend.ended", why=why, **told)

    def _publish(
        self, records: Sequence[Record], patience: Patience, note: Callable[[str], object]
    ) -> None:
        while True:
            try:
                self._events.publish(records)
            except StoreUnavailable as error:
                seconds = patience.wait_seconds(None) if may_pass(error) else None
                if seconds is None:
                    raise
                note(f"{error}: once more in {seconds:.1f} s.")
                self._sleep(seconds)
            else:
                patience.renew()
                return

    def _found_items(self, period: Period) -> Iterator[tuple[datetime, Record | None]]:
        """Yield each record that is found by its time, and by its item if that is still there."""
        for listed in _pieces(self.found(period), ITEMS_AT_ONCE):
            keys = [(record.order_id, record.record_id) for record in listed]
            items = {
                (record.order_id, record.record_id): record
                for record in self._items.records_at(keys)
            }
            for record, key in zip(listed, keys, strict=True):
                yield record.processed_at, items.get(key)


def _pieces(source: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut what a source yields into lists of so many."""
    found = iter(source)
    while piece := list(islice(found, size)):
        yield piece
