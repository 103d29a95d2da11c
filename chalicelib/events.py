"""
Events: what is told to others once an order is accepted.

They come from the table's stream, so there is one for each accepted record that is written, and
none for what was not. The stream is read at least once: an event may come again, under the same id.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from chalicelib.record_items import from_item
from chalicelib.submissions import Record, Status, iso

ACCEPTED_TYPE = "orders.order.accepted"
# What EventBridge and SNS take in one call.
EVENTS_PER_CALL = 10

CloudEvent = Mapping[str, Any]


class Publisher(Protocol):
    """What events need of a bus or a topic."""

    def publish(self, events: Sequence[CloudEvent]) -> None: ...


class Events:
    """Publishes what the table's stream says."""

    def __init__(self, publisher: Publisher, source: str) -> None:
        self._publisher = publisher
        self._source = source

    def publish(self, changes: Sequence[Mapping[str, Any]]) -> int:
        """
        Publish an event for each accepted record among the changes, in their order; how many.

        Raises:
            StoreUnavailable: some may be published; try all again.
        """
        events = [cloud_event(record, self._source) for record in _accepted(changes)]
        for start in range(0, len(events), EVENTS_PER_CALL):
            self._publisher.publish(events[start : start + EVENTS_PER_CALL])
        return len(events)


def cloud_event(record: Record, source: str) -> CloudEvent:
    """
    The event of an accepted record, as CloudEvents 1.0 has it.

    It says where the order is, not what is in it: whoever may know that, may read the archive.
    """
    return {
        "specversion": "1.0",
        # The whole identity: the same submission id with another body is another submission.
        "id": f"{record.submission_id}.{record.payload_sha256}",
        "source": source,
        "type": ACCEPTED_TYPE,
        "time": iso(record.processed_at),
        "subject": record.order_id,
        "datacontenttype": "application/json",
        "data": {
            "orderId": record.order_id,
            "recordId": record.record_id,
            "submissionId": record.submission_id,
            "payloadSha256": record.payload_sha256,
            "s3Key": record.s3_key,
            "channel": record.channel,
        },
    }


def _accepted(changes: Sequence[Mapping[str, Any]]) -> Iterator[Record]:
    for change in changes:
        image = change["dynamodb"].get("NewImage", {})
        # The table holds the operators' audit trail too, and an operator may remove an item.
        if change["eventName"] == "INSERT" and image.get("status") == {"S": Status.ACCEPTED.value}:
            yield from_item(image)
