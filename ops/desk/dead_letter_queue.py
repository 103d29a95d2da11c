"""The dead-letter queue, as operators use it: received, returned, sent on, deleted."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.sqs import sendable
from chalicelib.services.message import Message
from chalicelib.services.unavailable import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_sqs import SQSClient

    from chalicelib.services.message_attributes import Attributes

BATCH_SIZE = 10
FIRST_RECEIVED = "ApproximateFirstReceiveTimestamp"


@dataclass(frozen=True, slots=True)
class Received:
    """A message that was received from the dead-letter queue."""

    message: Message
    first_received_at: datetime | None = None


class DeadLetterQueue:
    """The dead-letter queue, and the queue that its messages are sent back to."""

    def __init__(self, client: SQSClient, queue_url: str, dead_letter_queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url
        self._dead_letter_queue_url = dead_letter_queue_url

    def receive(self, visibility_seconds: int, wait_seconds: int) -> list[Received]:
        """Receive at most ten messages, which no one else receives for the given time."""
        with unavailable_on_failure("SQS ReceiveMessage from the dead-letter queue"):
            answer = self._client.receive_message(
                QueueUrl=self._dead_letter_queue_url,
                MaxNumberOfMessages=BATCH_SIZE,
                VisibilityTimeout=visibility_seconds,
                WaitTimeSeconds=wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        return [_received(message) for message in answer.get("Messages", [])]

    def release(self, messages: Sequence[Message]) -> None:
        """Make received messages visible again at once."""
        for start in range(0, len(messages), BATCH_SIZE):
            entries: Any = [
                {"Id": str(index), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": 0}
                for index, message in enumerate(messages[start : start + BATCH_SIZE])
            ]
            with unavailable_on_failure("SQS ChangeMessageVisibilityBatch"):
                # One that failed was taken, or is visible already: there is nothing to do for it.
                self._client.change_message_visibility_batch(
                    QueueUrl=self._dead_letter_queue_url, Entries=entries
                )

    def send_back(self, message: Message, attributes: Attributes) -> None:
        """
        Put a message's body on the orders' queue, with these attributes in Lambda's form.

        Raises:
            StoreUnavailable: it may or may not be there; or it is too large, and is not there.
        """
        given = sendable(attributes)
        with unavailable_on_failure("SQS SendMessage"):
            try:
                self._client.send_message(
                    QueueUrl=self._queue_url, MessageBody=message.body, MessageAttributes=given
                )
            except ClientError as error:
                self._explain_if_too_large(size_of(message.body, given), error)
                raise

    def _explain_if_too_large(self, size: int, error: ClientError) -> None:
        """SQS gives one code for all that it refuses."""
        most = int(self._attributes(self._queue_url)["MaximumMessageSize"])
        if size > most:
            raise StoreUnavailable(
                f"it has {size:,} bytes with its attributes, which count too (its submission's id "
                f"and time are added), and the orders' queue takes {most:,}: it stays where it is; "
                "its order can be handed in anew"
            ) from error

    def delete(self, message: Message) -> None:
        """Take a message off the dead-letter queue."""
        with unavailable_on_failure("SQS DeleteMessage from the dead-letter queue"):
            self._client.delete_message(
                QueueUrl=self._dead_letter_queue_url, ReceiptHandle=message.receipt_handle
            )

    def depths(self) -> dict[str, int]:
        """Count the messages of both queues, about: visible, and with a consumer just now."""
        queue, dead_letters = (
            self._attributes(url) for url in (self._queue_url, self._dead_letter_queue_url)
        )
        return {
            "queue": queue["ApproximateNumberOfMessages"],
            "inFlight": queue["ApproximateNumberOfMessagesNotVisible"],
            "deadLetters": dead_letters["ApproximateNumberOfMessages"],
            "deadLettersHidden": dead_letters["ApproximateNumberOfMessagesNotVisible"],
        }

    def _attributes(self, queue_url: str) -> dict[str, int]:
        with unavailable_on_failure("SQS GetQueueAttributes"):
            answer = self._client.get_queue_attributes(
                QueueUrl=queue_url,
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "MaximumMessageSize",
                ],
            )
        return {name: int(value) for name, value in answer["Attributes"].items()}


def size_of(body: str, attributes: Mapping[str, Any]) -> int:
    """
    Count the bytes of a message as SQS does: its body, and each attribute's name, type and value.

    (Its developer guide, "Amazon SQS message quotas".)
    """
    size = len(body.encode())
    for name, attribute in attributes.items():
        value = attribute.get("BinaryValue") or attribute.get("StringValue", "").encode()
        size += len(name.encode()) + len(attribute["DataType"].encode()) + len(value)
    return size


def _received(message: Any) -> Received:
    """Form a message as Lambda delivers it: the processor's own reading serves here too."""
    system = message.get("Attributes", {})
    first = system.get(FIRST_RECEIVED)
    delivered = Message.from_record(
        {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": system,
            "messageAttributes": {
                name: _delivered(value)
                for name, value in message.get("MessageAttributes", {}).items()
            },
        }
    )
    return Received(delivered, datetime.fromtimestamp(int(first) / 1000, UTC) if first else None)


def _delivered(value: Mapping[str, Any]) -> dict[str, Any]:
    if "BinaryValue" in value:
        text = base64.b64encode(value["BinaryValue"]).decode("ascii")
        return {"dataType": value["DataType"], "binaryValue": text}
    return {"dataType": value["DataType"], "stringValue": value["StringValue"]}
