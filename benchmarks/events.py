"""The batches of every contender: the same orders in the same mix."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TEN = 10
# The latency of GET is measured with this order.
KNOWN_ORDER = "known"


class Mix(StrEnum):
    """The kind of one order in ten."""

    VALID = "all valid"
    DUPLICATES = "10% duplicates"
    INVALID = "10% invalid"


def verdicts(mix: Mix, orders: int) -> dict[str, int]:
    """Count the records of the first so many orders of a run, by their status."""
    special = orders // TEN
    status = {Mix.VALID: "ACCEPTED", Mix.DUPLICATES: "DUPLICATE", Mix.INVALID: "REJECTED"}[mix]
    counts = Counter({"ACCEPTED": orders - special}) + Counter({status: special})
    return dict(counts)


def batches(mix: Mix, size: int, run: str) -> Iterator[dict[str, Any]]:
    """Make Lambda's events from SQS without end. `run` keeps ids apart from another run's."""
    records = _records(mix, run, size)
    while True:
        yield {"Records": list(itertools.islice(records, size))}


def _records(mix: Mix, run: str, size: int) -> Iterator[dict[str, Any]]:
    for number in itertools.count(1):
        special = number % TEN == 0
        repeated = _repeated(number, size) if special and mix is Mix.DUPLICATES else number
        amount = "0" if special and mix is Mix.INVALID else "2580.00"
        yield record(f"{run}-{number}", f"{run}-{repeated}", amount)


def _repeated(number: int, size: int) -> int:
    """
    Choose the order that a duplicate repeats: one from a little before.

    Every other one is from an earlier batch, which costs more than one from the same batch.
    """
    in_this_batch, in_an_earlier_one = number - TEN // 2, number - TEN // 2 - size
    return in_an_earlier_one if number // TEN % 2 == 0 and in_an_earlier_one > 0 else in_this_batch


def record(message_id: str, order_id: str, amount: str = "2580.00") -> dict[str, Any]:
    """Make a message as `POST /orders` puts it on the queue and Lambda delivers it."""
    order = {
        "id": order_id,
        "amount": amount,
        "fromAccount": "1111111",
        "toAccount": "7777777",
        "channel": "web",
        "reference": "Invoice 2026-0815, with thanks",
    }
    now_ms = int(time.time() * 1000)
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt-{message_id}",
        "body": json.dumps(order),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(now_ms),
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": str(now_ms),
        },
        "messageAttributes": {
            "submissionId": _attribute(f"submission-{message_id}"),
            "requestId": _attribute(f"request-{message_id}"),
            "receivedAt": _attribute("2026-03-01T12:00:00.000Z"),
        },
        "md5OfBody": "not-checked",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders",
        "awsRegion": "us-east-1",
    }


def _attribute(value: str) -> dict[str, Any]:
    return {"stringValue": value, "dataType": "String", "stringListValues": []}
