"""The record store: a slot is taken once, a record never changes, pages lose nothing."""

import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import chain
from operator import attrgetter
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import RECORDS_AT_ONCE, STATEMENTS_PER_CALL, RecordStore
from chalicelib.aws.items import Item, to_item
from chalicelib.orders.record import (
    CORRECTION_SLOT,
    FIRST_SLOT,
    Listed,
    Record,
    Status,
    UnreadableRecord,
    own_slot,
    parted,
)
from chalicelib.orders.settle import settle
from chalicelib.services.paging import HistoryPosition
from chalicelib.services.queries import AuditFilter
from chalicelib.services.unavailable import StoreUnavailable
from tests.aws_limits.layer import lifted
from tests.aws_limits.ledger import expected
from tests.builders import START, order_text, submission
from tests.contract.conftest import ON_DYNAMODB_LOCAL, Aws, on_dynamodb, only_on
from tests.fakes import FakeRecordStore
from tests.properties.traceparents import TRACEPARENT

Store = RecordStore | FakeRecordStore
NEWEST = "~"


@pytest.fixture
def order_id() -> str:
    """Give each test an order of its own: the emulator is shared."""
    return f"order-{uuid.uuid4()}"


@pytest.fixture
def day() -> date:
    """Give each test a day of its own too."""
    return date(2000, 1, 1) + timedelta(days=uuid.uuid4().int % 2_000_000)


class Client:
    """A DynamoDB client, to be changed in one of its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class NeverReading(Client):
    """A client that fails the test if an item is read."""

    def get_item(self, **_: object) -> None:
        pytest.fail("an item was read")


class Consistent(Client):
    """A client that notes whether each read is strongly consistent."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.consistent: list[bool] = []

    def query(self, **arguments: Any) -> object:
        self.consistent.append(arguments.get("ConsistentRead", False))
        return self._client.query(**arguments)

    def get_item(self, **arguments: Any) -> object:
        self.consistent.append(arguments.get("ConsistentRead", False))
        return self._client.get_item(**arguments)


class WithoutHolders(Client):
    """A client whose failed conditions don't bring the item."""

    def put_item(self, **arguments: object) -> object:
        try:
            return self._client.put_item(**arguments)
        except ClientError as error:
            cast("dict[str, object]", error.response).pop("Item", None)
            raise


def record_of(order_id: str, **changes: object) -> Record:
    return Record.of_first(submission(order_text(order_id, **changes)), START)


def further(order_id: str, number: int, **changes: object) -> Record:
    delivered = submission(order_text(order_id, **changes), f"s-{number}")
    first = Record.of_first(delivered, START + timedelta(seconds=number))
    slot = own_slot(delivered.submission_id, delivered.order.payload_sha256)
    return first._replace(record_id=slot, status=Status.DUPLICATE, is_duplicate=True)


def listed(record: Record) -> Record:
    """Return the record as it is listed: without its payload and the traceparent."""
    return record._replace(payload=None, traceparent=None)


def of_day(order_id: str, day: date, number: int, **changes: object) -> Record:
    moment = START.replace(year=day.year, month=day.month, day=day.day)
    return Record.of_first(
        submission(order_text(f"{order_id}-{number}"[:64], **changes)),
        moment + timedelta(milliseconds=number),
    )


def in_order(records: Iterable[Record]) -> list[Record]:
    """Sort records by their places in the audit, to compare them all."""
    return sorted(records, key=attrgetter("audit_position"))


def audited(store: Store, day: date, limit: int, only: AuditFilter) -> list[Record]:
    """All records of a day, read page by page from every shard."""
    found: list[Record] = []
    for shard in range(store.audit_shards):
        before: str | None = NEWEST
        while before:
            page = store.read_audit(day, shard, before, limit, only)
            positions = [record.audit_position for record in page.records]
            assert positions == sorted(positions, reverse=True)
            found += parted(page.records)[0]
            before = page.read_to
    return found


def test_a_free_slot_is_taken(records: Store, order_id: str) -> None:
    record = record_of(order_id)

    assert records.take(record) is None
    assert records.read_shared_slots(order_id) == [record]


def test_a_taken_slot_shows_its_holder_and_stays_as_it_is(records: Store, order_id: str) -> None:
    holder = record_of(order_id, channel="web")
    records.take(holder)

    assert records.take(record_of(order_id, amount=1)) == holder
    assert records.read_shared_slots(order_id) == [holder]


# Moto has no BatchExecuteStatement with parameters.
at_once = only_on("fake", "ministack", ON_DYNAMODB_LOCAL)
with_limit = only_on("ministack", ON_DYNAMODB_LOCAL)


@at_once
def test_take_free_takes_only_the_free_slots(records: Store, order_id: str) -> None:
    holder = record_of(f"{order_id}-1")
    records.take(holder)
    wanted = [record_of(f"{order_id}-{number}", channel="web") for number in range(3)]

    assert records.take_free(wanted) == [True, False, True]

    kept = [records.read_shared_slots(record.order_id) for record in wanted]
    assert kept == [[wanted[0]], [holder], [wanted[2]]]


@at_once
def test_take_free_takes_as_many_slots_as_one_call_admits(records: Store, order_id: str) -> None:
    wanted = [
        record_of(f"{order_id}-{number}", amount=number, note="ñ😀\ud800")
        for number in range(STATEMENTS_PER_CALL)
    ]

    assert records.take_free(wanted) == STATEMENTS_PER_CALL * [True]

    kept = [records.read_shared_slots(record.order_id) for record in wanted]
    assert kept == [[listed(record)] for record in wanted]


@with_limit
def test_take_free_leaves_slots_beyond_one_calls_limit_to_take(
    records: Store, order_id: str
) -> None:
    """Like a function that may put items, but has no right to PartiQL."""
    wanted = [record_of(f"{order_id}-{number}") for number in range(STATEMENTS_PER_CALL + 1)]

    with expected("DynamoDB: a batch has 1 to 25 statements"):
        assert records.take_free(wanted) == len(wanted) * [False]

    assert [records.take(record) for record in wanted] == len(wanted) * [None]


@at_once
@pytest.mark.differs(ministack="it executes both statements for one key")
def test_take_free_vouches_for_no_slot_if_one_is_asked_for_twice(
    records: Store, order_id: str
) -> None:
    """DynamoDB refuses a call with two statements for one key, but may have executed some."""
    other = record_of(f"{order_id}-1")
    rivals = [record_of(order_id, amount=amount) for amount in (1, 2)]

    # The engines themselves are to refuse it, each in its way.
    with lifted():
        assert records.take_free([other, *rivals]) == [False, False, False]

    assert records.take(other) in (None, other)
    assert (records.take(rivals[0]) or rivals[0]) in rivals


@at_once
def test_take_finds_the_record_of_its_own_call_that_an_sdk_sent_twice(
    records: Store, order_id: str
) -> None:
    """An SDK sends a call again whose answer was lost: `take` finds the caller's own record."""
    wanted = [record_of(f"{order_id}-{number}") for number in range(2)]
    records.take_free(wanted)

    assert records.take_free(wanted) == [False, False]

    assert [records.take(record) for record in wanted] == wanted


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"amount": "9999999999999.99", "channel": "atm"},
        {"amount": "0.01", "note": "ñ😀\ud800"},
        {"amount": 0, "fromAccount": 7, "toAccount": "x" * 99, "channel": "fax"},
    ],
)
def test_a_record_comes_back_as_it_was(
    records: Store, order_id: str, changes: dict[str, object]
) -> None:
    record = record_of(order_id, **changes)._replace(
        submitted_by="arn:aws:iam::1:user/ana",
        message_channel="web",
        ignored_attributes=("receivedAt", "requestId"),
        sent_by="AROAEXAMPLE:i-1",
        traceparent=TRACEPARENT,
    )

    records.take(record)

    assert records.take(record_of(order_id)) == record
    assert records.read_slot(order_id, record.record_id) == record
    assert records.read_shared_slots(order_id) == [record._replace(payload=None)]


@pytest.mark.parametrize("slot", [FIRST_SLOT, own_slot("s-1", "0" * 64)], ids=["first", "own"])
def test_the_largest_payload_can_be_recorded(records: Store, order_id: str, slot: str) -> None:
    text = order_text(order_id, amount=0, note="")
    text = text.replace('"note": ""', f'"note": "{"x" * (262_144 - len(text))}"')
    record = Record.of_first(submission(text), START)._replace(record_id=slot)

    records.take(record)

    holder = records.take(record)
    assert holder
    assert holder.payload == text


def test_no_list_has_the_payload_or_the_traceparent(
    records: Store, order_id: str, day: date
) -> None:
    moment = START.replace(year=day.year, month=day.month, day=day.day)
    rejected = [
        record_of(order_id, amount=0)._replace(processed_at=moment),
        further(order_id, 1, amount=0)._replace(processed_at=moment, status=Status.REJECTED),
    ]
    rejected = [record._replace(traceparent=TRACEPARENT) for record in rejected]
    for record in rejected:
        assert record.payload
        records.take(record)

    first, later = map(listed, rejected)

    assert records.read_shared_slots(order_id) == [first._replace(traceparent=TRACEPARENT)]
    assert records.read_history(order_id, None, 10) == ([later], None)
    assert in_order(audited(records, day, 10, AuditFilter())) == in_order([first, later])


def test_an_order_of_few_records_is_read_with_its_history(records: Store, order_id: str) -> None:
    first = record_of(order_id, amount=0)._replace(traceparent=TRACEPARENT)
    later = further(order_id, 1, amount=0)._replace(status=Status.REJECTED, traceparent=TRACEPARENT)

    records.take(first)
    alone = records.read_order(order_id)
    records.take(later)
    both = records.read_order(order_id)

    slots = records.read_shared_slots(order_id)
    assert slots == [first._replace(payload=None)]
    assert alone == (slots, [])
    assert both == (slots, records.read_history(order_id, None, 10)[0])


def test_a_correction_is_a_slot_and_in_the_history(records: Store, order_id: str) -> None:
    correction = record_of(order_id)._replace(record_id=CORRECTION_SLOT, is_duplicate=True)
    for record in (record_of(order_id, amount=0), correction):
        records.take(record)

    slots, history = records.read_order(order_id)

    assert slots == records.read_shared_slots(order_id)
    assert history == records.read_history(order_id, None, 10)[0] == [correction]


@pytest.mark.parametrize("count", [3, 20])
def test_the_history_of_an_order_of_many_records_is_left_to_its_own_read(
    records: Store, order_id: str, count: int
) -> None:
    for record in (record_of(order_id), *(further(order_id, n + 1) for n in range(count))):
        records.take(record)

    assert records.read_order(order_id) == (records.read_shared_slots(order_id), None)


@on_dynamodb
def test_an_order_is_found_behind_items_of_others(aws: Aws, order_id: str) -> None:
    records = RecordStore(aws.dynamodb, aws.table, audit_shards=4)
    record = record_of(order_id)
    records.take(record)
    for number in range(RECORDS_AT_ONCE):
        item = {"orderId": {"S": order_id}, "recordId": {"S": f"!{number}"}}
        aws.dynamodb.put_item(TableName=aws.table, Item=item)

    slots, history = records.read_order(order_id)

    assert parted(slots)[0] == [record]
    assert history is None


@on_dynamodb
def test_an_item_that_the_index_does_not_list_is_in_no_history(aws: Aws, order_id: str) -> None:
    records = RecordStore(aws.dynamodb, aws.table, audit_shards=4)
    record = record_of(order_id)
    records.take(record)
    item = {"orderId": {"S": order_id}, "recordId": {"S": "2#mine"}}
    aws.dynamodb.put_item(TableName=aws.table, Item=item)

    assert records.read_order(order_id) == ([record], [])


def test_an_unknown_order_has_no_records(records: Store, order_id: str) -> None:
    assert records.read_shared_slots(order_id) == []
    assert records.read_order(order_id) == ([], [])
    assert records.read_history(order_id, None, 10) == ([], None)


def test_the_shared_slots_are_the_first_and_the_correction(records: Store, order_id: str) -> None:
    correction = record_of(order_id)._replace(record_id=CORRECTION_SLOT, is_duplicate=True)
    for record in [further(order_id, 1), correction, record_of(order_id, amount=0)]:
        records.take(record)

    assert [record.record_id for record in records.read_shared_slots(order_id)] == [
        FIRST_SLOT,
        CORRECTION_SLOT,
    ]


def test_own_slots_are_those_of_one_submission_id_without_their_payloads(
    records: Store, order_id: str
) -> None:
    """No id is found by another's beginning, and no shared slot is an own one."""
    of_one = [further(order_id, 1), further(order_id, 1, amount=0), further(order_id, 1, amount=7)]
    others = [record_of(order_id), further(order_id, 11), further(order_id, 2)]
    for record in [*of_one, *others]:
        records.take(record)

    found = records.read_own_slots(order_id, "s-1", 10)

    assert found == sorted(map(listed, of_one), key=attrgetter("record_id"))
    assert len(records.read_own_slots(order_id, "s-1", 2)) == 2
    assert records.read_own_slots(order_id, "s-", 10) == []
    assert records.read_own_slots(f"{order_id}-x", "s-1", 10) == []


def test_two_own_slots_are_read_however_large_they_are(records: Store, order_id: str) -> None:
    """DynamoDB ends an answer at 1 MB: whether an id stands for one payload must still be told."""
    for number in range(5):
        text = order_text(order_id, amount=-number, note="x" * 250_000)
        record = Record.of_first(submission(text, "s-1"), START)
        records.take(record._replace(record_id=own_slot("s-1", record.payload_sha256)))

    assert len(records.read_own_slots(order_id, "s-1", 20)) >= 2


def test_a_slot_is_read_with_its_payload(records: Store, order_id: str) -> None:
    rejected, later = record_of(order_id, amount=0), further(order_id, 1)
    for record in (rejected, later):
        records.take(record)

    assert rejected.payload
    assert records.read_slot(order_id, FIRST_SLOT) == rejected
    assert records.read_slot(order_id, later.record_id) == later
    assert records.read_slot(order_id, CORRECTION_SLOT) is None


def test_a_slot_that_cannot_be_read_is_named(records: Store, order_id: str) -> None:
    put_by_hand(records, to_item(further(order_id, 1), 4) | {"status": {"S": "PENDING"}})
    slot = further(order_id, 1).record_id

    (own,) = records.read_own_slots(order_id, "s-1", 10)
    alone = records.read_slot(order_id, slot)

    for each in (own, alone):
        assert isinstance(each, UnreadableRecord)
        assert (each.order_id, each.record_id) == (order_id, slot)


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_a_history_is_paged_oldest_first_without_the_first(
    records: Store, order_id: str, limit: int
) -> None:
    records.take(record_of(order_id))
    expected = [further(order_id, number) for number in range(1, 6)]
    for record in [expected[n] for n in (3, 0, 4, 2, 1)]:
        records.take(record)

    seen: list[Listed] = []
    place: HistoryPosition | None = None
    while True:
        page, place = records.read_history(order_id, place, limit)
        assert len(page) <= limit
        seen += page
        if place is None:
            break

    assert seen == expected


@pytest.mark.parametrize("limit", [1, 2, 10])
def test_a_history_of_one_channel_is_paged_through_all_records(
    records: Store, order_id: str, limit: int
) -> None:
    """`limit` counts what is read: how many of these are the channel's is not known before."""
    own = [
        further(order_id, 1, channel="web"),
        further(order_id, 2)._replace(message_channel="web"),
        further(order_id, 4, channel="web")._replace(message_channel="atm"),
    ]
    foreign = [
        further(order_id, 3, channel="atm")._replace(message_channel="web"),
        further(order_id, 5)._replace(message_channel="mobile"),
        further(order_id, 6),
    ]
    for record in (record_of(order_id, channel="web"), *own, *foreign):
        records.take(record)
    found: list[Listed] = []
    place: HistoryPosition | None = None

    for _ in range(20):
        page, place = records.read_history(order_id, place, limit, "web")
        assert len(page) <= limit
        found += page
        if place is None:
            break

    assert (found, place) == (own, None)


def test_records_of_the_same_millisecond_are_all_in_the_history(
    records: Store, order_id: str
) -> None:
    same_time = [further(order_id, n)._replace(processed_at=START) for n in range(5)]
    for record in same_time:
        records.take(record)

    first, place = records.read_history(order_id, None, 2)
    rest, _ = records.read_history(order_id, place, 10)

    assert {record.record_id for record in first + rest} == {r.record_id for r in same_time}
    assert len(first + rest) == len(same_time)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_day_of_the_audit_is_paged_newest_first_and_whole(
    records: Store, order_id: str, day: date, limit: int
) -> None:
    expected = [of_day(order_id, day, number) for number in range(12)]
    for record in expected:
        records.take(record)

    seen = audited(records, day, limit, AuditFilter())

    assert in_order(seen) == in_order(expected)


def test_the_audit_shows_every_field_of_a_record_except_its_payload(
    records: Store, order_id: str, day: date
) -> None:
    record = of_day(order_id, day, 1, amount=0, channel="web")
    records.take(record)

    (seen,) = audited(records, day, 10, AuditFilter())

    assert seen == listed(record)


def test_an_audit_starts_before_a_position(records: Store, order_id: str, day: date) -> None:
    entries = [of_day(order_id, day, number) for number in range(6)]
    for record in entries:
        records.take(record)
    before = entries[3].audit_position

    seen = [
        record
        for shard in range(records.audit_shards)
        for record in records.read_audit(day, shard, before, 10, AuditFilter()).records
    ]

    assert sorted(seen, key=attrgetter("audit_position")) == entries[:3]


@pytest.mark.parametrize(
    ("only", "numbers"),
    [
        (AuditFilter(status=Status.REJECTED), {1}),
        (AuditFilter(valid=True), {0, 2, 3, 4}),
        (AuditFilter(is_duplicate=False), {0, 1, 2, 3, 4}),
        (AuditFilter(is_duplicate=True), set()),
        (AuditFilter(channel="atm"), {2, 4}),
        (AuditFilter(channel="mobile"), {3}),
        (AuditFilter(status=Status.ACCEPTED, valid=True, channel="atm"), {2, 4}),
    ],
)
def test_an_audit_is_filtered(
    records: Store, order_id: str, day: date, only: AuditFilter, numbers: set[int]
) -> None:
    entries = [
        of_day(order_id, day, 0),
        of_day(order_id, day, 1, amount=0),
        of_day(order_id, day, 2, channel="atm"),
        # The message's channel counts where the order names none.
        of_day(order_id, day, 3, channel="mobile")._replace(message_channel="atm"),
        of_day(order_id, day, 4)._replace(message_channel="atm"),
    ]
    for record in entries:
        records.take(record)

    seen = audited(records, day, 1, only)

    assert {record.order_id for record in seen} == {entries[number].order_id for number in numbers}


def test_an_existing_store_passes_its_check(records: Store) -> None:
    records.check()


@only_on("fake", "ministack", "roto", ON_DYNAMODB_LOCAL)
def test_only_one_of_many_concurrent_calls_takes_the_slot(records: Store, order_id: str) -> None:
    """
    Not on moto, which differs from AWS here: its conditional put is not atomic.

    It is no expected failure either, since it shows only now and then: 2 winners in 800 puts of 50
    threads.
    """
    start = threading.Barrier(16)

    def settle_one(number: int) -> bool:
        start.wait()
        delivered = submission(order_text(order_id, amount=number + 1))
        return settle(delivered, records.take, START).record.status is Status.ACCEPTED

    with ThreadPoolExecutor(max_workers=16) as executor:
        accepted = list(executor.map(settle_one, range(16)))

    assert accepted.count(True) == 1


@on_dynamodb
def test_key_attributes_have_the_types_of_the_template(aws: Aws) -> None:
    """Moto takes keys of a wrong type that DynamoDB refuses."""
    description = aws.dynamodb.describe_table(TableName=aws.table)["Table"]
    item = to_item(further("order-001", 1), audit_shards=4)

    for definition in description["AttributeDefinitions"]:
        assert list(item[definition["AttributeName"]]) == [definition["AttributeType"]]


@on_dynamodb
def test_the_reads_of_single_slots_are_strongly_consistent(aws: Aws, order_id: str) -> None:
    """A submission that is recorded is found, by whoever asks next."""
    client = Consistent(aws.dynamodb)
    records = RecordStore(cast("Any", client), aws.table, audit_shards=4)

    records.read_shared_slots(order_id)
    records.read_order(order_id)
    records.read_own_slots(order_id, "s-1", 10)
    records.read_slot(order_id, FIRST_SLOT)

    assert client.consistent == [True, True, True, True]


@on_dynamodb
def test_a_missing_table_makes_each_call_fail(aws: Aws, order_id: str) -> None:
    records = RecordStore(aws.dynamodb, "not-there", audit_shards=4)

    calls: list[Callable[[], object]] = [
        records.check,
        lambda: records.take(record_of(order_id)),
        lambda: records.read_shared_slots(order_id),
        lambda: records.read_order(order_id),
        lambda: records.read_own_slots(order_id, "s-1", 1),
        lambda: records.read_slot(order_id, FIRST_SLOT),
        lambda: records.read_history(order_id, None, 1),
        lambda: records.read_audit(START.date(), 0, NEWEST, 1, AuditFilter()),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
            call()


@on_dynamodb
@pytest.mark.differs(roto="a failed condition does not bring the item: the adapter reads it")
def test_take_reads_nothing_if_the_failed_condition_brings_the_holder(
    aws: Aws, order_id: str
) -> None:
    records = RecordStore(cast("Any", NeverReading(aws.dynamodb)), aws.table, audit_shards=4)
    holder = record_of(order_id)
    records.take(holder)

    assert records.take(record_of(order_id, amount=1)) == holder


@on_dynamodb
def test_take_reads_the_holder_if_the_failed_condition_does_not_bring_it(
    aws: Aws, order_id: str
) -> None:
    """Not every implementation returns ALL_OLD: the verdict must be the same without."""
    records = RecordStore(cast("Any", WithoutHolders(aws.dynamodb)), aws.table, audit_shards=4)
    holder = record_of(order_id)
    records.take(holder)

    assert records.take(record_of(order_id, amount=1)) == holder


def test_an_item_that_cannot_be_read_ends_no_list(records: Store, order_id: str, day: date) -> None:
    """Anyone who may write to the table can put one."""
    good, other = of_day(order_id, day, 1), of_day(order_id, day, 2)
    records.take(good)
    put_by_hand(records, to_item(other, records.audit_shards) | {"status": {"S": "PENDING"}})

    pages = [
        records.read_audit(day, shard, NEWEST, 10, AuditFilter()).records
        for shard in range(records.audit_shards)
    ]

    read, unreadable = parted(chain.from_iterable(pages))
    assert read == [good]
    assert [(each.order_id, each.audit_position) for each in unreadable] == [
        (other.order_id, other.audit_position)
    ]
    assert parted(records.read_shared_slots(other.order_id))[0] == []
    with pytest.raises(UnreadableRecord):
        records.take(other)


def put_by_hand(store: Store, item: Item) -> None:
    if isinstance(store, FakeRecordStore):
        store.put_by_hand(item)
    else:
        store._client.put_item(TableName=store._table, Item=item)
