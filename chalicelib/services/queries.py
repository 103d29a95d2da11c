"""Reading back: one order with its history, and the audit of all orders."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import NamedTuple, Protocol

from chalicelib.orders.errors import sentence
from chalicelib.orders.order import is_order_id
from chalicelib.orders.record import FIRST_SLOT, Listed, Record, Status, UnreadableRecord, parted
from chalicelib.services.cursors import InvalidCursor, decode_cursor, encode_cursor
from chalicelib.services.own_records import START, read_own_page, resting_place
from chalicelib.services.paging import FILTERED_READ_SIZE, MAX_ROUNDS, NEWEST, HistoryPosition
from chalicelib.services.principals import ANYONE, Caller

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
DEFAULT_DAYS = 7
# No record is older than this system, whose first version is of 2026: a record bears the clock of
# the function that wrote it, and keeps that in a backup, an export, a replica and a copy. The age
# of the table says nothing: a restored or imported one is younger than its records.
FIRST_DAY = date(2025, 1, 1)


class OrderNotFound(LookupError):
    """No submission of this order is recorded (yet)."""


class AuditFilter(NamedTuple):
    """The records that an audit shows: those with these values; None shows all."""

    status: Status | None = None
    valid: bool | None = None
    is_duplicate: bool | None = None
    channel: str | None = None


class AuditPage(NamedTuple):
    """
    The records that one read of one shard found, newest first, and what can't be read as one.

    `read_to` is the position that the read came to when there is more; None at the shard's end.
    `scanned` says how many records it looked through for them.
    """

    records: tuple[Listed, ...]
    read_to: str | None
    scanned: int


class Records(Protocol):
    """The record store, as far as the queries need it."""

    @property
    def audit_shards(self) -> int: ...
    def read_shared_slots(self, order_id: str) -> list[Listed]: ...
    def read_order(self, order_id: str) -> tuple[list[Listed], list[Listed] | None]: ...
    def read_history(
        self,
        order_id: str,
        after: HistoryPosition | None,
        limit: int,
        channel: str | None = None,
    ) -> tuple[list[Listed], HistoryPosition | None]: ...
    def read_audit(
        self, day: date, shard: int, before: str, limit: int, only: AuditFilter
    ) -> AuditPage: ...


class Archive(Protocol):
    """The archive, as far as the queries need it."""

    def presigned_url(self, key: str) -> str: ...


class OrderHistory(NamedTuple):
    """
    An order, and one page of the records of all its submissions.

    `unreadable` is what stands among them, and can't be read as one.
    """

    order: Record
    s3_url: str | None
    records: Sequence[Record]
    cursor: str | None
    unreadable: Sequence[UnreadableRecord] = ()


class AuditQuery(NamedTuple):
    """
    The records to list: of these days (both included, UTC), narrowed by a filter.

    A day that the caller left out is the default. The default changes at midnight, so the cursor
    tells later pages the period of the first one.
    """

    first_day: date
    last_day: date
    only: AuditFilter
    limit: int = DEFAULT_LIMIT
    first_is_usual: bool = False
    last_is_usual: bool = False

    @property
    def scope(self) -> str:
        """
        The whole query but its limit, which may change from page to page.

        A cursor is bound to it.
        """
        first = "" if self.first_is_usual else self.first_day
        last = "" if self.last_is_usual else self.last_day
        return f"{first}/{last}/{self.only}"


class AuditList(NamedTuple):
    """
    One page of the audit, newest first.

    While `cursor` is not None there may be more, even if the page is short or empty. `unreadable`
    is what stands among the records, and can't be read as one.
    """

    records: Sequence[Record]
    cursor: str | None
    unreadable: Sequence[UnreadableRecord] = ()


class Queries:
    """Answers questions about orders, by keyed reads only, never by a scan."""

    def __init__(self, records: Records, archive: Archive, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._archive = archive
        self._clock = clock
        self._readers = ThreadPoolExecutor(max_workers=records.audit_shards)

    def get_order(
        self,
        order_id: str,
        cursor: str | None = None,
        limit: int = DEFAULT_LIMIT,
        caller: Caller = ANYONE,
    ) -> OrderHistory:
        """
        Read an order (the accepted record, or the first one) and its history, oldest first.

        A channel reads its own records: an order without any is as one that is not there.

        Raises:
            OrderNotFound: nothing is recorded of it: it may still be on the queue.
            InvalidCursor: the cursor is not one of this order's.
            StoreUnavailable: try again.
            UnreadableRecord: what may be the accepted record can't be read.
        """
        if caller.sees_only:
            return self._own_order(order_id, cursor, limit, caller)
        after = _history_position(order_id, cursor)
        # A store refuses to look for some of the ids that no order can have.
        if not is_order_id(order_id):
            raise OrderNotFound(order_id)
        slots, short_history = self._records.read_order(order_id)
        if not slots:
            raise OrderNotFound(order_id)
        order = _order_in(slots)
        page = [each for each in slots if each.record_id == FIRST_SLOT] if cursor is None else []
        read_to: HistoryPosition | None = after or START
        left = limit - len(page)
        if after is None and short_history is not None and len(short_history) <= left:
            page, read_to = page + short_history, None
        elif left:
            more, read_to = self._records.read_history(order_id, after, left)
            page += more
        records, unreadable = parted(page)
        return OrderHistory(
            order=order,
            s3_url=self._url(order),
            records=records,
            cursor=_history_cursor(order_id, read_to),
            unreadable=unreadable,
        )

    def _own_order(
        self, order_id: str, cursor: str | None, limit: int, caller: Caller
    ) -> OrderHistory:
        after = None if cursor is None else _history_position(order_id, cursor) or START
        if not is_order_id(order_id):
            raise OrderNotFound(order_id)
        page = read_own_page(self._records, order_id, after, limit, caller)
        if page is None:
            raise OrderNotFound(order_id)
        next_page = _history_cursor(order_id, page.read_to)
        return OrderHistory(page.order, self._url(page.order), page.records, next_page)

    def _url(self, record: Record) -> str | None:
        return self._archive.presigned_url(record.s3_key) if record.s3_key else None

    def list_orders(
        self, query: AuditQuery, cursor: str | None = None, caller: Caller = ANYONE
    ) -> AuditList:
        """
        Read the records of a period, newest first: of a channel, its own.

        Raises:
            ChannelNotYours: the query names another channel than the caller's.
            InvalidCursor: the cursor is not one of this query's.
            StoreUnavailable: try again.
        """
        query, day, before = self._start(_query_of(caller, query), cursor)
        begun = day, before
        # A clock that is wrong, on somebody's machine, is believed.
        first_day = max(query.first_day, min(FIRST_DAY, self._clock().date()))
        found: list[Listed] = []
        for _ in range(MAX_ROUNDS):
            if day < first_day or day == date.min:
                return _audit_list(found, None)
            records, horizon = self._round(day, before, query)
            found += filter(caller.sees, records)
            if len(found) >= query.limit:
                found = found[: query.limit]
                return _audit_list(found, _audit_cursor(query, day, found[-1].audit_position))
            day, before = (day, horizon) if horizon else (day - timedelta(days=1), NEWEST)
        if caller.sees_only:
            return _own_list(query, found, begun, (day, before))
        return _audit_list(found, _audit_cursor(query, day, before))

    def _start(self, query: AuditQuery, cursor: str | None) -> tuple[AuditQuery, date, str]:
        # Nothing is recorded in the future: never walk back from a distant last day.
        latest = min(query.last_day, self._clock().date() + timedelta(days=1))
        if cursor is None:
            return query, latest, NEWEST
        days, before = decode_cursor(query.scope, cursor)
        if not before:
            raise InvalidCursor(sentence("cursor.malformed"))
        first_day, day = _days(days)
        return query._replace(first_day=first_day), min(day, latest), before

    def _round(self, day: date, before: str, query: AuditQuery) -> tuple[list[Listed], str]:
        """
        Read every shard of a day once, and merge.

        A shard that has more was read only down to some position. Records below the highest of
        these are left for the next round: they must not come before records that are not read
        yet. Returns that position too, "" when the day is done.
        """
        size = query.limit if query.only == AuditFilter() else FILTERED_READ_SIZE
        read = partial(self._read, day, before, size, query.only)
        pages = list(self._readers.map(read, range(self._records.audit_shards)))
        horizon = max((page.read_to or "" for page in pages), default="")
        records = sorted(_from(horizon, pages), key=attrgetter("audit_position"), reverse=True)
        return records, horizon

    def _read(self, day: date, before: str, size: int, only: AuditFilter, shard: int) -> AuditPage:
        return self._records.read_audit(day, shard, before, size, only)


def _query_of(caller: Caller, query: AuditQuery) -> AuditQuery:
    """Narrow a query down to what the caller may see."""
    if caller.sees_only is None:
        return query
    caller.require_own(query.only.channel)
    return query._replace(only=query.only._replace(channel=caller.sees_only))


def _own_list(
    query: AuditQuery, found: Sequence[Listed], begun: tuple[date, str], ended: tuple[date, str]
) -> AuditList:
    """End a channel's page that is not full, at a place that tells nothing of others' records."""
    day, before = ended
    last = found[-1].audit_position if found else NEWEST
    start = min(last, begun[1]) if day == begun[0] else last
    place = resting_place(start, before) or (last if found else None)
    return _audit_list(found, _audit_cursor(query, day, place) if place else None)


def _order_in(slots: Sequence[Listed]) -> Record:
    """Choose the accepted record, or else the first one, if it is sure that none is accepted."""
    records, unreadable = parted(slots)
    for record in records:
        if record.valid:
            return record
    if unreadable:
        raise unreadable[0]
    return records[0]


def _audit_list(found: Sequence[Listed], cursor: str | None) -> AuditList:
    records, unreadable = parted(found)
    return AuditList(records, cursor, unreadable)


def _from(horizon: str, pages: Sequence[AuditPage]) -> Iterator[Listed]:
    for page in pages:
        yield from (record for record in page.records if record.audit_position >= horizon)


def _history_position(order_id: str, cursor: str | None) -> HistoryPosition | None:
    if cursor is None:
        return None
    position, record_id = decode_cursor(_history_scope(order_id), cursor)
    return HistoryPosition(position, record_id) if position and record_id else None


def _history_cursor(order_id: str, read_to: HistoryPosition | None) -> str | None:
    return encode_cursor(_history_scope(order_id), read_to) if read_to else None


def _history_scope(order_id: str) -> str:
    return f"history/{order_id}"


def _audit_cursor(query: AuditQuery, day: date, before: str) -> str:
    """Write the days that are left, and the place in the last of them."""
    return encode_cursor(query.scope, (f"{query.first_day}/{day}", before))


def _days(text: str) -> tuple[date, date]:
    first, _, last = text.partition("/")
    try:
        return date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise InvalidCursor(sentence("cursor.no_date")) from None
