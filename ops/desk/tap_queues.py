"""
The queues of taps: each has a name that says whose it is, and is on loan for a few minutes.

Who listens renews the loan. A queue whose loan is over was left by a command that was killed.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.orders.times import iso
from ops.plain_http import refusing_plain_http

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_sqs import SQSClient

    from ops.desk.event_sources import EventSource

LOAN = timedelta(minutes=5)
LOAN_TAG = "in-use-until"
# For whoever has stopped the terminal for a while.
RETENTION_SECONDS = 3600
# The longest name of a rule is 64 characters, of which the longest stage's leaves 23.
OWNER_CHARACTERS = 13
MESSAGES_PER_CALL = 10


def name_of_queue(stage: str, operator: str, number: str) -> str:
    """Name a queue after its stage, and after the operator whose ARN this is."""
    owner = re.split(r"[:/]", operator)[-1]
    return f"{_prefix(stage)}{re.sub(r'[^A-Za-z0-9]+', '-', owner)[:OWNER_CHARACTERS]}_{number}"


def _prefix(stage: str) -> str:
    # A stage's name holds no "_": no queue of another stage begins so.
    return f"orders-events-tail-{stage}_"


class TapQueues:
    """The queues of one stage's taps."""

    def __init__(
        self, client: SQSClient, stage: str, orders_queue_url: str, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._prefix = _prefix(stage)
        self._orders_queue_url = orders_queue_url
        self._clock = clock

    def make(self, name: str, source: EventSource) -> str:
        """Make a queue that only this bus or topic can send to, and return its URL."""
        # All at once: what is set later takes effect up to a minute later.
        attributes = {
            "MessageRetentionPeriod": str(RETENTION_SECONDS),
            "Policy": json.dumps(_policy(name, source)),
            **self._encryption(),
        }
        given: Any = {"QueueName": name, "Attributes": attributes, "tags": self._loan()}
        with unavailable_on_failure("SQS CreateQueue"):
            return self._client.create_queue(**given)["QueueUrl"]

    @cached_property
    def key(self) -> str | None:
        """The key that the stage's own queues are encrypted with, if it is not SQS's."""
        name: Any = "KmsMasterKeyId"
        with unavailable_on_failure("SQS GetQueueAttributes"):
            answer = self._client.get_queue_attributes(
                QueueUrl=self._orders_queue_url, AttributeNames=[name]
            )
        return answer.get("Attributes", {}).get(name)

    def _encryption(self) -> dict[str, str]:
        return {"KmsMasterKeyId": self.key} if self.key else {"SqsManagedSseEnabled": "true"}

    def renew(self, url: str) -> None:
        """Renew the loan of a queue."""
        with unavailable_on_failure("SQS TagQueue"):
            self._client.tag_queue(QueueUrl=url, Tags=self._loan())

    def _loan(self) -> dict[str, str]:
        return {LOAN_TAG: iso(self._clock() + LOAN)}

    def forgotten(self) -> list[str]:
        """Name the queues of this stage whose loan is over."""
        with unavailable_on_failure("SQS ListQueues"):
            answer = self._client.list_queues(QueueNamePrefix=self._prefix)
        urls = answer.get("QueueUrls", [])
        return [url.rsplit("/", 1)[1] for url in urls if self._is_over(url)]

    def _is_over(self, url: str) -> bool:
        # SQS lists a queue for up to a minute after it was deleted.
        with (
            unavailable_on_failure("SQS ListQueueTags"),
            suppress(self._client.exceptions.QueueDoesNotExist),
        ):
            tags = self._client.list_queue_tags(QueueUrl=url).get("Tags", {})
            # Another's queue has no such tag.
            return LOAN_TAG in tags and tags[LOAN_TAG] < iso(self._clock())
        return False

    def remove(self, name: str) -> None:
        """Delete the queue of this name, if there is one."""
        gone = self._client.exceptions.QueueDoesNotExist
        with unavailable_on_failure("SQS DeleteQueue"), suppress(gone):
            url = self._client.get_queue_url(QueueName=name)["QueueUrl"]
            self._client.delete_queue(QueueUrl=url)

    def receive(self, url: str, wait_seconds: int) -> list[str]:
        """Take at most ten messages off a queue: their bodies."""
        with unavailable_on_failure("SQS ReceiveMessage"):
            answer = self._client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=MESSAGES_PER_CALL,
                WaitTimeSeconds=wait_seconds,
            )
        messages = answer.get("Messages", [])
        if messages:
            self._delete(url, [message["ReceiptHandle"] for message in messages])
        return [message["Body"] for message in messages]

    def _delete(self, url: str, handles: list[str]) -> None:
        entries: Any = [
            {"Id": str(place), "ReceiptHandle": handle} for place, handle in enumerate(handles)
        ]
        with unavailable_on_failure("SQS DeleteMessageBatch"):
            # One that is not deleted comes again: events may.
            self._client.delete_message_batch(QueueUrl=url, Entries=entries)


def _policy(name: str, source: EventSource) -> dict[str, Any]:
    queue = source.queue_arn(name)
    return {
        "Version": "2012-10-17",
        "Statement": [
            refusing_plain_http("sqs", queue),
            {
                "Sid": "TakeEvents",
                "Effect": "Allow",
                "Principal": {"Service": source.service},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {"ArnEquals": {"aws:SourceArn": source.sender(name)}},
            },
        ],
    }
