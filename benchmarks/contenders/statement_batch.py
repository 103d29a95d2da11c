"""
A batch of orders over asynchronous clients: every object at once, then the records, 25 a call.

Each step is for all messages; what goes wrong with one is its own failure. An order's first record
is an insert, which DynamoDB refuses if there is one. `BatchExecuteStatement` does not say who holds
the key, so a message that is refused is settled by itself: it is a redelivery if its own record is
there, and a duplicate otherwise.
"""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.contenders.items import first_item, order_item, s3_key
from benchmarks.contenders.validation import read_order

MOST_STATEMENTS = 25
TABLE, BUCKET = "orders", "orders"
NEW = "attribute_not_exists(recordId)"


@dataclass
class Entry:
    """A message on its way through a batch, and what became of it."""

    message: dict[str, Any]
    order: dict[str, Any]
    errors: list[str]
    # The status of its record, or why there is none; None until it is settled.
    result: str | Exception | None = None


class StatementBatch:
    """Processes batches of messages over aiobotocore's clients."""

    def __init__(self, s3: Any, dynamodb: Any) -> None:
        self._s3 = s3
        self._dynamodb = dynamodb

    async def process(self, messages: Iterable[dict[str, Any]]) -> list[Entry]:
        """Process each message; never raise for one."""
        entries = [_read(message) for message in messages]
        await asyncio.gather(*(self._archive(entry) for entry in _unsettled(entries)))
        orders = _by_order(_unsettled(entries))
        heads = [order[0] for order in orders]
        chunks = [heads[at : at + MOST_STATEMENTS] for at in range(0, len(heads), MOST_STATEMENTS)]
        # One by itself costs the same as a put, which also tells who holds the key.
        await asyncio.gather(*(self._insert(chunk) for chunk in chunks if len(chunk) > 1))
        await asyncio.gather(*(self._settle(order) for order in map(_unsettled, orders) if order))
        return entries

    async def _archive(self, entry: Entry) -> None:
        if entry.errors:
            return
        body = entry.message["body"].encode()
        try:
            await self._s3.put_object(
                Bucket=BUCKET,
                Key=s3_key(entry.order, entry.message),
                Body=body,
                ContentType="application/json",
                ChecksumSHA256=b64encode(hashlib.sha256(body).digest()).decode(),
                IfNoneMatch="*",
            )
        except Exception as error:
            # Its key holds the message's id: an object there is this one.
            if _code(error) != "PreconditionFailed":
                entry.result = error

    async def _insert(self, chunk: Sequence[Entry]) -> None:
        items = [_first(entry) for entry in chunk]
        try:
            answer = await self._dynamodb.batch_execute_statement(
                Statements=[_statement(item) for item in items]
            )
        except ClientError:
            # The whole call was refused, and nothing was written: single puts may succeed.
            return
        except Exception as error:
            for entry in chunk:
                entry.result = error
            return
        for entry, item, response in zip(chunk, items, answer["Responses"], strict=True):
            if "Error" not in response:
                entry.result = item["status"]["S"]

    async def _settle(self, order: Sequence[Entry]) -> None:
        """Settle the messages of one order, one after the other."""
        for entry in order:
            try:
                entry.result = await self._put(entry)
            except Exception as error:
                entry.result = error

    async def _put(self, entry: Entry) -> str:
        first = _first(entry)
        holder = await self._put_new(first)
        if holder is None or holder["messageId"] == first["messageId"]:
            return str(first["status"]["S"])
        further = order_item(entry.order, entry.errors, entry.message, duplicate=True)
        # Its key is its own: one that is there is of an earlier delivery.
        await self._put_new(further)
        return str(further["status"]["S"])

    async def _put_new(self, item: dict[str, Any]) -> dict[str, Any] | None:
        """Put an item if its key is free; else return who holds it."""
        try:
            await self._dynamodb.put_item(
                TableName=TABLE,
                Item=item,
                ConditionExpression=NEW,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if _code(error) != "ConditionalCheckFailedException":
                raise
            holder: dict[str, Any] = error.response["Item"]  # type: ignore[typeddict-item]
            return holder
        return None


def _read(message: dict[str, Any]) -> Entry:
    try:
        return Entry(message, *read_order(message["body"]))
    except Exception as error:
        return Entry(message, {}, [], error)


def _unsettled(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.result is None]


def _by_order(entries: Iterable[Entry]) -> list[list[Entry]]:
    orders: dict[str, list[Entry]] = {}
    for entry in entries:
        orders.setdefault(entry.order["id"], []).append(entry)
    return list(orders.values())


def _first(entry: Entry) -> dict[str, Any]:
    item = first_item(entry.order, entry.errors, entry.message)
    # Tells a redelivery from a duplicate.
    return {**item, "messageId": {"S": entry.message["messageId"]}}


def _statement(item: dict[str, Any]) -> dict[str, Any]:
    names = ", ".join(f"'{name}': ?" for name in item)
    return {
        "Statement": f'INSERT INTO "{TABLE}" VALUE {{{names}}}',
        "Parameters": list(item.values()),
    }


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""
