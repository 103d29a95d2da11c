"""
Events: others hear of each order that is accepted; on a stage that wants it, of every verdict.

They come from the table's stream, so there is one for each record that is written, and no other.
The stream is read at least once: an event may come again, under the same id.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chalicelib.orders.record import Record, Status
from chalicelib.orders.times import iso
from chalicelib.orders.traceparent import TRACEPARENT

# EventBridge and SNS take no more in one call.
EVENTS_PER_CALL = 10

CloudEvent = Mapping[str, Any]


class Publisher(Protocol):
    """A bus or a topic, as far as events need it."""

    def publish(self, events: Sequence[CloudEvent]) -> None: ...


class Events:
    """Publishes records. `told` are the verdicts of which others are to hear."""

    def __init__(self, publisher: Publisher, source: str, told: Sequence[Status]) -> None:
        self._publisher = publisher
        self._source = source
        self.told = told

    def publish(self, records: Sequence[Record]) -> int:
        """
        Publish an event for each record, in their order; how many.

        Raises:
            StoreUnavailable: some may be published; try all again.
        """
        events = [cloud_event(record, self._source) for record in records]
        for start in range(0, len(events), EVENTS_PER_CALL):
            self._publisher.publish(events[start : start + EVENTS_PER_CALL])
        return len(events)


def event_type(status: Status) -> str:
    """Name the type of the events of a verdict."""
    return f"orders.order.{status.value.lower()}"


def cloud_event(record: Record, source: str) -> CloudEvent:
    """
    Make the event of a record, as CloudEvents 1.0 has it.

    It says where the order is and what became of it, not what is in it: a consumer with the right
    may read the archive.
    """
    return {
        "specversion": "1.0",
        # The whole identity: the same submission id with another body is another submission.
        "id": f"{record.submission_id}.{record.payload_sha256}",
        "source": source,
        "type": event_type(record.status),
        "time": iso(record.processed_at),
        "subject": record.order_id,
        "datacontenttype": "application/json",
        # As CloudEvents' extension for distributed tracing has it.
        **({TRACEPARENT: record.traceparent} if record.traceparent else {}),
        "data": _data(record),
    }


def _data(record: Record) -> dict[str, Any]:
    data: dict[str, Any] = {
        "orderId": record.order_id,
        "recordId": record.record_id,
        "submissionId": record.submission_id,
        "payloadSha256": record.payload_sha256,
    }
    if record.s3_key:
        data["s3Key"] = record.s3_key
    data["channel"] = record.terms.channel
    if record.status is Status.REJECTED:
        # Without their sentences, whose parameters quote the order.
        data["errors"] = [{"field": error.field, "code": error.code} for error in record.errors]
    if record.status is Status.DUPLICATE:
        # The names of the terms, not their values.
        data["differs"] = list(record.differs)
    return data
