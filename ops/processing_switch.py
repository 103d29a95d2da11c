"""
The switch between the orders' queue and the processor.

On AWS it is `Enabled` of the event source mapping that feeds the stage's processor. The local stage
has no mapping: its worker looks at a tag of the queue.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.services.unavailable import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sqs import SQSClient

OFF = {"Disabled", "Disabling"}
# Lambda takes a minute at most to turn a mapping off.
SETTLE_LIMIT_SECONDS = 180.0
LOOK_SECONDS = 2.0
PAUSED_TAG = {"processing": "paused"}
# The local worker's polls that are under way last a second, and it looks twice a second.
LOCAL_SETTLE_SECONDS = 2.0


class SwitchMissing(Exception):
    """Nothing feeds the processor, or more than one thing does: the message says what to do."""


class Position(NamedTuple):
    """The switch's position, and how many batches of what size are processed at once."""

    is_on: bool
    batch_size: int | None = None
    maximum_concurrency: int | None = None


class Switch(Protocol):
    """A switch of either kind."""

    def position(self) -> Position: ...
    def turn(self, *, on: bool, maximum_concurrency: int | None = None) -> None: ...


class MappingSwitch:
    """The event source mapping of the orders' queue. Other mappings of the function stay."""

    def __init__(
        self,
        client: Any,
        function: str,
        queue_arn: Callable[[], str],
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._function = function
        self._queue_arn = queue_arn
        self._sleep = sleep
        self._clock = clock

    def position(self) -> Position:
        """
        Read the position. A mapping that is being turned off counts as off.

        Raises:
            SwitchMissing: nothing feeds the processor from the queue.
            StoreUnavailable: Lambda did not say.
        """
        found = self._find()
        return Position(
            found["State"] not in OFF,
            found.get("BatchSize"),
            found.get("ScalingConfig", {}).get("MaximumConcurrency"),
        )

    def turn(self, *, on: bool, maximum_concurrency: int | None = None) -> None:
        """
        Turn it, and wait until it is turned.

        Raises:
            SwitchMissing: nothing feeds the processor from the queue.
            StoreUnavailable: it may or may not be turned, or is not turned yet.
        """
        changes: dict[str, Any] = {"Enabled": on}
        if maximum_concurrency is not None:
            changes["ScalingConfig"] = {"MaximumConcurrency": maximum_concurrency}
        identity = self._find()["UUID"]
        with unavailable_on_failure("Lambda UpdateEventSourceMapping"):
            self._client.update_event_source_mapping(UUID=identity, **changes)
        self._wait("Enabled" if on else "Disabled")

    def _wait(self, wanted: str) -> None:
        deadline = self._clock() + SETTLE_LIMIT_SECONDS
        while (state := self._find()["State"]) != wanted:
            if self._clock() > deadline:
                raise StoreUnavailable(
                    f"Lambda UpdateEventSourceMapping: it is {state}, and not yet {wanted}"
                )
            self._sleep(LOOK_SECONDS)

    def _find(self) -> dict[str, Any]:
        queue_arn = self._queue_arn()
        with unavailable_on_failure("Lambda ListEventSourceMappings"):
            answer = self._client.list_event_source_mappings(
                FunctionName=self._function, EventSourceArn=queue_arn
            )
        found: list[dict[str, Any]] = answer.get("EventSourceMappings", [])
        if len(found) != 1:
            many = "Nothing feeds" if not found else f"{len(found)} mappings feed"
            raise SwitchMissing(f"{many} {self._function} from {queue_arn}.")
        return found[0]


def queue_arn(client: SQSClient, queue_url: str) -> str:
    """
    Name a queue as Lambda does.

    Raises:
        StoreUnavailable: SQS did not say.
    """
    with unavailable_on_failure("SQS GetQueueAttributes"):
        answer = client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


class WorkerSwitch:
    """The tag of the local queue that the worker of `make run` looks at."""

    def __init__(
        self, client: SQSClient, queue_url: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._sleep = sleep

    def position(self) -> Position:
        """Read the position: whether or not a worker is running."""
        with unavailable_on_failure("SQS ListQueueTags"):
            tags = self._client.list_queue_tags(QueueUrl=self._queue_url).get("Tags", {})
        return Position(not PAUSED_TAG.items() <= tags.items())

    def turn(self, *, on: bool, maximum_concurrency: int | None = None) -> None:
        """Turn it, and wait until the worker has seen it. It has a concurrency of its own."""
        _ = maximum_concurrency
        if on:
            with unavailable_on_failure("SQS UntagQueue"):
                self._client.untag_queue(QueueUrl=self._queue_url, TagKeys=list(PAUSED_TAG))
            return
        with unavailable_on_failure("SQS TagQueue"):
            self._client.tag_queue(QueueUrl=self._queue_url, Tags=PAUSED_TAG)
        self._sleep(LOCAL_SETTLE_SECONDS)
