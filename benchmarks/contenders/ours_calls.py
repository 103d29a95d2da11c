"""
The two calls that (d) makes for an order, through its own clients, and nothing else.

They are the floor for a processor over botocore: no rule, no verdict, no log line, no metric.
"""

import json
import os
from base64 import b64encode
from typing import Any

from chalicelib.aws.clients import LambdaClients
from chalicelib.aws.items import to_item
from chalicelib.orders.order import parse_order
from chalicelib.orders.record import Record
from chalicelib.orders.submission import Submission
from chalicelib.orders.times import now
from chalicelib.settings import Settings

clients = LambdaClients()
s3: Any = clients.s3
dynamodb: Any = clients.dynamodb
settings = Settings.from_env(os.environ)


def process(event: dict[str, Any], _context: Any) -> None:
    for message in event["Records"]:
        submission, item = sample(message["body"])
        order_id = json.loads(message["body"])["id"]
        s3.put_object(
            Bucket=settings.bucket,
            Key=submission.archive_key.replace(submission.order.id, order_id),
            Body=message["body"].encode(),
            ContentType="application/json",
            ChecksumSHA256=b64encode(bytes.fromhex(submission.order.payload_sha256)).decode(),
            IfNoneMatch="*",
        )
        dynamodb.put_item(
            TableName=settings.table,
            Item={**item, "orderId": {"S": order_id}},
            ConditionExpression="attribute_not_exists(recordId)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


samples: list[tuple[Submission, dict[str, Any]]] = []


def sample(body: str) -> tuple[Submission, dict[str, Any]]:
    """Make a submission and its item from the first order only: all have the same shape."""
    if not samples:
        submission = Submission(parse_order(body), "submission-contender-0-100", now())
        record = Record.of_first(submission, now())
        samples.append((submission, to_item(record, settings.audit_shards)))
    return samples[0]
