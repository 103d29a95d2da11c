"""The queue that orders wait on, and its dead-letter queue."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.aws.failures import raise_if_refused, raise_if_unanswered, unavailable_on_failure
from chalicelib.services.message import Message
from chalicelib.services.message_attributes import Attributes, is_binary, packed, string_attribute
from chalicelib.services.outgoing import Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

VISIBLE: "QueueAttributeNameType" = "ApproximateNumberOfMessages"
HIDDEN: "QueueAttributeNameType" = "ApproximateNumberOfMessagesNotVisible"
DELETE_BATCH_SIZE = 10


class OrderQueue:
    """
    The orders' queue and its dead-letter queue.

    It asks for its client at each call, so that none is made before one is needed: the processor
    needs one only when something goes wrong.
    """

    def __init__(
        self, client: "Callable[[], SQSClient]", queue_url: str, dead_letter_queue_url: str
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._dead_letter_queue_url = dead_letter_queue_url

    def send(self, payload: str, attributes: Mapping[str, str | None]) -> None:
        """
        Put an order on the queue. Attributes that are None are left out.

        Raises:
            StoreUnavailable: it may or may not be on the queue.
        """
        with unavailable_on_failure("SQS SendMessage"):
            self._client().send_message(
                QueueUrl=self._queue_url,
                MessageBody=payload,
                MessageAttributes=_strings(attributes),
            )

    def send_batch(self, messages: Sequence[Outgoing]) -> list[str | None]:
        """
        Put orders on the queue by one call: what failed of each; None is a confirmed one.

        The messages fit into one call (`services/outgoing.py`). SQS may take some, refuse others,
        and answer for none: what it doesn't name is unconfirmed.

        Raises:
            StoreUnavailable: any of them may or may not be on the queue.
        """
        with unavailable_on_failure("SQS SendMessageBatch"):
            answer = self._client().send_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {
                        "Id": str(index),
                        "MessageBody": message.payload,
                        "MessageAttributes": _strings(message.attributes),
                    }
                    for index, message in enumerate(messages)
                ],
            )
        failures: dict[str, str | None] = {
            each["Id"]: None for each in answer.get("Successful", [])
        }
        failures |= {each["Id"]: _failure(each) for each in answer.get("Failed", [])}
        unanswered = "SQS SendMessageBatch: no answer for this entry"
        return [failures.get(str(index), unanswered) for index in range(len(messages))]

    def send_to_dead_letters(self, message: Message, attributes: Mapping[str, str]) -> None:
        """
        Put a message on the dead-letter queue as it is, with attributes of ours beside its own.

        All of its own are kept, but those that have a name of ours.

        Raises:
            StoreUnavailable: it may or may not be there; leave it on the queue.
        """
        with unavailable_on_failure("SQS SendMessage to the dead-letter queue"):
            self._client().send_message(
                QueueUrl=self._dead_letter_queue_url,
                MessageBody=message.body,
                MessageAttributes=sendable(
                    {
                        **message.message_attributes,
                        **{name: string_attribute(value) for name, value in attributes.items()},
                    }
                ),
            )

    def delete(self, messages: Sequence[Message]) -> None:
        """
        Take messages that are done with off the queue.

        Raises:
            StoreUnavailable: some may still be there; delivered again, they change nothing.
        """
        for start in range(0, len(messages), DELETE_BATCH_SIZE):
            batch = messages[start : start + DELETE_BATCH_SIZE]
            with unavailable_on_failure("SQS DeleteMessageBatch"):
                answer = self._client().delete_message_batch(
                    QueueUrl=self._queue_url,
                    Entries=[
                        {"Id": str(index), "ReceiptHandle": message.receipt_handle}
                        for index, message in enumerate(batch)
                    ],
                )
            failed = answer.get("Failed", [])
            raise_if_refused("SQS DeleteMessageBatch", {entry["Code"] for entry in failed})
            deleted = answer.get("Successful", [])
            raise_if_unanswered("SQS DeleteMessageBatch", len(batch), len(deleted))

    def waiting(self) -> int:
        """
        Count, approximately, the messages that wait on the queue and are with no one.

        Raises:
            StoreUnavailable: the queue can't be reached, or isn't there.
        """
        return self._count(self._queue_url, VISIBLE)

    def dead_letters_waiting(self) -> int:
        """
        Count, approximately, the messages on the dead-letter queue: those that are hidden too.

        Someone who looks at letters hides them, and so does a command that was killed.

        Raises:
            StoreUnavailable: the queue can't be reached, or isn't there.
        """
        return self._count(self._dead_letter_queue_url, VISIBLE, HIDDEN)

    def _count(self, queue_url: str, *names: "QueueAttributeNameType") -> int:
        with unavailable_on_failure("SQS GetQueueAttributes"):
            answer = self._client().get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)


def _strings(attributes: Mapping[str, str | None]) -> Any:
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in attributes.items()
        if value is not None
    }


def _failure(entry: Any) -> str:
    """Name the failure of an entry. SQS says whether the sender is at fault, or SQS is."""
    fault = "the sender's fault" if entry.get("SenderFault") else "SQS's fault"
    return f"SQS SendMessageBatch: {entry['Code']}, {fault}"


def sendable(attributes: Attributes) -> dict[str, Any]:
    """Turn a message's attributes into SendMessage's form: at most ten of them."""
    return {name: _sendable(attribute) for name, attribute in packed(attributes).items()}


def _sendable(attribute: Mapping[str, Any]) -> dict[str, Any]:
    if is_binary(attribute):
        value = base64.b64decode(attribute["binaryValue"])
        return {"DataType": attribute["dataType"], "BinaryValue": value}
    return {"DataType": attribute["dataType"], "StringValue": attribute["stringValue"]}
