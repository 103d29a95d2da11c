"""Moto is quick in the tests, and answers as it does by itself."""

from typing import Any

import boto3
from moto import mock_aws
from moto.dynamodb.models.dynamo_type import Item

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
            table.delete_item(TableName="orders", Key=KEY, ReturnValues="ALL_OLD"),
        ]
    return [{**answer, "ResponseMetadata": None} for answer in asked]


def test_quick_moto_answers_as_moto_does() -> None:
    quickly = Item.project
    quick = answers()

    quick_moto.PATCH.undo()
    try:
        slowly = Item.project
        slow = answers()
    finally:
        quick_moto.install()

    assert quickly is not slowly
    assert quick == slow
    assert VALUES.items() <= quick[0]["Item"].items()
