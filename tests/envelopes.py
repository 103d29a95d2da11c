"""Envelopes of other services around an order, each as its service's documentation shows it."""

import json
from typing import Any

ORDER = '{"id": "order-001", "amount": 2580, "fromAccount": "1111111", "toAccount": "7777777"}'
UUID = "6a7e8feb-b491-4cf7-a9f1-bf3703467718"
TIME = "2026-03-01T12:00:00Z"
TOPIC = "arn:aws:sns:us-east-1:111122223333:orders"
BUCKET = {"name": "orders-of-the-branch", "arn": "arn:aws:s3:::orders-of-the-branch"}

ENVELOPES: dict[str, dict[str, Any]] = {
    "EventBridge": {
        "version": "0",
        "id": UUID,
        "detail-type": "order",
        "source": "bank.web",
        "account": "111122223333",
        "time": TIME,
        "region": "us-east-1",
        "resources": [],
        "detail": json.loads(ORDER),
    },
    "CloudEvents": {"specversion": "1.0", "id": UUID, "source": "urn:bank:web", "type": "order"},
    "SNS": {
        "Type": "Notification",
        "MessageId": UUID,
        "TopicArn": TOPIC,
        "Message": ORDER,
    },
    "SQS, as its API writes it": {"MessageId": UUID, "ReceiptHandle": "AQEB", "Body": ORDER},
    "SQS, as a pipe writes it": {"messageId": UUID, "receiptHandle": "AQEB", "body": ORDER},
    "Lambda's destination": {
        "version": "1.0",
        "requestContext": {"functionArn": "arn:aws:lambda:us-east-1:111122223333:function:web"},
        "requestPayload": json.loads(ORDER),
    },
    "the test of S3's notifications": {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Bucket": BUCKET["name"],
    },
    "S3's notification": {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": BUCKET}}]},
    "SNS, as Lambda hands it on": {"Records": [{"EventSource": "aws:sns", "Sns": {}}]},
}
"""The members by which each envelope is known, and no others."""

# What a service sends beside them.
BESIDE: dict[str, dict[str, Any]] = {
    "EventBridge": {"replay-name": "yesterday"},
    "CloudEvents": {"subject": "order-001", "time": TIME, "channel": "web", "data": {"id": "o"}},
    "SNS": {"Subject": "order", "Timestamp": TIME, "SignatureVersion": "1", "Signature": "EXAMPLE"},
    "SQS, as its API writes it": {"MD5OfBody": "0" * 32, "Attributes": {}},
    "SQS, as a pipe writes it": {"md5OfBody": "0" * 32, "eventSource": "aws:sqs"},
    "Lambda's destination": {"timestamp": TIME, "responseContext": {}, "responsePayload": None},
    "the test of S3's notifications": {"Time": TIME, "RequestId": "5582815E1AEA5ADF"},
}


def texts() -> dict[str, str]:
    """Write each envelope as its service sends it."""
    return {name: json.dumps(fields | BESIDE.get(name, {})) for name, fields in ENVELOPES.items()}
