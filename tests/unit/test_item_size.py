"""The size of a record: the largest one fits into the table, with its entry in the local index."""

from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.aws.dynamodb import LISTED_ATTRIBUTES
from chalicelib.aws.items import Item, to_item
from chalicelib.orders.order import MAX_PAYLOAD_BYTES, parse_order
from chalicelib.orders.record import FIRST_SLOT, Record, Status
from chalicelib.orders.terms import MAX_ACCOUNT_DIGITS
from chalicelib.services.message import Message
from chalicelib.services.processing import Processor
from tests.aws_limits.dynamodb_values import size_of_item
from tests.builders import Clock, order_text, sqs_message
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter
from tests.largest import ORDER_ID, largest_invalid_order, largest_message
from tests.properties.traceparents import TRACEPARENT
from tests.resources import properties_of_resources

# An item and its entries in a local index have this many bytes together.
LIMIT = 400 * 1024
# A NonKeyAttributes projection has this many names.
MOST_NAMES = 20


@pytest.fixture(scope="module")
def table() -> Any:
    """Read the properties of the table, as CloudFormation gets them."""
    return properties_of_resources()["OrdersTable"]


def projected_names(index: Mapping[str, Any], table: Mapping[str, Any]) -> set[str]:
    """Name the attributes of an entry: its keys, the table's keys, and the projected ones."""
    keys = {key["AttributeName"] for key in [*index["KeySchema"], *table["KeySchema"]]}
    return keys | set(index["Projection"]["NonKeyAttributes"])


def size_of_entries(item: Item, table: Mapping[str, Any]) -> int:
    """Count the bytes of the item's entries in the local indexes. Without a key it has none."""
    total = 0
    for index in table["LocalSecondaryIndexes"]:
        if all(key["AttributeName"] in item for key in index["KeySchema"]):
            names = projected_names(index, table)
            total += size_of_item({name: item[name] for name in names & item.keys()})
    return total


def records_of(*messages: Message) -> list[Record]:
    records = FakeRecordStore()
    Processor(
        records=records,
        archive=FakeArchive(),
        queue=FakeQueue(),
        reporter=FakeReporter(),
        clock=Clock(),
    ).process_batch(messages)
    return records.of(ORDER_ID)


def test_the_largest_rejected_order_fits_as_the_first_record(table: Any) -> None:
    text = largest_invalid_order()

    (record,) = records_of(largest_message(text))

    assert (record.status, record.record_id) == (Status.REJECTED, FIRST_SLOT)
    assert len((record.payload or "").encode()) == MAX_PAYLOAD_BYTES
    item = to_item(record, audit_shards=4)
    assert size_of_entries(item, table) == 0
    assert size_of_item(item) <= LIMIT


def test_the_largest_rejected_order_fits_as_a_later_record(table: Any) -> None:
    """The item and its entry count together, so the index must not project the payload."""
    text = largest_invalid_order()

    first, further = records_of(sqs_message(order_text(ORDER_ID)), largest_message(text))

    assert first.status is Status.ACCEPTED
    assert (further.status, further.is_duplicate) == (Status.REJECTED, True)
    assert len((further.payload or "").encode()) == MAX_PAYLOAD_BYTES
    item = to_item(further, audit_shards=4)
    together = size_of_item(item) + size_of_entries(item, table)
    assert size_of_entries(item, table) > 0
    assert together <= LIMIT
    assert together + MAX_PAYLOAD_BYTES > LIMIT


def test_the_largest_duplicate_fits(table: Any) -> None:
    digits = MAX_ACCOUNT_DIGITS * "1"
    text = order_text(
        ORDER_ID,
        amount=9999999999999.99,
        fromAccount=digits,
        toAccount="2" + digits[1:],
        channel="mobile",
    )

    _, duplicate = records_of(sqs_message(order_text(ORDER_ID)), largest_message(text))

    assert duplicate.differs == tuple(duplicate.terms.given)
    assert len(duplicate.differs) >= 4
    item = to_item(duplicate, audit_shards=4)
    assert size_of_item(item) + size_of_entries(item, table) <= LIMIT


def test_both_indexes_project_every_listed_attribute(table: Any) -> None:
    (history,) = table["LocalSecondaryIndexes"]
    (audit,) = table["GlobalSecondaryIndexes"]
    keys = [key["AttributeName"] for key in table["KeySchema"]]

    for index in (history, audit):
        assert [*keys, *index["Projection"]["NonKeyAttributes"]] == list(LISTED_ATTRIBUTES)
        assert len(index["Projection"]["NonKeyAttributes"]) <= MOST_NAMES


def test_every_attribute_of_a_record_but_its_payload_and_traceparent_is_listed(table: Any) -> None:
    keys = {key["AttributeName"] for key in table["AttributeDefinitions"]}

    beside: dict[str, Any] = {
        "submittedBy": "x",
        "channel": "atm",
        "requestId": "?",
        "traceparent": TRACEPARENT,
    }
    *_, record = records_of(
        sqs_message(order_text(ORDER_ID), **beside),
        sqs_message(order_text(ORDER_ID, amount=0), **beside),
    )
    rejected = to_item(record, audit_shards=4)
    accepted = to_item(record._replace(s3_key="orders/x.json"), audit_shards=4)

    assert (rejected.keys() | accepted.keys()) - keys | {"orderId", "recordId"} == {
        *LISTED_ATTRIBUTES,
        "payload",
        "traceparent",
    }


def test_the_errors_are_the_largest_that_were_found() -> None:
    """Each rule that can be broken beside others is."""
    codes = [(error.field, error.code) for error in parse_order(largest_invalid_order()).errors]

    assert codes == [
        ("amount", "too_many_decimals"),
        ("amount", "too_large"),
        ("fromAccount", "not_digits"),
        ("fromAccount", "too_long"),
        ("toAccount", "not_digits"),
        ("toAccount", "too_long"),
        ("channel", "unknown_channel"),
    ]
