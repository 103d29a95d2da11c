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
    more = False
    for own, goes_on in _walk(records, order_id, None if after == START else after, caller):
        found += own
        more = goes_on
        if len(found) > limit:
            break
    page = found[:limit]
    return page, _position(page[-1]) if page and (more or len(found) > limit) else None


def _walk(
    records: Records, order_id: str, read_to: HistoryPosition | None, caller: Caller
) -> Iterator[tuple[list[Record], bool]]:
    """Yield the own records of each of so many reads at most, and whether there is more."""
    for _ in range(MAX_ROUNDS):
        listed, read_to = records.read_history(
            order_id, read_to, FILTERED_READ_SIZE, caller.channel
        )
        yield list(_own(listed, caller)), read_to is not None
        if read_to is None:
            return


def _best(slots: Sequence[Record]) -> Record | None:
    """Choose the accepted record, or else the first one."""
    accepted = [each for each in slots if each.valid]
    return next(iter([*accepted, *slots]), None)


def _oldest(
    records: Records, order_id: str, first_page: Sequence[Record], caller: Caller
) -> Record | None:
    walked = (each for own, _ in _walk(records, order_id, None, caller) for each in own)
    return first_page[0] if first_page else next(walked, None)


def _own(listed: Sequence[Listed], caller: Caller) -> Iterator[Record]:
    for each in listed:
        if isinstance(each, Record) and caller.sees(each):
            yield each


def _position(record: Record) -> HistoryPosition:
    return HistoryPosition(record.audit_position, record.record_id)
