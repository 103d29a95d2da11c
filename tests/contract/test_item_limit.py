"""The limit of an item: the largest order that can be handed in can also be recorded."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import RecordStore
from chalicelib.orders.order import MAX_PAYLOAD_BYTES
from chalicelib.orders.record import Status
from chalicelib.services.processed import Processed
from chalicelib.services.processing import Processor
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.order_table import OrderTable
from tests.aws_limits.dynamodb_keys import MOST_BYTES_OF_ITEM
from tests.aws_limits.dynamodb_values import size_of_item
from tests.aws_limits.layer import lifted
from tests.aws_limits.test_dynamodb import SIZES
from tests.builders import Clock, order_text, sqs_message
from tests.contract.conftest import ON_DYNAMODB_LOCAL, Aws, on_dynamodb, only_on
from tests.fakes import FakeArchive, FakeQueue, FakeReporter
from tests.largest import ORDER_ID, largest_invalid_order, largest_message
from tests.resources import create_table


def process_largest_rejected_order_of_known_id(aws: Aws, table: str) -> list[Processed]:
    processor = Processor(
        records=RecordStore(aws.dynamodb, table, audit_shards=4),
        archive=FakeArchive(),
        queue=FakeQueue(),
        reporter=FakeReporter(),
        clock=Clock(),
    )
    known = sqs_message(order_text(ORDER_ID))
    return processor.process_batch([known, largest_message(largest_invalid_order())])


def create_table_whose_history_has_the_payload(aws: Aws) -> str:
    name = f"orders-{uuid.uuid4()}"
    (history,) = aws.dynamodb.describe_table(TableName=aws.table)["Table"]["LocalSecondaryIndexes"]
    whole = {
        "IndexName": history["IndexName"],
        "KeySchema": history["KeySchema"],
        "Projection": {"ProjectionType": "ALL"},
    }
    create_table(aws.dynamodb, name, LocalSecondaryIndexes=[whole])
    return name


@on_dynamodb
def test_the_largest_rejected_order_whose_id_is_known_is_recorded(aws: Aws) -> None:
    _, rejected = process_largest_rejected_order_of_known_id(aws, aws.table)

    assert rejected.failure is None
    assert rejected.verdict
    record = rejected.verdict.record
    assert (record.status, record.is_duplicate) == (Status.REJECTED, True)
    payload = OrderTable(aws.dynamodb, aws.table, 4).payload(ORDER_ID, record.record_id)
    assert len(payload.encode()) == MAX_PAYLOAD_BYTES


@only_on(ON_DYNAMODB_LOCAL)
def test_dynamodb_refuses_it_if_the_history_has_the_payload(aws: Aws) -> None:
    """An item counts together with its entry in a local index: the emulators don't know it."""
    table = create_table_whose_history_has_the_payload(aws)

    _, rejected = process_largest_rejected_order_of_known_id(aws, table)

    assert isinstance(rejected.failure, StoreUnavailable)
    assert "Item size" in str(rejected.failure.__cause__)


@only_on(ON_DYNAMODB_LOCAL)
@pytest.mark.parametrize(("value", "_size"), SIZES, ids=str)
def test_dynamodb_counts_bytes_as_the_tests_do(aws: Aws, value: Any, _size: int) -> None:
    """It takes an item of the very limit by their count, and refuses one byte more."""
    item: Any = {"orderId": {"S": "o"}, "recordId": {"S": "r"}, "value": value, "rest": {"S": ""}}
    left = MOST_BYTES_OF_ITEM - size_of_item(item)

    aws.dynamodb.put_item(TableName=aws.table, Item={**item, "rest": {"S": "x" * left}})
    with lifted(), pytest.raises(ClientError, match="Item size"):
        aws.dynamodb.put_item(TableName=aws.table, Item={**item, "rest": {"S": "x" * (left + 1)}})
