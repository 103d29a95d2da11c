"""Moto is quick in the tests, and answers as it does by itself."""

from typing import Any

import boto3
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import Item
from moto.sqs.models import sqs_backends

from tests import quick_moto
from tests.resources import create_table

VALUES: dict[str, Any] = {
    "text": {"S": "a"},
    "empty": {"S": ""},
    "number": {"N": "-1.50"},
    "flag": {"BOOL": False},
    "nothing": {"NULL": True},
    "bytes": {"B": b"\x00\xff"},
    "texts": {"SS": ["a"]},
    "numbers": {"NS": ["1"]},
    "map": {"M": {"S": {"S": "b"}, "deep": {"M": {"list": {"L": []}}}}},
    "several": {"L": [{"N": "1"}, {"M": {}}, {"B": b"b"}, {"SS": ["c"]}]},
}
KEY: dict[str, Any] = {"orderId": {"S": "order-001"}, "recordId": {"S": "record"}}
# Moto sorts them; the characters are of one to four bytes.
OTHERS = [
    *(("order-001", "a"), ("order-001", "z"), ("order-001", "\U0001f4e6"), ("order-000", "b")),
    *(("\xf1", "record"), ("order-0010", "\u20ac"), ("order", "record")),
]
INDEXED: dict[str, Any] = {
    "auditPartition": {"S": "2026-01-01#0"},
    "auditPosition": {"S": "1"},
    "conflict": {"BOOL": True},
    "terms": VALUES["map"],
}


def answers() -> list[Any]:
    """Ask for an item with values of every type, in each way that gives an item."""
    with mock_aws():
        table = boto3.client("dynamodb", region_name="us-east-1")
        create_table(table, "orders")
        table.put_item(TableName="orders", Item=KEY | INDEXED | VALUES)
        for order_id, record_id in OTHERS:
            other = {"orderId": {"S": order_id}, "recordId": {"S": record_id}}
            table.put_item(TableName="orders", Item=other | INDEXED | VALUES)
        asked = [
            table.get_item(TableName="orders", Key=KEY),
            table.get_item(
                TableName="orders",
                Key=KEY,
                ProjectionExpression="flag, #map.deep, several[0], absent",
                ExpressionAttributeNames={"#map": "map"},
            ),
            table.scan(TableName="orders", ProjectionExpression="flag, texts, absent"),
            table.query(
                TableName="orders",
                IndexName="audit",
                KeyConditionExpression="auditPartition = :it",
                ExpressionAttributeValues={":it": INDEXED["auditPartition"]},
            ),
            *(
                table.query(
                    TableName="orders",
                    IndexName="audit",
                    KeyConditionExpression="auditPartition = :it",
                    ExpressionAttributeValues={":it": INDEXED["auditPartition"]},
                    ScanIndexForward=forward,
                    Limit=2,
                )
                for forward in (True, False)
            ),
            table.query(
                TableName="orders",
                KeyConditionExpression="orderId = :it AND recordId > :first",
                FilterExpression="size(#map) > :none AND #number < :none AND #several = :several",
                ExpressionAttributeNames={
                    "#map": "map",
                    "#number": "number",
                    "#several": "several",
                },
                ExpressionAttributeValues={
                    ":it": KEY["orderId"],
                    ":first": {"S": "a"},
                    ":none": {"N": "0"},
                    ":several": VALUES["several"],
                },
            ),
            table.scan(TableName="orders", Limit=3),
            table.delete_item(TableName="orders", Key=KEY, ReturnValues="ALL_OLD"),
        ]
    return [{**answer, "ResponseMetadata": None} for answer in asked]


def received() -> list[int]:
    """Count what a queue hands out, first of two messages, then of one that has expired."""
    with mock_aws():
        queue = boto3.client("sqs", region_name="us-east-1")
        url = queue.create_queue(QueueName="orders")["QueueUrl"]
        for body in "ab":
            queue.send_message(QueueUrl=url, MessageBody=body)
        counts = [len(queue.receive_message(QueueUrl=url).get("Messages", []))]
        orders: Any = sqs_backends["123456789012"]["us-east-1"].get_queue("orders")
        orders.message_retention_period = 0
        return [*counts, len(queue.receive_message(QueueUrl=url).get("Messages", []))]


def test_quick_moto_answers_as_moto_does() -> None:
    quickly = Item.project
    quick = answers(), received()

    quick_moto.PATCH.undo()
    try:
        slowly = Item.project
        slow = answers(), received()
    finally:
        quick_moto.install()

    assert quickly is not slowly
    assert quick == slow
    assert VALUES.items() <= quick[0][0]["Item"].items()
    assert [answer["Count"] for answer in quick[0] if "Count" in answer] == [8, 8, 2, 2, 3, 3]
    assert quick[1] == [1, 0]
