"""The adapters of sealing and their fakes do the same: reads of the table, and objects."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from chalicelib.aws.items import audit_partition, to_item
from chalicelib.aws.seal_items import SealItems, entry_leaf, record_leaf
from chalicelib.aws.seal_store import SealStore
from chalicelib.orders.record import Record
from chalicelib.services.leaves import ENTRIES_PREFIX
from chalicelib.services.seal import SEALS_PREFIX
from chalicelib.services.unavailable import StoreConflict, StoreUnavailable
from tests.builders import order_text, submission
from tests.contract.conftest import Aws, on_aws, on_dynamodb
from tests.contract.test_order_archive import conflicts
from tests.fakes import FakeRecordStore
from tests.seal_fakes import FakeSealItems, FakeSealStore

SHARDS = 4
# Other tests share the table: each of these has a day of its own.
DAYS: Iterator[date] = (date(2001, month, day) for month in range(1, 13) for day in range(1, 29))
# One read of the table ends at 1 MB.
LARGE = "x" * 300_000


class Table:
    """A table of any implementation, and the sealed items in it."""

    def __init__(self, implementation: Aws | None) -> None:
        self.aws = implementation
        self.day = next(DAYS)
        self.items: SealItems | FakeSealItems
        if implementation is None:
            self._fake = FakeRecordStore(SHARDS)
            self.items = FakeSealItems(self._fake)
        else:
            self.items = SealItems(implementation.dynamodb, implementation.table, SHARDS)

    def put(self, item: dict[str, Any]) -> dict[str, Any]:
        if self.aws is None:
            self._fake.put_by_hand(item)
        else:
            self.aws.dynamodb.put_item(TableName=self.aws.table, Item=item)
        return item

    def record(self, hour: int, day: date | None = None, **fields: Any) -> dict[str, Any]:
        moment = datetime(2001, 1, 1, hour, tzinfo=UTC).replace(
            month=(day or self.day).month, day=(day or self.day).day
        )
        order_id = f"order-{uuid.uuid4()}"
        record = Record.of_first(submission(order_text(order_id, **fields)), moment)
        return self.put(to_item(record, SHARDS))

    def entry(self, hour: int, why: str = "") -> dict[str, Any]:
        key = {
            "orderId": {"S": f"{ENTRIES_PREFIX}{self.day}"},
            "recordId": {"S": f"{self.day}T{hour:02}:00:00.000Z#{uuid.uuid4()}"},
        }
        return self.put({**key, "why": {"S": why}, "details": {"M": {"letters": {"S": "1"}}}})


@pytest.fixture
def table(implementation: Aws | None) -> Table:
    return Table(implementation)


def test_the_leaves_of_a_day_are_its_records_and_entries_in_their_order(table: Table) -> None:
    items = [table.record(hour) for hour in (5, 3, 1, 4, 2, 6)]
    entry = table.entry(3)
    table.record(1, next(DAYS))
    table.put({"orderId": {"S": f"#key#{uuid.uuid4()}"}, "recordId": {"S": "#key"}})

    leaves = list(table.items.leaves(table.day))

    expected = [entry_leaf(entry), *map(record_leaf, items)]
    assert leaves == sorted(expected)
    assert [leaf.is_entry for leaf in leaves].count(True) == 1


def test_the_places_are_those_of_the_leaves(table: Table) -> None:
    for hour in (2, 1):
        table.record(hour)
        table.entry(hour)

    places = list(table.items.places(table.day))
    assert places == [leaf.name for leaf in table.items.leaves(table.day)]
    assert len(places) == 4


def test_a_rejected_orders_leaf_is_without_its_payload(table: Table) -> None:
    item = table.record(1, amount=-1)
    assert "payload" in item

    (leaf,) = table.items.leaves(table.day)

    without = {name: value for name, value in item.items() if name != "payload"}
    assert leaf == record_leaf(without) == record_leaf(item)


def test_all_pages_of_a_read_are_read(table: Table) -> None:
    entries = [table.entry(hour, LARGE) for hour in range(5)]

    assert list(table.items.leaves(table.day)) == list(map(entry_leaf, entries))
    assert len(list(table.items.places(table.day))) == len(entries)


def test_what_shares_a_position_is_in_the_order_of_its_keys(table: Table) -> None:
    """Somebody's own items may: DynamoDB promises no order among them."""
    item = table.record(1)
    others = [
        table.put({**item, "orderId": {"S": f"order-{name}-{uuid.uuid4()}"}})
        for name in ("c", "a", "b")
    ]

    expected = sorted(map(record_leaf, [item, *others]))
    assert list(table.items.leaves(table.day)) == expected
    assert list(table.items.places(table.day)) == [leaf.name for leaf in expected]


def test_a_day_without_anything_has_no_leaves(table: Table) -> None:
    assert list(table.items.leaves(table.day)) == []
    assert list(table.items.places(table.day)) == []


def test_the_first_day_is_that_of_the_first_record_or_entry(table: Table) -> None:
    table.day = date(2000, 1, 2)
    table.entry(1)
    assert table.items.first_day() == date(2000, 1, 2)

    partition = {"S": audit_partition(date(2000, 1, 1), 0)}
    key = {"orderId": {"S": "order-of-2000"}, "recordId": {"S": "0#FIRST"}}
    table.put({**key, "auditPartition": partition, "auditPosition": {"S": "2000"}})
    table.put({**key, "recordId": {"S": "1"}, "auditPartition": {"S": "no day"}})

    assert table.items.first_day() == date(2000, 1, 1)


@on_dynamodb
def test_a_missing_table_makes_each_read_fail(aws: Aws) -> None:
    items = SealItems(aws.dynamodb, "not-there", SHARDS)

    for read in (items.leaves, items.places):
        with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
            list(read(date(2001, 1, 1)))
    with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
        items.first_day()


# The objects.


Seals = SealStore | FakeSealStore


@pytest.fixture
def bucket(implementation: Aws | None) -> Seals:
    if implementation is None:
        return FakeSealStore()
    return SealStore(implementation.s3, implementation.bucket)


def new_key() -> str:
    return f"{SEALS_PREFIX}{next(DAYS)}/{uuid.uuid4()}.ndjson"


def test_an_object_is_put_once(bucket: Seals) -> None:
    key = new_key()

    assert bucket.put_new(key, b"first\n")
    assert not bucket.put_new(key, b"second\n")

    assert bucket.read(key) == b"first\n"


def test_an_object_that_is_not_there_is_none(bucket: Seals) -> None:
    assert bucket.read(new_key()) is None


def test_the_days_are_those_that_have_an_object_in_their_order(bucket: Seals) -> None:
    first, second = next(DAYS), next(DAYS)
    bucket.put_new(f"{SEALS_PREFIX}{second}/seal.json", b"{}")
    bucket.put_new(f"{SEALS_PREFIX}{first}/a.ndjson", b"")
    bucket.put_new(f"{SEALS_PREFIX}{first}/b.ndjson", b"")
    for other in ("no day/x", "20010101/x", "2001-01-01", "x"):
        bucket.put_new(f"{SEALS_PREFIX}{other}", b"")

    days = bucket.days()

    assert days == sorted(set(days))
    assert {first, second} <= set(days)
    assert date(2001, 1, 1) not in days


@on_aws
@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_a_put_that_meets_another_one_is_a_conflict(aws: Aws, bucket: SealStore, code: str) -> None:
    key = new_key()

    with (
        conflicts(aws, code) as answers,
        pytest.raises(StoreConflict, match=f"S3 PutObject of a seal: {code}"),
    ):
        bucket.put_new(key, b"x")

    assert not answers.left


@on_aws
def test_a_seal_is_put_with_its_checksum_in_one_part(aws: Aws, bucket: SealStore) -> None:
    """The bucket's policy refuses uploads in parts, and S3 locks nothing without a checksum."""
    key = new_key()
    asked: list[dict[str, Any]] = []
    events: Any = aws.s3.meta.events

    def note(params: dict[str, Any], **_: object) -> None:
        asked.append(dict(params))

    events.register("provide-client-params.s3", note)
    try:
        bucket.put_new(key, b"x")
    finally:
        events.unregister("provide-client-params.s3", note)

    (put,) = asked
    assert (put["IfNoneMatch"], put["ContentType"]) == ("*", "application/json")
    assert put["ChecksumSHA256"] == "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE="


@on_aws
def test_a_missing_bucket_makes_each_call_fail(aws: Aws) -> None:
    missing = SealStore(aws.s3, "not-there")

    with pytest.raises(StoreUnavailable, match="S3 PutObject of a seal: NoSuchBucket"):
        missing.put_new(new_key(), b"x")
    with pytest.raises(StoreUnavailable, match="S3 GetObject of a seal: NoSuchBucket"):
        missing.read(new_key())
    with pytest.raises(StoreUnavailable, match="S3 ListObjectsV2 of seals: NoSuchBucket"):
        missing.days()


class Paged:
    """S3's lists of more than 1,000 days."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if "ContinuationToken" not in asked:
            prefixes = [{"Prefix": "seals/2026-05-14/"}]
            more = {"IsTruncated": True, "NextContinuationToken": "more"}
            return {"CommonPrefixes": prefixes, **more}
        return {"CommonPrefixes": [{"Prefix": "seals/2026-05-15/"}], "IsTruncated": False}


def test_all_pages_of_a_list_are_read() -> None:
    client: Any = Paged()

    assert SealStore(client, "orders").days() == [date(2026, 5, 14), date(2026, 5, 15)]

    assert json.dumps(client.asked[1]).count("more") == 1
