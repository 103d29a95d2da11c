"""Reading back: the order, its history, the audit, and going through them page by page."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chalicelib.cursors import InvalidCursor, encode_cursor
from chalicelib.queries import MAX_ROUNDS, AuditQuery, OrderNotFound, Queries
from chalicelib.record_store import AuditFilter
from chalicelib.submissions import Record, Status, settle
from chalicelib.unavailable import StoreUnavailable
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
    return settle(submission(order_text(order_id, **changes)), records.take, at).record


def all_pages(queries: Queries, query: AuditQuery) -> Iterator[list[Record]]:
    page = queries.list_orders(query)
    yield list(page.records)
    while page.cursor:
        page = queries.list_orders(query, page.cursor)
        yield list(page.records)


def of_day(limit: int = 50, **only: Any) -> AuditQuery:
    return AuditQuery(START.date(), START.date(), AuditFilter(**only), limit)


def test_an_order_is_its_accepted_record(records: FakeRecordStore, queries: Queries) -> None:
    settle_one(records, START, amount=INVALID_AMOUNT)
    accepted = settle_one(records, START + timedelta(seconds=1))
    settle_one(records, START + timedelta(seconds=2))

    history = queries.get_order("order-001")

    assert history.order == accepted
    assert history.s3_url == f"https://archive.example/{accepted.s3_key}?signed"
    assert [record.status for record in history.records] == ["REJECTED", "ACCEPTED", "DUPLICATE"]
    assert history.cursor is None


def test_an_order_that_was_never_accepted_is_its_first_record(
    records: FakeRecordStore, queries: Queries
) -> None:
    first = settle_one(records, START, amount=INVALID_AMOUNT)
    settle_one(records, START + timedelta(seconds=1), amount=-1)

    history = queries.get_order("order-001")

    assert history.order == first
    assert history.s3_url is None


def test_an_order_that_is_not_recorded_is_not_found(queries: Queries) -> None:
    with pytest.raises(OrderNotFound):
        queries.get_order("order-001")


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_a_history_is_read_page_by_page_oldest_first(
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
def test_the_audit_is_read_page_by_page_nothing_twice_and_nothing_left_out(
    records: FakeRecordStore, queries: Queries, limit: int
) -> None:
    """Many are of the same millisecond: the place of each must still be its own."""
    expected = [
        settle_one(records, START + timedelta(seconds=n // 4), f"order-{n}") for n in range(40)
    ]

    pages = list(all_pages(queries, of_day(limit)))

    seen = [record for page in pages for record in page]
    assert len(seen) == len(expected)
    assert set(seen) == set(expected)
    assert [r.processed_at for r in seen] == sorted((r.processed_at for r in seen), reverse=True)
    assert max(map(len, pages)) <= limit


def test_a_record_that_comes_in_between_pages_moves_nothing(
    records: FakeRecordStore, queries: Queries
) -> None:
    expected = [settle_one(records, START + timedelta(seconds=n), f"order-{n}") for n in range(6)]
    first = queries.list_orders(of_day(3))
    settle_one(records, START + timedelta(seconds=60), "late")

    second = queries.list_orders(of_day(3), first.cursor)

    assert [*first.records, *second.records] == expected[::-1]


def test_the_audit_goes_over_all_days_asked_for(records: FakeRecordStore, queries: Queries) -> None:
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
    seen = {
        settle_one(records, START, "a"): "accepted",
        settle_one(records, START, "a"): "duplicate",
        settle_one(records, START, "b", amount=INVALID_AMOUNT): "rejected",
        settle_one(records, START, "c", channel="mobile"): "mobile",
    }

    assert {seen[record] for record in queries.list_orders(of_day(**only)).records} == expected


def test_a_rare_record_is_found_among_many(records: FakeRecordStore, queries: Queries) -> None:
    rare = settle_one(records, START, "rare", amount=INVALID_AMOUNT)
    for number in range(1000):
        settle_one(records, START + timedelta(milliseconds=number), f"order-{number}")

    (page,) = all_pages(queries, of_day(valid=False))

    assert page == [rare]


def test_an_answer_ends_in_time_with_a_cursor_to_go_on(
    records: FakeRecordStore, queries: Queries
) -> None:
    old = settle_one(records, START - timedelta(days=2 * MAX_ROUNDS))
    query = AuditQuery(START.date() - timedelta(days=3 * MAX_ROUNDS), START.date(), AuditFilter())

    pages = list(all_pages(queries, query))

    assert pages[0] == []
    assert [record for page in pages for record in page] == [old]


def test_the_future_is_not_searched(records: FakeRecordStore, queries: Queries) -> None:
    record = settle_one(records, START)
    query = AuditQuery(START.date(), date.max, AuditFilter())

    assert list(queries.list_orders(query).records) == [record]


def test_the_first_day_of_the_calendar_ends_it() -> None:
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


def test_a_page_may_be_of_another_size_than_the_one_before(
    records: FakeRecordStore, queries: Queries
) -> None:
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


def test_a_cursor_says_where_a_period_ends_that_nobody_asked_for(
    records: FakeRecordStore, queries: Queries
) -> None:
    for days in range(3):
        settle_one(records, START - timedelta(days=days), f"order-{days}")
    today, tomorrow = START.date(), START.date() + timedelta(days=1)
    first_day = today - timedelta(days=2)
    usual = AuditQuery(first_day, today, AuditFilter(), 1, first_is_usual=True, last_is_usual=True)
    cursor = queries.list_orders(usual).cursor

    later = usual._replace(first_day=tomorrow, last_day=tomorrow, limit=50)
    rest = queries.list_orders(later, cursor)

    assert [record.order_id for record in rest.records] == ["order-1", "order-2"]


def test_a_store_that_fails_is_said(records: FakeRecordStore, queries: Queries) -> None:
    with records.outage(), pytest.raises(StoreUnavailable):
        queries.list_orders(of_day())
