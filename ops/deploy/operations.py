"""Operations of CloudFormation: watched until they end, and explained if they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from ops.deploy.problems import DeploymentInterrupted, DeploymentProblem
from ops.stop_signals import StopRequested

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

# Changes that take from a second to many minutes: looked at often first, then less.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 3.0
NO_REASON = "no reason given"
# Words of Lambda, API Gateway and IAM in a stack's events, to whoever comes second.
CHANGED_AT_ONCE = (
    "ResourceConflictException",
    "An update is in progress for resource",
    "TooManyRequestsException",
    "ConcurrentModification",
)
# CloudFormation gave up on these resources because another failed.
FOLLOWED = ("Resource creation cancelled", "Resource update cancelled")


class Watcher(Protocol):
    """A listener to a deployment's progress; see presentation.py."""

    def say(self, text: str) -> None: ...

    def show_event(self, event: StackEventTypeDef) -> None: ...


class Operations:
    """The operations on the stacks of an account."""

    def __init__(
        self, client: CloudFormationClient, watcher: Watcher, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._watcher = watcher
        self._sleep = sleep

    def wait(
        self, stack_id: str, seen: str | None, *, begun: bool = True
    ) -> tuple[StackTypeDef, Sequence[StackEventTypeDef]]:
        """
        Wait until the operation has ended. Return the stack then, and the events since `seen`.

        `begun`: the operation was asked for just now, so the stack may not show it yet.
        """
        events: list[StackEventTypeDef] = []
        try:
            for pause in pauses():
                # Read the stack first: once it has ended, the events read next are the last.
                stack = self._client.describe_stacks(StackName=stack_id)["Stacks"][0]
                for event in self._events_since(stack_id, seen):
                    seen = event["EventId"]
                    events.append(event)
                    self._watcher.show_event(event)
                if not stack["StackStatus"].endswith("_IN_PROGRESS") and (events or not begun):
                    break
                self._sleep(pause)
        except StopRequested as stop:
            name = stack_id.split("/")[1] if "/" in stack_id else stack_id
            raise DeploymentInterrupted(
                f"Stopped watching. CloudFormation goes on with stack {name} by itself: run the "
                "same command again, and it waits for the end and goes on from there."
            ) from stop
        return stack, events

    def last_event(self, stack_id: str) -> str | None:
        """Return the newest event of a stack, for `wait` to begin after."""
        events = self._client.describe_stack_events(StackName=stack_id).get("StackEvents")
        return events[0]["EventId"] if events else None

    def failure(
        self, stack: StackTypeDef, events: Sequence[StackEventTypeDef]
    ) -> DeploymentProblem:
        """Explain why an operation failed: the cause, not its consequences."""
        reasons = self.refused_beforehand(StackName=stack["StackId"], because=_reasons(events))
        if not reasons:
            reasons = [
                f"  {event['LogicalResourceId']}: {_reason(event)}"
                for event in events
                if event.get("ResourceStatus", "").endswith("_FAILED")
                and not _reason(event).startswith(FOLLOWED)
                and event["LogicalResourceId"] != stack["StackName"]
            ]
        head = f"Stack {stack['StackName']} ended as {stack['StackStatus']}:"
        why = reasons or [f"  {stack.get('StackStatusReason') or NO_REASON}"]
        then = "Mend the cause, and run the command again: it takes the stack from where it is now."
        return DeploymentProblem("\n".join([head, *why, advice_on(why) + then]))

    def refused_beforehand(self, because: str, **of: Any) -> list[str]:
        """
        List the reasons of a validation that failed before anything was begun.

        The events of a stack only point to them.
        """
        if "DescribeEvents" not in because:
            return []
        try:
            events = self._client.describe_events(**of).get("OperationEvents", [])
        except ClientError:
            # A right of its own. Without it there is still the sentence that points here.
            return []
        return [
            f"  {event['LogicalResourceId']}: {event.get('ValidationStatusReason', NO_REASON)}"
            for event in events
            if event["OperationId"] == events[0]["OperationId"]
            and event.get("ValidationStatus") == "FAILED"
        ]

    def _events_since(self, stack_id: str, seen: str | None) -> list[StackEventTypeDef]:
        """List new events, oldest first. AWS gives them newest first, and then the whole past."""
        new: list[StackEventTypeDef] = []
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        for page in pages:
            for event in page.get("StackEvents", []):
                if event["EventId"] == seen:
                    return new[::-1]
                new.append(event)
        return new[::-1]


def pauses() -> Iterator[float]:
    """Yield how long to wait before each next look."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def advice_on(reasons: Sequence[str]) -> str:
    """Say what to do about a known reason, or which page to read."""
    if any(words in reason for reason in reasons for words in CHANGED_AT_ONCE):
        return (
            "Something else changed the same at that time, such as `chalice deploy`: wait for its "
            "end. "
        )
    taken = any("already exist" in reason for reason in reasons)
    return "A name is taken: see docs/deploying.md#a-name-is-taken. " if taken else ""


def _reason(event: StackEventTypeDef) -> str:
    return event.get("ResourceStatusReason") or NO_REASON


def _reasons(events: Sequence[StackEventTypeDef]) -> str:
    return "\n".join(_reason(event) for event in events)
