"""Orders at the desk: lists that stream, and a tail that misses nothing and repeats nothing."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial
from itertools import islice
from typing import Any

import pytest

from chalicelib.orders.record import Record, Status
from chalicelib.orders.settle import settle
from chalicelib.services.queries import AuditFilter, AuditPage, AuditQuery, OrderNotFound
from ops.desk.object_failures import ObjectMissing, ObjectUnreadable, PayloadAltered
from ops.desk.orders import Orders
from ops.desk.unreadable_records import UnreadableRecords
from tests.application import FakeApplication
from tests.builders import START, Clock, order_text, submission
from tests.desk_fakes import FakeOrderBucket, FakeOrderTable, FakeRecordSearch
from tests.fakes import FakeRecordStore

TODAY = START.date()
ALL = AuditQuery(TODAY, TODAY + timedelta(days=30), AuditFilter())


class World:
    """A desk's orders over fakes; time goes on while it sleeps."""

    def __init__(self) -> None:
        self.clock = Clock()
        application = FakeApplication(self.clock, new_id=lambda: "s-1")
        self.records = application.fake_records
        self.queue = application.fake_queue
        self.bucket = FakeOrderBucket()
        self.unreadable = UnreadableRecords()
        self.orders = Orders(
            intake=application.intake,
            queries=application.queries,
            submissions=application.submissions,
            records=self.records,
            searched=partial(FakeRecordSearch, self.records),
            archive=self.bucket,
            unreadable=self.unreadable,
            table=FakeOrderTable(self.records),
            operator=lambda: "arn:ana",
            new_id=lambda: "id-1",
            clock=self.clock,
            sleep=lambda seconds: self.clock.advance(seconds=seconds),
        )

    def record(self, order_id: str, *, ago: float = 0, **changes: object) -> Record:
        moment = self.clock() - timedelta(seconds=ago)
        made = submission(order_text(order_id, **changes), received_at=moment)
        return settle(made, self.records.take, moment).record


@pytest.fixture
def world() -> World:
    return World()


def names(records: Iterable[Record]) -> list[str]:
    return [record.order_id for record in records]


def test_an_operators_order_goes_to_the_queue_under_their_name(world: World) -> None:
    receipt = world.orders.submit(order_text("order-001").encode())

    (sent,) = world.queue.sent
    assert (receipt.order.id, receipt.submission_id) == ("order-001", "s-1")
    assert sent.body == order_text("order-001")
    assert sent.attributes["submittedBy"] == "arn:ana"
    assert sent.attributes["requestId"] == "ops-id-1"


def test_all_records_come_newest_first_over_days_and_shards(world: World) -> None:
    for number in range(700):
        world.record(f"order-{number}")
        world.clock.advance(minutes=7)

    assert names(world.orders.newest_first(ALL)) == [f"order-{n}" for n in range(699, -1, -1)]


class CountedReads:
    """Count the reads of a table's audit."""

    def __init__(self, store: FakeRecordStore) -> None:
        self._read = store.read_audit
        self.days: list[date] = []
        store.read_audit = self.read_audit  # type: ignore[method-assign, assignment]

    def read_audit(self, day: date, *arguments: Any) -> AuditPage:
        self.days.append(day)
        return self._read(day, *arguments)


@pytest.mark.parametrize("only", [AuditFilter(), AuditFilter(status=Status.REJECTED)])
def test_a_list_since_the_calendars_first_day_ends_soon_after_the_first_record(
    world: World, only: AuditFilter
) -> None:
    """It would take 739,000 days, with a read for each of their shards."""
    world.record("old", ago=40 * 86_400, amount=0)
    world.record("new", amount=0)
    reads = CountedReads(world.records)

    listed = names(world.orders.newest_first(AuditQuery(date.min, date.max, only)))

    assert listed == ["new", "old"]
    assert len(reads.days) < 40
    assert max(reads.days) == TODAY + timedelta(days=1)


def test_a_filter_that_takes_nothing_ends_as_soon(world: World) -> None:
    world.record("old", ago=40 * 86_400)
    reads = CountedReads(world.records)
    only = AuditFilter(status=Status.REJECTED)

    assert names(world.orders.newest_first(AuditQuery(date.min, TODAY, only))) == []
    assert len(reads.days) < 40


def test_a_list_of_the_future_reads_nothing(world: World) -> None:
    reads = CountedReads(world.records)
    future = AuditQuery(date(2999, 1, 1), date.max, AuditFilter())

    assert names(world.orders.newest_first(future)) == []
    assert reads.days == []


class Ended(Exception):
    """Somebody wants no more."""


@pytest.mark.parametrize("count", [0, 1, 7, 13])
def test_a_list_ends_at_the_next_read_once_it_is_told_to(world: World, count: int) -> None:
    """Neither the walk nor the search goes on for a reader who has left."""
    allowed = iter(range(count))
    world.record("old", ago=40 * 86_400)
    reads = CountedReads(world.records)

    def before_read() -> None:
        if next(allowed, None) is None:
            raise Ended

    years = AuditQuery(TODAY - timedelta(days=3000), TODAY, AuditFilter(channel="atm"))
    with pytest.raises(Ended):
        list(world.orders.newest_first(years, before_read))

    assert len(reads.days) <= count


def test_a_filter_narrows_the_list(world: World) -> None:
    world.record("a", channel="web")
    world.record("b", amount=0, channel="web")
    world.record("c", amount=0)
    only = AuditFilter(status=Status.REJECTED, channel="web")

    assert names(world.orders.newest_first(ALL._replace(only=only))) == ["b"]


def test_since_ends_at_the_given_time(world: World) -> None:
    for seconds in [30, 10, 20]:
        world.record(f"order-{seconds}", ago=seconds)

    since = world.orders.since(world.clock() - timedelta(seconds=20))

    assert names(since) == ["order-10", "order-20"]


def test_a_history_of_any_length_is_whole(world: World) -> None:
    for _ in range(120):
        world.record("again")
        world.clock.advance(seconds=1)

    assert len(list(world.orders.history("again"))) == 120


def test_an_unknown_order_is_reported(world: World) -> None:
    with pytest.raises(OrderNotFound):
        next(world.orders.history("none"))


def test_the_payload_is_the_received_text(world: World) -> None:
    valid, invalid = world.record("a"), world.record("b", amount=0)
    world.bucket.put(valid.s3_key or "", order_text("a").encode())

    assert world.orders.payload(valid) == order_text("a")
    assert world.orders.payload(invalid) == order_text("b", amount=0)
    assert world.orders.payload(world.orders.show("b").order) == order_text("b", amount=0)
    world.bucket.delete(valid.s3_key or "")
    with pytest.raises(ObjectMissing):
        world.orders.payload(valid)


def test_a_payload_that_is_not_the_recorded_one_is_never_shown(world: World) -> None:
    """It may be an object that was overwritten, or an item of somebody's hand."""
    valid, invalid = world.record("a"), world.record("b", amount=0)
    world.bucket.put(valid.s3_key or "", order_text("a", amount=999).encode())

    with pytest.raises(PayloadAltered) as altered:
        world.orders.payload(valid)
    with pytest.raises(PayloadAltered):
        world.orders.payload(invalid._replace(payload_sha256="0" * 64))

    assert f"object {valid.s3_key} was altered" in str(altered.value)
    assert valid.payload_sha256 in str(altered.value)


def test_a_payload_in_cold_storage_is_said_to_be_there(world: World) -> None:
    record = world.record("a")
    world.bucket.put(record.s3_key or "", order_text("a").encode())
    world.bucket.unreadable[record.s3_key or ""] = "it is in GLACIER"

    with pytest.raises(ObjectUnreadable, match="it is in GLACIER"):
        world.orders.payload(record)


def test_a_tail_shows_each_new_record_once(world: World) -> None:
    world.record("before", ago=60)
    looks = 0

    def stopped() -> bool:
        nonlocal looks
        looks += 1
        if looks in {2, 4, 30}:
            world.record(f"new-{looks}")
        return looks > 60

    assert names(world.orders.follow(stopped=stopped)) == ["new-2", "new-4", "new-30"]


def test_a_tail_shows_a_record_that_reaches_the_index_late(world: World) -> None:
    looks = 0

    def stopped() -> bool:
        nonlocal looks
        looks += 1
        if looks == 2:
            world.record("in-time")
        if looks == 10:
            world.record("late", ago=8.5)
        return looks > 20

    assert names(world.orders.follow(stopped=stopped)) == ["in-time", "late"]


def test_a_tail_can_begin_in_the_past_oldest_first(world: World) -> None:
    for seconds in [3600, 1800, 60]:
        world.record(f"order-{seconds}", ago=seconds)

    past = world.orders.follow(since=world.clock() - timedelta(hours=2))

    assert names(islice(past, 3)) == ["order-3600", "order-1800", "order-60"]
