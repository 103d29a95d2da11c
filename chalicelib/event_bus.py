"""Where events go to, if a stage has a bus: EventBridge."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.unavailable import raise_if_refused, unavailable_on_failure


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
        raise_if_refused("EventBridge PutEvents", codes)
