"""Reads through the whole table, or through its audit index: pages of items, and their days."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamodb import AUDIT_INDEX
from chalicelib.aws.failures import unavailable_on_failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from chalicelib.aws.items import Item

DAY_CHARACTERS = len("2026-01-31")


def scan_pages(client: DynamoDBClient, table: str, **scan: Any) -> Iterator[list[Item]]:
    """Yield the items of each read, which may be none: a filter leaves out what was read."""
    while True:
        with unavailable_on_failure("DynamoDB Scan"):
            answer = client.scan(TableName=table, **scan)
        yield answer.get("Items", [])
        if "LastEvaluatedKey" not in answer:
            return
        scan["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def recorded_days(client: DynamoDBClient, table: str) -> Iterator[set[date]]:
    """Yield, for each read of the audit index, the days of the records in it, in no order."""
    pages = scan_pages(client, table, IndexName=AUDIT_INDEX, ProjectionExpression="auditPartition")
    for page in pages:
        yield _days_in(item["auditPartition"]["S"] for item in page)


def days_of(client: DynamoDBClient, table: str, prefix: str) -> Iterator[set[date]]:
    """Yield, for each read of the table, the days in the orderIds that are PREFIX and a day."""
    pages = scan_pages(
        client,
        table,
        FilterExpression="begins_with(orderId, :prefix)",
        ExpressionAttributeValues={":prefix": {"S": prefix}},
        ProjectionExpression="orderId",
        ConsistentRead=True,
    )
    for page in pages:
        yield _days_in(item["orderId"]["S"].removeprefix(prefix) for item in page)


def _days_in(texts: Iterable[str]) -> set[date]:
    """Read the days that texts begin with. One made by another hand may begin with none."""
    days = set()
    for text in texts:
        with suppress(ValueError):
            days.add(date.fromisoformat(text[:DAY_CHARACTERS]))
    return days
