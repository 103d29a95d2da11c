"""
The items of the table that are sealed, as leaves: records by the audit index, operators' entries.

A leaf has the SHA-256 of its item in DynamoDB's own notation, as canonical JSON. Of a record it is
what the audit index has of it, wherever it was read: `payloadSha256` stands for the payload.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from decimal import Context
from functools import lru_cache, partial
from hashlib import sha256
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.aws.dynamodb import AUDIT_INDEX, LISTED_ATTRIBUTES
from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.items import Item, audit_partition
from chalicelib.aws.raw_items import leave_items_raw
from chalicelib.services.leaves import DAY_CHARACTERS, ENTRIES_PREFIX, Leaf, Place

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

POSITION = "auditPosition"
PARTITION = "auditPartition"
INDEXED = frozenset({*LISTED_ATTRIBUTES, POSITION, PARTITION})
# In the JSON of an item no text has it, since each quotation mark in a text is escaped.
NUMBER = re.compile(r'(?<={"N":")[^"]+')
# DynamoDB's numbers have 38 digits at most. Of one that is rounded, a change could go unseen.
EXACT = Context(prec=64)

Placed = TypeVar("Placed", Place, Leaf)


class SealItems:
    """The sealed items of a DynamoDB table, a page of one partition in memory at a time."""

    def __init__(self, client: "DynamoDBClient", table: str, audit_shards: int) -> None:
        leave_items_raw(client)
        self._client = client
        self._table = table
        self._audit_shards = audit_shards

    def leaves(self, day: date) -> Iterator[Leaf]:
        """
        Yield the leaves of a day in their order. The index follows the table with a short delay.

        Raises:
            StoreUnavailable: try again.
        """
        return merge(
            *(_in_order(record_leaf, pages) for pages in self._records(day)),
            _in_order(entry_leaf, self._entries(day)),
        )

    def places(self, day: date) -> Iterator[Place]:
        """Yield the places of the same leaves, which take a tenth of the time to read."""
        records = self._records(day, ProjectionExpression=f"{POSITION}, orderId, recordId")
        entries = self._entries(day, ProjectionExpression="orderId, recordId")
        return merge(
            *(_in_order(partial(_place, POSITION), pages) for pages in records),
            _in_order(partial(_place, "recordId"), entries),
        )

    def first_day(self) -> date | None:
        """
        Find the first day that has a record or an entry: it reads the whole table, once.

        Raises:
            StoreUnavailable: try again.
        """
        found = self._pages(
            self._client.scan,
            FilterExpression=f"attribute_exists({PARTITION}) OR begins_with(orderId, :entries)",
            ExpressionAttributeValues={":entries": {"S": ENTRIES_PREFIX}},
            ProjectionExpression=f"{PARTITION}, orderId",
        )
        return min((day for page in found for day in _days(page)), default=None)

    def _records(self, day: date, **options: Any) -> list[Iterator[list[Item]]]:
        """Make the pages of each shard of a day: the records that the audit index has there."""
        return [
            self._pages(
                self._client.query,
                IndexName=AUDIT_INDEX,
                KeyConditionExpression=f"{PARTITION} = :partition",
                ExpressionAttributeValues={":partition": {"S": audit_partition(day, shard)}},
                **options,
            )
            for shard in range(self._audit_shards)
        ]

    def _entries(self, day: date, **options: Any) -> Iterator[list[Item]]:
        return self._pages(
            self._client.query,
            KeyConditionExpression="orderId = :id",
            ExpressionAttributeValues={":id": {"S": f"{ENTRIES_PREFIX}{day.isoformat()}"}},
            ConsistentRead=True,
            **options,
        )

    def _pages(self, call: Callable[..., Any], **ask: Any) -> Iterator[list[Item]]:
        while True:
            with unavailable_on_failure("DynamoDB read of what is sealed"):
                answer = call(TableName=self._table, **ask)
            yield answer.get("Items", [])
            if "LastEvaluatedKey" not in answer:
                return
            ask["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def record_leaf(item: Mapping[str, Any]) -> Leaf:
    """Make the leaf of a record, by its item from the index or from the table."""
    indexed = {name: value for name, value in item.items() if name in INDEXED}
    return _leaf(indexed, item[POSITION]["S"])


def entry_leaf(item: Mapping[str, Any]) -> Leaf:
    """Make the leaf of an operators' entry: all of its item."""
    return _leaf(item, item["recordId"]["S"])


def _leaf(item: Mapping[str, Any], position: str) -> Leaf:
    digest = sha256(canonical(item).encode("ascii")).hexdigest()
    return Leaf(position, item["orderId"]["S"], item["recordId"]["S"], digest)


def canonical(item: Mapping[str, Any]) -> str:
    """Write an item as canonical JSON: sorted keys, no spaces, ASCII, one text for one number."""
    return NUMBER.sub(_number, ENCODER.encode(item))


def _number(match: re.Match[str]) -> str:
    return _normal(match[0])


@lru_cache(maxsize=1_024)
def _normal(number: str) -> str:
    return str(EXACT.create_decimal(number).normalize(EXACT))


def _binary(value: Any) -> str:
    """Write a value of bytes as DynamoDB's notation has it. No item of ours holds any."""
    return b64encode(value).decode()


ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_binary)


def _place(position: str, item: Mapping[str, Any]) -> Place:
    return item[position]["S"], item["orderId"]["S"], item["recordId"]["S"]


def _in_order(make: Callable[[Item], Placed], pages: Iterable[list[Item]]) -> Iterator[Placed]:
    """Sort what shares a position: DynamoDB promises no order among it."""
    for _, same in groupby(_made(make, pages), key=itemgetter(0)):
        yield from sorted(same)


def _made(make: Callable[[Item], Placed], pages: Iterable[list[Item]]) -> Iterator[Placed]:
    """Make what is kept of each page at once, and drop the page: it takes ten times the memory."""
    for page in pages:
        made = [make(item) for item in page]
        page.clear()
        yield from made


def _days(items: Iterable[Mapping[str, Any]]) -> Iterator[date]:
    for item in items:
        text = item.get(PARTITION, item["orderId"])["S"].removeprefix(ENTRIES_PREFIX)
        # One made by another hand may begin with none.
        with suppress(ValueError):
            yield date.fromisoformat(text[:DAY_CHARACTERS])
