"""Where events go to: an EventBridge bus, or an SNS topic."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.unavailable import StoreUnavailable, unavailable_on_failure


class EventBus:
    """An EventBridge bus. The CloudEvent is the `detail`; rules can match all of it."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """
        Publish at most 10 events.

        Raises:
            StoreUnavailable: at least one was not taken.
        """
        with unavailable_on_failure("EventBridge PutEvents"):
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._name,
                        "Source": event["source"],
                        "DetailType": event["type"],
                        "Time": event["time"],
                        "Detail": json.dumps(event),
                    }
                    for event in events
                ]
            )
        codes = {entry["ErrorCode"] for entry in answer["Entries"] if "ErrorCode" in entry}
        _raise_if_refused("EventBridge PutEvents", codes)


class Topic:
    """An SNS topic. The CloudEvent is the message; its type is an attribute, to filter by."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        """
        Publish at most 10 events.

        Raises:
            StoreUnavailable: at least one was not taken.
        """
        with unavailable_on_failure("SNS PublishBatch"):
            answer = self._client.publish_batch(
                TopicArn=self._arn,
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
        _raise_if_refused("SNS PublishBatch", {entry["Code"] for entry in answer["Failed"]})


def _raise_if_refused(operation: str, codes: set[str]) -> None:
    if codes:
        raise StoreUnavailable(f"{operation}: {', '.join(sorted(codes))}")
