"""
Events: others hear of each order that is accepted.

They come from the table's stream, so there is one for each accepted record that is written, and no
other. The stream is read at least once: an event may come again, under the same id.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chalicelib.orders.record import Record
from chalicelib.orders.times import iso
from chalicelib.orders.traceparent import TRACEPARENT

ACCEPTED_TYPE = "orders.order.accepted"
# EventBridge and SNS take no more in one call.
EVENTS_PER_CALL = 10

CloudEvent = Mapping[str, Any]


class Publisher(Protocol):
    """A bus or a topic, as far as events need it."""

    def publish(self, events: Sequence[CloudEvent]) -> None: ...


class Events:
    """Publishes accepted records."""

    def __init__(self, publisher: Publisher, source: str) -> None:
        self._publisher = publisher
        self._source = source

    def publish(self, accepted: Sequence[Record]) -> int:
        """
        Publish an event for each accepted record, in their order; how many.

        Raises:
            StoreUnavailable: some may be published; try all again.
        """
        events = [cloud_event(record, self._source) for record in accepted]
        for start in range(0, len(events), EVENTS_PER_CALL):
            self._publisher.publish(events[start : start + EVENTS_PER_CALL])
        return len(events)


def cloud_event(record: Record, source: str) -> CloudEvent:
    """
    Make the event of an accepted record, as CloudEvents 1.0 has it.

    It says where the order is, not what is in it: a consumer with the right may read the archive.
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
        # As CloudEvents' extension for distributed tracing has it.
        **({TRACEPARENT: record.traceparent} if record.traceparent else {}),
        "data": {
            "orderId": record.order_id,
            "recordId": record.record_id,
            "submissionId": record.submission_id,
            "payloadSha256": record.payload_sha256,
            "s3Key": record.s3_key,
            "channel": record.terms.channel,
        },
    }
