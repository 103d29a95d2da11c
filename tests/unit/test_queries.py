"""The queries: an order, its history and the audit, page by page."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any

import pytest

from chalicelib.orders.record import Record, Status
from chalicelib.orders.settle import settle
from chalicelib.services.cursors import InvalidCursor, encode_cursor
from chalicelib.services.paging import MAX_ROUNDS
from chalicelib.services.queries import (
    FIRST_DAY,
    AuditFilter,
    AuditPage,
    AuditQuery,
    OrderNotFound,
    Queries,
)
from chalicelib.services.unavailable import StoreUnavailable
from tests.builders import START, Clock, order_text, submission
from tests.fakes import FakeArchive, FakeRecordStore

INVALID_AMOUNT = 0


@pytest.fixture
def records() -> FakeRecordStore:
    return FakeRecordStore(audit_shards=3)


@pytest.fixture
def queries(records: FakeRecordStore) -> Queries:
    return Queries(records, FakeArchive(), Clock(START))


def settle_one(
    records: FakeRecordStore, at: datetime, order_id: str = "order-001", **changes: object
) -> Record:
    """Record a submission: its record as it is listed, without the payload."""
    verdict = settle(submission(order_text(order_id, **changes)), records.take, at)
    return verdict.record._replace(payload=None)


def all_pages(queries: Queries, query: AuditQuery) -> Iterator[list[Record]]:
    page = queries.list_orders(query)
    yield list(page.records)
    while page.cursor:
        page = queries.list_orders(query, page.cursor)
        yield list(page.records)


def of_day(limit: int = 50, **only: Any) -> AuditQuery:
    return AuditQuery(START.date(), START.date(), AuditFilter(**only), limit)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_an_order_of_two_records_is_paged_by_any_limit(
    records: FakeRecordStore, queries: Queries, limit: int
) -> None:
    """It is read by one call; a page that is shorter than its history needs another."""
    first = settle_one(records, START)
    later = settle_one(records, START + timedelta(seconds=1))

    seen: list[Record] = []
    cursor: str | None = None
    while True:
        page = queries.get_order("order-001", cursor, limit)
        assert len(page.records) <= limit
        seen += page.records
        cursor = page.cursor
        if cursor is None:
            break

    assert seen == [first, later]


def test_get_order_answers_with_the_accepted_record(
    records: FakeRecordStore, queries: Queries
) -> None:
    settle_one(records, START, amount=INVALID_AMOUNT)
    accepted = settle_one(records, START + timedelta(seconds=1))
    settle_one(records, START + timedelta(seconds=2))

    history = queries.get_order("order-001")

    assert history.order == accepted
    assert history.s3_url == f"https://archive.example/{accepted.s3_key}?signed"
    assert [record.status for record in history.records] == ["REJECTED", "ACCEPTED", "DUPLICATE"]
    assert history.cursor is None


def test_get_order_answers_with_the_first_record_if_none_is_accepted(
    records: FakeRecordStore, queries: Queries
) -> None:
    first = settle_one(records, START, amount=INVALID_AMOUNT)
    settle_one(records, START + timedelta(seconds=1), amount=-1)

    history = queries.get_order("order-001")

    assert history.order == first
    assert history.s3_url is None


def test_no_answer_holds_a_payload(records: FakeRecordStore, queries: Queries) -> None:
    """A page of orders of 256 KiB would be too large for anything that reads it."""
    settle_one(records, START, amount=INVALID_AMOUNT)
    settle_one(records, START + timedelta(seconds=1), amount=INVALID_AMOUNT)
    assert all(record.payload for record in records.of("order-001"))

    history = queries.get_order("order-001")
    audit = queries.list_orders(of_day())

    answered = [history.order, *history.records, *audit.records]
    assert [record.payload for record in answered] == [None] * 5


def test_get_order_finds_no_order_that_is_not_recorded(queries: Queries) -> None:
    with pytest.raises(OrderNotFound):
        queries.get_order("order-001")


@pytest.mark.parametrize("order_id", ["", "x" * 65, "x" * 2_049, "a/b", "#health"])
def test_get_order_asks_no_table_for_an_id_that_no_order_has(
    records: FakeRecordStore, queries: Queries, order_id: str
) -> None:
    """DynamoDB refuses to look for some of them, and an operator may type any."""
    with records.outage(), pytest.raises(OrderNotFound):
        queries.get_order(order_id)


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_the_pages_of_a_history_hold_every_record_oldest_first(
    records: FakeRecordStore, queries: Queries, limit: int
) -> None:
    expected = [settle_one(records, START + timedelta(seconds=n)) for n in range(7)]

    history = queries.get_order("order-001", limit=limit)
    seen = [*history.records]
    while history.cursor:
        history = queries.get_order("order-001", history.cursor, limit)
        assert history.order == expected[0]
        assert len(history.records) <= limit
        seen += history.records

    assert seen == expected


def test_a_cursor_of_another_order_is_refused(records: FakeRecordStore, queries: Queries) -> None:
    for order_id in ["a", "b"]:
        settle_one(records, START, order_id)
        settle_one(records, START, order_id)
    cursor = queries.get_order("a", limit=1).cursor

    with pytest.raises(InvalidCursor):
        queries.get_order("b", cursor)


def test_the_audit_is_newest_first(records: FakeRecordStore, queries: Queries) -> None:
    expected = [settle_one(records, START + timedelta(seconds=n), f"order-{n}") for n in range(9)]

    assert list(queries.list_orders(of_day()).records) == expected[::-1]


@pytest.mark.parametrize("limit", [1, 2, 5, 9, 50])
def test_the_pages_of_the_audit_hold_every_record_once(
    records: FakeRecordStore, queries: Queries, limit: int
) -> None:
    """Many records are of the same millisecond: each must still have a place of its own."""
    expected = [
        settle_one(records, START + timedelta(seconds=n // 4), f"order-{n}") for n in range(40)
    ]

    pages = list(all_pages(queries, of_day(limit)))

    seen = [record for page in pages for record in page]
    assert sorted(seen, key=attrgetter("audit_position")) == sorted(
        expected, key=attrgetter("audit_position")
    )
    assert [r.processed_at for r in seen] == sorted((r.processed_at for r in seen), reverse=True)
    assert max(map(len, pages)) <= limit


def test_a_new_record_between_two_pages_moves_nothing(
    records: FakeRecordStore, queries: Queries
) -> None:
    expected = [settle_one(records, START + timedelta(seconds=n), f"order-{n}") for n in range(6)]
    first = queries.list_orders(of_day(3))
    settle_one(records, START + timedelta(seconds=60), "late")

    second = queries.list_orders(of_day(3), first.cursor)

    assert [*first.records, *second.records] == expected[::-1]


def test_the_audit_covers_all_days_of_the_period(
    records: FakeRecordStore, queries: Queries
) -> None:
    for days in range(5):
        settle_one(records, START - timedelta(days=days), f"order-{days}")
    query = AuditQuery(date(2026, 2, 26), date(2026, 2, 28), AuditFilter())

    assert [record.order_id for record in queries.list_orders(query).records] == [
        "order-1",
        "order-2",
        "order-3",
    ]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ({"status": Status.REJECTED}, {"rejected"}),
        ({"valid": False}, {"rejected"}),
        ({"valid": True}, {"accepted", "duplicate", "mobile"}),
        ({"is_duplicate": True}, {"duplicate"}),
        ({"channel": "mobile"}, {"mobile"}),
        ({"status": Status.ACCEPTED, "channel": "mobile"}, {"mobile"}),
        ({"status": Status.REJECTED, "valid": True}, set()),
    ],
)
def test_a_filter_narrows_the_audit(
    records: FakeRecordStore, queries: Queries, only: dict[str, Any], expected: set[str]
) -> None:
    made = {
        "accepted": settle_one(records, START, "a"),
        "duplicate": settle_one(records, START, "a"),
        "rejected": settle_one(records, START, "b", amount=INVALID_AMOUNT),
        "mobile": settle_one(records, START, "c", channel="mobile"),
    }

    listed = queries.list_orders(of_day(**only)).records

    assert len(listed) == len(expected)
    assert {name for name, record in made.items() if record in listed} == expected


def test_a_filter_finds_a_rare_record_among_many(
    records: FakeRecordStore, queries: Queries
) -> None:
    rare = settle_one(records, START, "rare", amount=INVALID_AMOUNT)
    for number in range(1000):
        settle_one(records, START + timedelta(milliseconds=number), f"order-{number}")

    (page,) = all_pages(queries, of_day(valid=False))

    assert page == [rare]


def test_a_long_search_ends_with_a_cursor_to_go_on(
    records: FakeRecordStore, queries: Queries
) -> None:
    old = settle_one(records, START - timedelta(days=2 * MAX_ROUNDS))
    query = AuditQuery(START.date() - timedelta(days=3 * MAX_ROUNDS), START.date(), AuditFilter())

    pages = list(all_pages(queries, query))

    assert pages[0] == []
    assert [record for page in pages for record in page] == [old]


class Reads(FakeRecordStore):
    """Records, and the days that were read."""

    def __init__(self) -> None:
        super().__init__()
        self.days: list[date] = []

    def read_audit(self, day: date, *arguments: Any) -> AuditPage:
        self.days.append(day)
        return super().read_audit(day, *arguments)


def test_a_period_before_the_systems_first_day_is_not_read() -> None:
    """A client that follows the cursors would otherwise ask 18,000 times for nothing."""
    records = Reads()
    queries = Queries(records, FakeArchive(), Clock(START))
    first = settle_one(records, datetime(2025, 1, 1, tzinfo=UTC))

    pages = list(all_pages(queries, AuditQuery(date.min, START.date(), AuditFilter())))

    assert [record for page in pages for record in page] == [first]
    assert min(records.days) == FIRST_DAY
    assert len(pages) <= 1 + (START.date() - FIRST_DAY).days / MAX_ROUNDS


def test_records_of_a_clock_that_is_before_the_systems_first_day_are_listed() -> None:
    past = datetime(1970, 1, 1, tzinfo=UTC)
    records = FakeRecordStore()
    record = settle_one(records, past)
    queries = Queries(records, FakeArchive(), Clock(past))

    listed = queries.list_orders(AuditQuery(past.date(), past.date(), AuditFilter()))

    assert list(listed.records) == [record]


def test_list_orders_does_not_search_the_future(records: FakeRecordStore, queries: Queries) -> None:
    record = settle_one(records, START)
    query = AuditQuery(START.date(), date.max, AuditFilter())

    assert list(queries.list_orders(query).records) == [record]


def test_list_orders_ends_at_the_first_day_of_the_calendar() -> None:
    first_day = datetime(1, 1, 1, tzinfo=UTC)
    queries = Queries(FakeRecordStore(), FakeArchive(), Clock(first_day))

    answer = queries.list_orders(AuditQuery(date.min, date.min, AuditFilter()))

    assert answer.cursor is None


def test_a_cursor_of_another_filter_is_refused(records: FakeRecordStore, queries: Queries) -> None:
    for number in range(3):
        settle_one(records, START, f"order-{number}")
    cursor = queries.list_orders(of_day(1)).cursor

    with pytest.raises(InvalidCursor):
        queries.list_orders(of_day(1, valid=True), cursor)


def test_the_page_size_may_change_between_pages(records: FakeRecordStore, queries: Queries) -> None:
    expected = [settle_one(records, START + timedelta(seconds=n), f"order-{n}") for n in range(6)]
    first = queries.list_orders(of_day(1))

    rest = queries.list_orders(of_day(5), first.cursor)

    assert [*first.records, *rest.records] == expected[::-1]


@pytest.mark.parametrize(
    "days", ["yesterday", "2026-03-01", "2026-03-01/", "/2026-03-01", "2026-03-01/2026-03-01/x"]
)
def test_a_forged_cursor_that_holds_no_date_is_refused(queries: Queries, days: str) -> None:
    forged = encode_cursor(of_day().scope, (days, "~"))

    with pytest.raises(InvalidCursor):
        queries.list_orders(of_day(), forged)


def test_a_forged_cursor_without_a_position_is_refused(queries: Queries) -> None:
    """DynamoDB compares no key with an empty text."""
    day = START.date().isoformat()
    forged = encode_cursor(of_day().scope, (f"{day}/{day}", ""))

    with pytest.raises(InvalidCursor):
        queries.list_orders(of_day(), forged)


def test_a_cursor_keeps_the_default_period(records: FakeRecordStore, queries: Queries) -> None:
    for days in range(3):
        settle_one(records, START - timedelta(days=days), f"order-{days}")
    today, tomorrow = START.date(), START.date() + timedelta(days=1)
    first_day = today - timedelta(days=2)
    usual = AuditQuery(first_day, today, AuditFilter(), 1, first_is_usual=True, last_is_usual=True)
    cursor = queries.list_orders(usual).cursor

    later = usual._replace(first_day=tomorrow, last_day=tomorrow, limit=50)
    rest = queries.list_orders(later, cursor)

    assert [record.order_id for record in rest.records] == ["order-1", "order-2"]


def test_a_failing_store_is_a_failure_of_the_query(
    records: FakeRecordStore, queries: Queries
) -> None:
    with records.outage(), pytest.raises(StoreUnavailable):
        queries.list_orders(of_day())
