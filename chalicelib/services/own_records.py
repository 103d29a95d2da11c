"""
A channel's reading: the records of its own, and nothing of any other's.

The records of all channels lie side by side, so others' are read, and not shown. Nothing of them
may get into an answer: no cursor holds their positions, which begin with their times.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from chalicelib.orders.record import FIRST_SLOT, Listed, Record
from chalicelib.orders.times import iso, parse_iso
from chalicelib.services.paging import FILTERED_READ_SIZE, MAX_ROUNDS, NEWEST, HistoryPosition
from chalicelib.services.principals import Caller

START = HistoryPosition("", "")
# The places at which a channel's audit may rest, by the clock.
UNITS = (
    timedelta(hours=1),
    timedelta(minutes=1),
    timedelta(seconds=1),
    timedelta(milliseconds=1),
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Records(Protocol):
    """The record store, as far as a channel's reading of an order needs it."""

    def read_shared_slots(self, order_id: str) -> list[Listed]: ...
    def read_history(
        self,
        order_id: str,
        after: HistoryPosition | None,
        limit: int,
        channel: str | None = None,
    ) -> tuple[list[Listed], HistoryPosition | None]: ...


class OwnPage(NamedTuple):
    """A caller's best record of an order, a page of the own ones, and where to go on."""

    order: Record
    records: Sequence[Record]
    read_to: HistoryPosition | None


def read_own_page(
    records: Records, order_id: str, after: HistoryPosition | None, limit: int, caller: Caller
) -> OwnPage | None:
    """
    Read a page of a caller's own records of an order, oldest first; None if there are none.

    `after` is None for the first page, and START for what follows the order's first record. The
    calls are the same for an order of others and for none at all.

    Raises:
        StoreUnavailable: try again.
    """
    slots = list(_own(records.read_shared_slots(order_id), caller))
    page = [each for each in slots if each.record_id == FIRST_SLOT] if after is None else []
    read_to: HistoryPosition | None = after or START
    if limit > len(page):
        more, read_to = _read_history(records, order_id, after, limit - len(page), caller)
        page += more
    order = _best(slots) or _oldest(records, order_id, page if after is None else [], caller)
    return OwnPage(order, page, read_to) if order else None


def resting_place(start: str, read_to: str) -> str | None:
    """
    Choose where a channel's audit goes on, which was read from `start` down to `read_to`.

    `read_to` may be another channel's record. So the place is the next full hour; or the next
    minute, second or millisecond, if that would be no progress. What was read below the place is
    read once more. None: there is no such place.
    """
    if read_to == NEWEST:
        return read_to
    moment = parse_iso(read_to.partition("#")[0])
    if moment is None:
        return None
    places = (iso(EPOCH + ((moment - EPOCH) // unit + 1) * unit) for unit in UNITS)
    return next((place for place in places if place < start), None)


def _read_history(
    records: Records, order_id: str, after: HistoryPosition | None, limit: int, caller: Caller
) -> tuple[list[Record], HistoryPosition | None]:
    """
    Read at most `limit` own records after an order's first.

    The place to go on is the last one that is shown. So beyond 10,000 records of others in a row
    no more are listed; each can be read by its submission's own address all the same.
    """
    found: list[Record] = []
    read_to = None if after == START else after
    for _ in range(MAX_ROUNDS):
        listed, read_to = records.read_history(
            order_id, read_to, FILTERED_READ_SIZE, caller.channel
        )
        found += _own(listed, caller)
        if len(found) > limit or read_to is None:
            break
    page = found[:limit]
    goes_on = read_to is not None or len(found) > limit
    return page, _position(page[-1]) if goes_on and page else None


def _best(slots: Sequence[Record]) -> Record | None:
    """Choose the accepted record, or else the first one."""
    accepted = [each for each in slots if each.valid]
    return next(iter([*accepted, *slots]), None)


def _oldest(
    records: Records, order_id: str, first_page: Sequence[Record], caller: Caller
) -> Record | None:
    if not first_page:
        first_page, _ = _read_history(records, order_id, None, 1, caller)
    return next(iter(first_page), None)


def _own(listed: Sequence[Listed], caller: Caller) -> Iterator[Record]:
    for each in listed:
        if isinstance(each, Record) and caller.sees(each):
            yield each


def _position(record: Record) -> HistoryPosition:
    return HistoryPosition(record.audit_position, record.record_id)
