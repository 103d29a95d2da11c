"""
The two calls that (d) makes for an order, through its own clients, and nothing else.

They are the floor for a processor over botocore: no rule, no verdict, no log line, no metric.
"""

import json
from typing import Any

from chalicelib import wiring
from chalicelib.orders import parse_order
from chalicelib.record_items import to_item
from chalicelib.submissions import Record, Submission

s3: Any = wiring.order_archive()._client  # noqa: SLF001
dynamodb: Any = wiring.record_store()._client  # noqa: SLF001
resources = wiring.settings()


def process(event: dict[str, Any], _context: Any) -> None:
    for message in event["Records"]:
        submission, item = sample(message["body"])
        order_id = json.loads(message["body"])["id"]
        s3.put_object(
            Bucket=resources.bucket,
            Key=submission.archive_key.replace(submission.order.id, order_id),
            Body=message["body"].encode(),
            ContentType="application/json",
            IfNoneMatch="*",
        )
        dynamodb.put_item(
            TableName=resources.table,
            Item={**item, "orderId": {"S": order_id}},
            ConditionExpression="attribute_not_exists(recordId)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


samples: list[tuple[Submission, dict[str, Any]]] = []


def sample(body: str) -> tuple[Submission, dict[str, Any]]:
    """Make a submission and its item from the first order only: all have the same shape."""
    if not samples:
        submission = Submission(parse_order(body), "submission-contender-0-100", wiring.now())
        record = Record.of_first(submission, wiring.now())
        samples.append((submission, to_item(record, resources.audit_shards)))
    return samples[0]
