"""Events that Lambda invokes a function with, and the answer for a batch of messages."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ops.local.environment import ACCOUNT_ID
from ops.local_stage import REGION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

Clock = Callable[[], float]


class InvalidResponse(Exception):
    """The answer is no partial batch response: Lambda takes the whole batch as failed."""


def sqs_event(messages: Iterable[MessageTypeDef], queue_arn: str) -> dict[str, Any]:
    """Make the event that Lambda invokes a function with, by "Using Lambda with Amazon SQS"."""
    return {"Records": [_record(message, queue_arn) for message in messages]}


def stream_event(changes: Iterable[Mapping[str, Any]], stream_arn: str) -> dict[str, Any]:
    """Make the event of changes of a table, by "Using AWS Lambda with Amazon DynamoDB"."""
    return {"Records": [_change(change, stream_arn) for change in changes]}


def _change(change: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    data = dict(change["dynamodb"])
    # The event is JSON, so a time is a number.
    data["ApproximateCreationDateTime"] = data["ApproximateCreationDateTime"].timestamp()
    return {**change, "dynamodb": data, "eventSourceARN": stream_arn}


def _record(message: MessageTypeDef, queue_arn: str) -> dict[str, Any]:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attribute(value: MessageAttributeValueOutputTypeDef) -> dict[str, Any]:
    """Form an attribute as Lambda does; the event is JSON, so binary values are base64."""
    attribute: dict[str, Any] = {}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode("ascii")
    # SQS reserves the two lists and has never filled them.
    attribute |= {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    return attribute


@dataclass
class LambdaContext:
    """The second argument of a function, with the names and types of Lambda's Python runtime."""

    function_name: str
    timeout_seconds: float
    # A string in the real one too: it is the value of an environment variable.
    memory_limit_in_mb: str = "512"
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    log_stream_name: str = "local"
    identity: None = None
    client_context: None = None
    clock: Clock = time.monotonic

    def __post_init__(self) -> None:
        self._deadline = self.clock() + self.timeout_seconds

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - self.clock()) * 1000))


def as_json(response: object) -> object:
    """
    Turn an answer into what Lambda sees: it goes through JSON.

    Raises:
        TypeError, ValueError: it can't be written as JSON, which fails the invocation.
    """
    return json.loads(json.dumps(response))


def failed_message_ids(response: object, message_ids: Sequence[str]) -> set[str]:
    """
    Read which messages a partial batch response reports as failed; the others succeeded.

    Nothing, null, an empty object and an empty list mean that all succeeded.

    Raises:
        InvalidResponse: all failed, for an unknown, empty or missing id, or another shape.
    """
    if response is None:
        return set()
    if not isinstance(response, Mapping):
        raise InvalidResponse(f"the answer is a {type(response).__name__}, not an object")
    failures = response.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list):
        raise InvalidResponse("batchItemFailures is not a list")
    return {_known_id(failure, message_ids) for failure in failures}


def _known_id(failure: object, message_ids: Sequence[str]) -> str:
    identifier = failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
    if not isinstance(identifier, str) or identifier not in message_ids:
        raise InvalidResponse("batchItemFailures names what is no message of the batch")
    return identifier
