"""A stage's data after a working day, made by the processor's own rules at past times."""

import json
import math
import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.s3 import OrderArchive
from chalicelib.orders.order import parse_order
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from ops.desk.desk import Desk

CHANNELS = ("web", "web", "web", "mobile", "mobile", "atm")
# Each run of orders: how many, and over how long a time before now.
RUNS = ((150, timedelta(minutes=15)), (60, timedelta(hours=1)), (90, timedelta(hours=23)))

# From received to recorded, as benchmarks/local_stack.py measures it under `make run`: pictures of
# the console show it, as the median of a local stage.
MEDIAN_AGE_SECONDS = 0.05

CONFLICTING = "invoice-2291"
"""An order that was handed in three times: accepted, the same again, and with another amount."""
CORRECTED = "salary-0917"
"""An order that was rejected, and then corrected."""
CLICKED_TWICE = ("rent-0311a", "rent-0311b")
"""One order that was handed in under two ids, four seconds apart."""
LARGEST = "settlement_branch_0417_terminal_0003_day_330_sequence_0000009172"
"""An order with the longest id, which was handed in twice, with the two largest amounts."""
FORGED = "bonus-0001"
"""An order that was recorded for a day that was sealed already."""
ACCOUNT = "4012887001"
"""The account that CONFLICTING takes its money from."""


def seed(desk: Desk) -> None:
    """Fill an empty stage: the same in every run, but for its times."""
    chance = random.Random(7)  # noqa: S311 (to look real, not to keep a secret)
    now = datetime.now(UTC)
    stage = desk.stage
    records = desk.records
    archive = OrderArchive(stage.s3, stage.settings.bucket)
    groups = [*_ordinary(chance, now), *_told(now), _largest(now)]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(partial(_record_all, records, archive), groups))
    _metrics(stage, now)
    today = now.date()
    list(desk.sealing.seal(today - timedelta(days=number) for number in (3, 2, 1)))
    forged = (order(FORGED, amount=9900), now - timedelta(days=2), 0.2)
    _record_all(records, archive, [forged])


def dead_letter(desk: Desk, body: str, **attributes: str) -> None:
    """Put a message on the dead-letter queue, as the processor or SQS itself does."""
    desk.stage.sqs.send_message(
        QueueUrl=desk.stage.settings.dead_letter_queue_url,
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


def order(order_id: str, **changes: Any) -> dict[str, Any]:
    """Make a valid order; a change to None leaves a field out."""
    fields = {
        "id": order_id,
        "amount": 1250.5,
        "fromAccount": ACCOUNT,
        "toAccount": "5590128834",
        "channel": "web",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


# A submission: its order, when it was handed in, and how many seconds later it was recorded.
Handed = tuple[dict[str, Any], datetime, float]


def _ordinary(chance: random.Random, now: datetime) -> Iterator[list[Handed]]:
    number = 2000
    for count, period in RUNS:
        for _ in range(count):
            number += 1
            # It comes and goes over the period.
            share = chance.random()
            share = min(0.995, max(0.005, share + 0.06 * math.sin(share * 25)))
            at = now - period * share
            fields = order(
                f"order-{number}",
                amount=round(chance.lognormvariate(5.5, 1.2), 2),
                fromAccount=str(chance.randrange(10**9, 10**10)),
                toAccount=str(chance.randrange(10**9, 10**10)),
                channel=chance.choice(CHANNELS),
            )
            age = chance.lognormvariate(math.log(MEDIAN_AGE_SECONDS), 0.5)
            kind = chance.random()
            if kind < 0.05:
                fields["amount"] = chance.choice([0, -20, "12,50"])
            elif kind < 0.08:
                fields["toAccount"] = fields["fromAccount"]
            elif kind < 0.1:
                fields["channel"] = "branch"
            again = [(fields, at + timedelta(seconds=9), age)] if chance.random() < 0.06 else []
            yield [(fields, at, age), *again]


def _told(now: datetime) -> Iterator[list[Handed]]:
    """Yield the orders that tests name."""
    at = now - timedelta(minutes=4)
    yield [
        (order(CONFLICTING), at, 0.21),
        (order(CONFLICTING), at + timedelta(seconds=31), 0.19),
        (order(CONFLICTING, amount=1520.5, channel="mobile"), at + timedelta(seconds=95), 0.24),
    ]
    yield [
        (order(CORRECTED, amount=0, toAccount=None), at - timedelta(minutes=2), 0.2),
        (order(CORRECTED, amount=2310), at, 0.3),
    ]
    yield [
        (order(name, amount=840, fromAccount="6210047793"), at + timedelta(seconds=4 * number), 0.2)
        for number, name in enumerate(CLICKED_TWICE)
    ]


def _largest(now: datetime) -> list[Handed]:
    at = now - timedelta(hours=23)
    fields = order(LARGEST, amount="9999999999999.99", channel="mobile")
    other = fields | {"amount": "9999999999999.98"}
    return [(each, at + timedelta(seconds=9 * n), 0.2) for n, each in enumerate((fields, other))]


def _record_all(records: RecordStore, archive: OrderArchive, handed: list[Handed]) -> None:
    """Record all, one after the other, as the processor does."""
    for fields, received_at, age in handed:
        submission = Submission(
            order=parse_order(json.dumps(fields)),
            submission_id=str(uuid.uuid4()),
            received_at=_milliseconds(received_at),
        )
        if submission.order.valid:
            archive.keep(submission)
        settle(
            submission,
            records.take,
            _milliseconds(min(received_at + timedelta(seconds=age), datetime.now(UTC))),
        )


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _metrics(stage: Any, now: datetime) -> None:
    """Put the metrics that CloudWatch would have of the queue."""
    chance = random.Random(11)  # noqa: S311
    client = stage.session.client("cloudwatch", endpoint_url=stage.endpoint_url)
    data = [
        {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": url.rsplit("/", 1)[1]}],
            "Timestamp": now - timedelta(minutes=minutes),
            "Value": float(value),
        }
        for minutes in range(1, 120)
        for url, value in (
            (stage.settings.queue_url, max(0, chance.gauss(4 + 3 * math.sin(minutes / 2), 2))),
            (stage.settings.dead_letter_queue_url, 0 if minutes > 8 else 9 - minutes),
        )
    ]
    for start in range(0, len(data), 100):
        client.put_metric_data(Namespace="AWS/SQS", MetricData=data[start : start + 100])
    client.close()
