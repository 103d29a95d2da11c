"""A message of the orders' queue, as the processor and the operators get it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from chalicelib.services.message_attributes import OTHER_ATTRIBUTES, Attributes, unpacked

# SQS returns these as text, and calls them by these names.
RECEIVE_COUNT = "ApproximateReceiveCount"
SENT_TIMESTAMP = "SentTimestamp"
# Who sent it, by IAM: a user's id, or a role's with a colon and its session. SQS says so, and no
# sender can ("ReceiveMessage" in the SQS API reference).
SENDER_ID = "SenderId"


class Message(NamedTuple):
    """An SQS message as Lambda delivers it."""

    message_id: str
    receipt_handle: str
    body: str
    receive_count: int = 1
    sent_at: datetime | None = None
    # As its sender gave them, so that a message can be passed on with all of them.
    message_attributes: Attributes = MappingProxyType({})
    sender_id: str | None = None

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read one of the `Records` of a Lambda event from SQS."""
        attributes = record.get("attributes", {})
        message_attributes = record.get("messageAttributes", {})
        if OTHER_ATTRIBUTES in message_attributes:
            message_attributes = unpacked(message_attributes)
        sent_ms = attributes.get(SENT_TIMESTAMP)
        return cls(
            message_id=record["messageId"],
            receipt_handle=record["receiptHandle"],
            body=record["body"],
            receive_count=int(attributes.get(RECEIVE_COUNT, 1)),
            sent_at=datetime.fromtimestamp(int(sent_ms) / 1000, UTC) if sent_ms else None,
            message_attributes=message_attributes,
            sender_id=attributes.get(SENDER_ID),
        )

    def attribute(self, name: str) -> str | None:
        """Return the value of a string attribute; None where there is none, or it is empty."""
        return self.message_attributes.get(name, {}).get("stringValue") or None
