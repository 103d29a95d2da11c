"""Builders of the tests' input: orders, messages and Lambda's events."""

import base64
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.orders.order import parse_order
from chalicelib.orders.submission import Submission
from chalicelib.services.message import Message

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
_numbers = itertools.count(1)


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, start: datetime = START) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def order_fields(order_id: str = "order-001", **changes: Any) -> dict[str, Any]:
    """Make a valid order's fields; a change to None leaves a field out."""
    fields = {
        "id": order_id,
        "amount": 2580,
        "fromAccount": "1111111",
        "toAccount": "7777777",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def order_text(order_id: str = "order-001", **changes: Any) -> str:
    """Make a valid order as JSON text."""
    return json.dumps(order_fields(order_id, **changes))


def submission(
    text: str | None = None, submission_id: str | None = None, **changes: Any
) -> Submission:
    """Make a submission of the order in the text, under an id of its own if none is given."""
    return Submission(
        order=parse_order(order_text() if text is None else text),
        submission_id=submission_id or f"submission-{next(_numbers)}",
        received_at=changes.pop("received_at", START),
        **changes,
    )


def _lambda_attributes(attributes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Write string attributes of a message as Lambda delivers them."""
    return {
        name: {"stringValue": value, "dataType": "String"} for name, value in attributes.items()
    }


def sqs_record(
    body: str | None = None,
    *,
    message_id: str | None = None,
    receive_count: int = 1,
    **attributes: str,
) -> dict[str, Any]:
    """One of the `Records` of a Lambda event from SQS."""
    number = next(_numbers)
    return {
        "messageId": message_id or f"00000000-0000-4000-8000-{number:012d}",
        "receiptHandle": f"receipt-{number}",
        "body": order_text() if body is None else body,
        "attributes": {
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": str(int(START.timestamp() * 1000)),
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": str(int(START.timestamp() * 1000)),
        },
        "messageAttributes": _lambda_attributes(attributes),
        "md5OfBody": "not-checked",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders-test",
        "awsRegion": "us-east-1",
    }


def sqs_event(*records: Mapping[str, Any]) -> dict[str, Any]:
    """Make a Lambda event from SQS."""
    return {"Records": list(records)}


def gateway_event(
    method: str,
    path: str,
    /,
    *,
    resource: str | None = None,
    stage: str = "/dev",
    body: str | None = None,
    query: Mapping[str, list[str]] | None = None,
    **context: Any,
) -> dict[str, Any]:
    """
    Make a Lambda event from API Gateway. Its context's path has the stage's prefix.

    `resource` is the route, if it has a parameter: the last part of the path.
    """
    return {
        "httpMethod": method,
        "path": path,
        "resource": resource or path,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": query,
        "pathParameters": {"order_id": path.rsplit("/", 1)[1]} if resource else None,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
        "requestContext": {
            "httpMethod": method,
            "resourcePath": resource or path,
            "path": f"{stage}{path}",
            "requestId": "request-1",
            "identity": {"userArn": "arn:aws:iam::000000000000:user/channel", "sourceIp": ""},
            **context,
        },
    }


def lines_event(body: bytes, **changes: Any) -> dict[str, Any]:
    """Make the event of many orders: API Gateway hands on their bytes in base64."""
    headers = {"Content-Type": "application/x-ndjson", **changes.pop("headers", {})}
    encoded = base64.b64encode(body).decode()
    return gateway_event("POST", "/order-batches", body=encoded, **changes) | {
        "isBase64Encoded": True,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }


def sqs_message(body: str | None = None, **details: Any) -> Message:
    """Make a message with an order, as the processor gets it."""
    return Message.from_record(sqs_record(body, **details))


def redelivered(message: Message, receive_count: int = 2) -> Message:
    """Deliver the same message once more."""
    return Message(
        message_id=message.message_id,
        receipt_handle=f"receipt-{next(_numbers)}",
        body=message.body,
        receive_count=receive_count,
        sent_at=message.sent_at,
        message_attributes=message.message_attributes,
        sender_id=message.sender_id,
    )


def scheduled_event() -> dict[str, Any]:
    """Make the event of a schedule, as EventBridge sends it."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-05-15T01:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {},
    }
