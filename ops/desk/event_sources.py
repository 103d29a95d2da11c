"""A stage's bus or topic, as far as a queue is put behind it and taken away again."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from chalicelib.aws.failures import raise_if_refused, unavailable_on_failure
from chalicelib.settings import NO_EVENTS, EventSettings, SettingsError
from ops.desk.pages import each_page
from ops.desk.stage import StageUnavailable
from ops.local_stage import start_command
from ops.next_command import make_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.desk.stage import Stage

TARGET_ID = "tail"
# All that is on the bus, whoever has put it there: a pattern can't be empty.
EVERYTHING = json.dumps({"source": [{"prefix": ""}]})


class EventSource(ABC):
    """The bus or the topic that a stage's events go to."""

    service: ClassVar[str]
    """The principal by which it sends to a queue."""
    link: ClassVar[str]
    """The word for what ties a queue to it."""

    def __init__(self, client: Any, target: str) -> None:
        self._client = client
        self.target = target

    @property
    @abstractmethod
    def arn(self) -> str:
        """The ARN of the bus or the topic."""

    @abstractmethod
    def sender(self, name: str) -> str:
        """Name the ARN by which the queue of this name knows that an event comes from here."""

    @abstractmethod
    def attach(self, name: str) -> None:
        """Let the queue of this name have each event from now on."""

    @abstractmethod
    def detach(self, name: str) -> None:
        """Undo `attach`. Safe to repeat, and where it was not done."""

    @abstractmethod
    def event_of(self, envelope: Mapping[str, Any]) -> Any:
        """Take the event out of what it comes in."""

    def queue_arn(self, name: str) -> str:
        """Name the ARN of a queue of the same account and region."""
        _, partition, _, region, account, _ = self.arn.split(":", 5)
        return f"arn:{partition}:sqs:{region}:{account}:{name}"

    def heard(self, body: str) -> dict[str, Any]:
        """Read the event of a message. What is no JSON object becomes one, under `message`."""
        with suppress(ValueError, RecursionError, TypeError, KeyError):
            event = self.event_of(json.loads(body))
            if isinstance(event, dict):
                return event
        return {"message": body}


class Bus(EventSource):
    """An EventBridge bus: a rule of the queue's name sends each event to it."""

    service = "events.amazonaws.com"
    link = "rule"

    @cached_property
    def arn(self) -> str:
        with unavailable_on_failure("EventBridge DescribeEventBus"):
            return str(self._client.describe_event_bus(Name=self.target)["Arn"])

    def sender(self, name: str) -> str:
        return f"{self.arn.replace(':event-bus/', ':rule/', 1)}/{name}"

    def attach(self, name: str) -> None:
        bus = {"EventBusName": self.target}
        with unavailable_on_failure("EventBridge PutRule"):
            self._client.put_rule(Name=name, EventPattern=EVERYTHING, **bus)
        target = {"Id": TARGET_ID, "Arn": self.queue_arn(name)}
        with unavailable_on_failure("EventBridge PutTargets"):
            answer = self._client.put_targets(Rule=name, Targets=[target], **bus)
        failed = answer.get("FailedEntries", [])
        raise_if_refused("EventBridge PutTargets", {each["ErrorCode"] for each in failed})

    def detach(self, name: str) -> None:
        bus = {"EventBusName": self.target}
        gone = self._client.exceptions.ResourceNotFoundException
        with unavailable_on_failure("EventBridge RemoveTargets"), suppress(gone):
            self._client.remove_targets(Rule=name, Ids=[TARGET_ID], **bus)
        with unavailable_on_failure("EventBridge DeleteRule"), suppress(gone):
            self._client.delete_rule(Name=name, **bus)

    def event_of(self, envelope: Mapping[str, Any]) -> Any:
        return envelope["detail"]


class Topic(EventSource):
    """An SNS topic: a subscription sends each event to the queue."""

    service = "sns.amazonaws.com"
    link = "subscription"

    def __init__(self, client: Any, target: str) -> None:
        super().__init__(client, target)
        # A new one may not be listed at once.
        self._made: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return self.target

    def sender(self, name: str) -> str:  # noqa: ARG002 (all its queues know it by the same)
        return self.target

    def attach(self, name: str) -> None:
        with unavailable_on_failure("SNS Subscribe"):
            answer = self._client.subscribe(
                TopicArn=self.target, Protocol="sqs", Endpoint=self.queue_arn(name)
            )
        self._made[name] = answer["SubscriptionArn"]

    def detach(self, name: str) -> None:
        subscriptions = set(self._subscriptions_of(self.queue_arn(name)))
        if name in self._made:
            subscriptions.add(self._made.pop(name))
        for subscription in subscriptions:
            with unavailable_on_failure("SNS Unsubscribe"):
                self._client.unsubscribe(SubscriptionArn=subscription)

    def _subscriptions_of(self, queue_arn: str) -> list[str]:
        pages = self._client.get_paginator("list_subscriptions_by_topic").paginate(
            TopicArn=self.target
        )
        return [
            each["SubscriptionArn"]
            for page in each_page(pages, "SNS ListSubscriptionsByTopic")
            for each in page.get("Subscriptions", [])
            if each["Endpoint"] == queue_arn
        ]

    def event_of(self, envelope: Mapping[str, Any]) -> Any:
        return json.loads(envelope["Message"])


def events_of(stage: Stage) -> EventSource:
    """
    Find where a stage's events go.

    Raises:
        StageUnavailable: the stage publishes none.
    """
    if stage.environment.get("ORDERS_EVENTS", NO_EVENTS) == NO_EVENTS:
        raise StageUnavailable(
            f"Stage {stage.name} publishes no events. To turn them on, {_how_to_turn_on(stage)}"
        )
    try:
        settings = EventSettings.from_env(stage.environment)
    except SettingsError as error:
        raise StageUnavailable(f"Stage {stage.name}: {error}.") from error
    if settings.to_topic:
        return Topic(stage.sns, settings.target)
    return Bus(stage.events, settings.target)


def _how_to_turn_on(stage: Stage) -> str:
    if stage.is_local:
        again = start_command(stage.endpoint_url or "", "--events eventbridge")
        return f"stop it, and type: {again}"
    return (
        'write "resource_parameters": {"Events": "eventbridge"} into the stage in '
        f".chalice/config.json, and type: {make_command('deploy', STAGE=stage.name)}"
    )
