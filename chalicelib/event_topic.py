"""Where events go to, if a stage has a topic: SNS."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.unavailable import raise_if_refused, unavailable_on_failure


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
        raise_if_refused("SNS PublishBatch", {entry["Code"] for entry in answer["Failed"]})
