"""One running system for all hostile input, and the reader of what became of each."""

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from ops.local.stack import LocalStack
from ops.ports import LOOPBACK
from tests.e2e.client import ApiClient, eventually
from tests.queues import message_count, take_all

# Only an insider knows these: code, places, resources, and the makers of the software.
INTERNALS = re.compile(
    r"Traceback|File \"|\.py\b|boto|chalice|arn:aws|orders-local|dynamodb|sqs\.|127\.0\.0\.1",
    re.IGNORECASE,
)


class RawAnswer(NamedTuple):
    """An answer to a request that no well-behaved client makes."""

    status: int
    headers: Message
    body: Any


class System:
    """A running system, and what its operator sees of it."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.api = ApiClient(stack.api_url)
        self._sqs = boto3.client("sqs", endpoint_url=stack.aws_url)
        self._dynamodb = boto3.client("dynamodb", endpoint_url=stack.aws_url)

    def raw(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> RawAnswer:
        """Make a request whose path is sent as it is."""
        connection = http.client.HTTPConnection(LOOPBACK, self.stack.api_port, timeout=10)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            return RawAnswer(answer.status, answer.headers, json.loads(content) if content else "")
        finally:
            connection.close()

    def send(self, body: str, **attributes: str) -> None:
        """Put a message on the queue, as anyone may who has the right to."""
        self.send_typed(
            body,
            {
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )

    def send_typed(self, body: str, attributes: Mapping[str, Any]) -> None:
        """Put a message with attributes of any type on the queue."""
        self._sqs.send_message(
            QueueUrl=self.stack.outputs["QueueUrl"],
            MessageBody=body,
            MessageAttributes=attributes,
        )

    def settle(self) -> None:
        """Wait until nothing is on the queue: no message is stuck."""
        url = self.stack.outputs["QueueUrl"]
        eventually(lambda: message_count(self._sqs, url) == 0)

    def records(self) -> list[dict[str, Any]]:
        """All records, as DynamoDB has them."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.outputs["TableName"],
            # The table holds used keys too.
            FilterExpression="attribute_exists(submissionId)",
        )
        return [dict(item) for page in pages for item in page["Items"]]

    def dead_letters(self) -> list[dict[str, Any]]:
        """Take all dead letters."""
        return take_all(self._sqs, self.stack.outputs["DeadLetterQueueUrl"])


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    log = tmp_path_factory.mktemp("hostile") / "log"
    with LocalStack(visibility_timeout_seconds=2, log_file=Path(log)) as stack:
        yield System(stack)


def assert_tells_nothing(answer: Any) -> None:
    """Check that the answer shows nothing of the system's inside."""
    text = json.dumps(answer)
    assert not INTERNALS.search(text), text
