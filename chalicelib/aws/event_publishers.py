"""Publishers of events: an EventBridge bus or an SNS topic, as a stage is set up."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from chalicelib.aws.failures import raise_if_refused, raise_if_unanswered, unavailable_on_failure
from chalicelib.services.events import CloudEvent


class EventPublisher(ABC):
    """Publishes events by one call."""

    operation: ClassVar[str]

    def __init__(self, client: Any, target: str) -> None:
        self._client = client
        self._target = target

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """
        Publish at most 10 events.

        Raises:
            StoreUnavailable: at least one was not taken.
        """
        with unavailable_on_failure(self.operation):
            refused, taken = self._publish(events)
        raise_if_refused(self.operation, refused)
        raise_if_unanswered(self.operation, len(events), taken)

    @abstractmethod
    def _publish(self, events: Sequence[CloudEvent]) -> tuple[set[str], int]:
        """Make the call: the codes of the events that were refused, and how many were taken."""


class EventBus(EventPublisher):
    """An EventBridge bus. The CloudEvent is the `detail`; rules can match all of it."""

    operation = "EventBridge PutEvents"

    def _publish(self, events: Sequence[CloudEvent]) -> tuple[set[str], int]:
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._target,
                    "Source": event["source"],
                    "DetailType": event["type"],
                    "Time": event["time"],
                    "Detail": json.dumps(event),
                }
                for event in events
            ]
        )
        entries = answer["Entries"]
        refused = {entry["ErrorCode"] for entry in entries if "ErrorCode" in entry}
        return refused, sum("EventId" in entry for entry in entries)


class Topic(EventPublisher):
    """An SNS topic. The CloudEvent is the message; its type is an attribute, to filter by."""

    operation = "SNS PublishBatch"

    def _publish(self, events: Sequence[CloudEvent]) -> tuple[set[str], int]:
        answer = self._client.publish_batch(
            TopicArn=self._target,
            PublishBatchRequestEntries=[
                {
                    "Id": str(position),
                    "Message": json.dumps(event),
                    "MessageAttributes": {
                        "type": {"DataType": "String", "StringValue": event["type"]}
                    },
                }
                for position, event in enumerate(events)
            ],
        )
        refused = {entry["Code"] for entry in answer.get("Failed", [])}
        return refused, len(answer.get("Successful", []))
