"""CloudFormation stacks: change sets made, shown, carried out and waited for."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from ops.deployment.problems import (
    DeploymentInterrupted,
    DeploymentProblem,
    code_of,
    message_of,
)
from ops.local.resources import outputs_of
from ops.local.supervisor import StopRequested

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import ChangeSetTypeType
    from mypy_boto3_cloudformation.type_defs import (
        ResourceToImportTypeDef,
        StackEventTypeDef,
        StackTypeDef,
    )

# Changes that take from a second to many minutes: looked at often first, then less.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 3.0
# CloudFormation's limit of a template in the request itself.
LARGEST_TEMPLATE_BYTES = 51_200
# A stack in one of these can't be updated, only deleted: it never came up, or did not go down.
DEAD_ENDS = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
SUCCESSES = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "DELETE_COMPLETE"}
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
# What CloudFormation says of resources that it gave up on because another failed.
NO_REASON = "no reason given"
FOLLOWED = ("Resource creation cancelled", "Resource update cancelled")


@dataclass(frozen=True)
class Change:
    """What will become of one resource."""

    action: str
    logical_id: str
    type: str
    physical_id: str
    replacement: str

    @property
    def replaces(self) -> bool:
        return self.action == "Modify" and self.replacement in {"True", "Conditional"}

    @property
    def ends_the_resource(self) -> bool:
        """Whether what is there now is not what will be used afterwards."""
        return self.action == "Remove" or self.replaces


@dataclass(frozen=True)
class ChangeSet:
    """Changes that CloudFormation has worked out, and that wait to be carried out."""

    id: str
    stack: str
    type: ChangeSetTypeType
    changes: Sequence[Change]


@dataclass(frozen=True)
class Wanted:
    """What a stack should be."""

    name: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[Any] = ()
    template_url: str | None = None


class Watcher(Protocol):
    """Who hears of what happens; see presentation.py."""

    def say(self, text: str) -> None: ...

    def event(self, event: StackEventTypeDef) -> None: ...


class Stacks:
    """The stacks of an account, one operation at a time."""

    def __init__(
        self,
        client: CloudFormationClient,
        watcher: Watcher,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._watcher = watcher
        self._sleep = sleep

    def find(self, name: str) -> StackTypeDef | None:
        """The stack as it is, None if there is none by that name."""
        try:
            stack = self._client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if _says_there_is_none(error):
                return None
            raise
        return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack

    def settle(self, name: str) -> StackTypeDef | None:
        """Wait for an operation in progress, whoever began it: the stack afterwards."""
        while (stack := self.find(name)) is not None:
            status = stack["StackStatus"]
            # REVIEW_IN_PROGRESS only waits for its first change set to be carried out.
            if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                return stack
            self._watcher.say(
                f"Stack {name} is {status}: another deployment, or one that was interrupted. "
                "Waiting for its end; Ctrl-C stops the waiting only."
            )
            self._wait(stack["StackId"], self._last_event(stack["StackId"]), begun=False)
        return None

    def make_ready(self, name: str) -> ChangeSetTypeType:
        """
        Bring a stack to where it can be changed, and say whether it is to be created or updated.

        Waits for an operation in progress. A stack that never came up is deleted, which deletes no
        data: whatever holds some is retained. A rollback that got stuck is continued.

        Raises:
            DeploymentProblem: it stays in a state that nothing can be done with.
        """
        tried: set[str] = set()
        while (stack := self.settle(name)) is not None:
            status = stack["StackStatus"]
            if status in tried:
                raise _stuck(stack)
            tried.add(status)
            if status == "REVIEW_IN_PROGRESS":
                return "CREATE"
            if status in DEAD_ENDS:
                self._watcher.say(
                    f"Stack {name} is {status}, which can only be deleted: deleting it. What holds "
                    "data is retained."
                )
                self._start_deleting(stack)
            elif status == "UPDATE_ROLLBACK_FAILED":
                self._watcher.say(f"Stack {name} is {status}: continuing the rollback.")
                seen = self._last_event(stack["StackId"])
                self._client.continue_update_rollback(StackName=name)
                self._wait(stack["StackId"], seen)
            else:
                return "UPDATE"
        return "CREATE"

    def plan(
        self,
        wanted: Wanted,
        kind: ChangeSetTypeType,
        imports: Sequence[ResourceToImportTypeDef] = (),
    ) -> ChangeSet | None:
        """
        Let CloudFormation work out what would change; None: nothing would.

        Raises:
            DeploymentProblem: CloudFormation refuses the template or its parameters.
        """
        arguments: dict[str, Any] = {
            "StackName": wanted.name,
            "ChangeSetName": f"ops-{uuid.uuid4().hex[:12]}",
            "ChangeSetType": kind,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in wanted.parameters.items()
            ],
            "Capabilities": list(wanted.capabilities),
        }
        if wanted.template_url:
            arguments["TemplateURL"] = wanted.template_url
        else:
            arguments["TemplateBody"] = wanted.template
        # An import may change nothing but what it imports, tags included.
        if kind == "IMPORT":
            arguments["ResourcesToImport"] = list(imports)
        else:
            arguments["Tags"] = [{"Key": key, "Value": text} for key, text in wanted.tags.items()]
        try:
            answer = self._client.create_change_set(**arguments)
        except ClientError as error:
            if code_of(error) != "ValidationError":
                raise
            raise DeploymentProblem(
                f"CloudFormation refuses the template of {wanted.name}: {message_of(error)}\n"
                "Mend it, and run the command again."
            ) from error
        return self._worked_out(answer["Id"], wanted.name, kind)

    def carry_out(self, change_set: ChangeSet) -> StackTypeDef:
        """
        Carry the changes out, and wait until they are done.

        Raises:
            DeploymentProblem: they failed; with the reason of each resource.
            DeploymentInterrupted: the user stopped waiting.
        """
        stack = self._client.describe_stacks(StackName=change_set.stack)["Stacks"][0]
        seen = self._last_event(stack["StackId"])
        arguments: dict[str, Any] = {"ChangeSetName": change_set.id}
        if change_set.type != "IMPORT":
            # If it fails, what it made itself goes again: there is no data in it yet.
            arguments["RetainExceptOnCreate"] = True
        self._client.execute_change_set(**arguments)
        after, events = self._wait(stack["StackId"], seen)
        if after["StackStatus"] not in SUCCESSES:
            raise self._failure(after, events)
        return after

    def discard(self, change_set: ChangeSet) -> None:
        """Forget changes that are not to be carried out, and the stack that only waits for them."""
        self._client.delete_change_set(ChangeSetName=change_set.id)
        self._forget_empty(change_set.stack)

    def delete(self, name: str) -> bool:
        """
        Delete a stack and wait until it is gone; False: there was none.

        Raises:
            DeploymentProblem: something of it could not be deleted.
            DeploymentInterrupted: the user stopped waiting.
        """
        stack = self.settle(name)
        if stack is None:
            return False
        after, events = self._start_deleting(stack)
        if after["StackStatus"] != "DELETE_COMPLETE":
            raise self._failure(after, events)
        return True

    def outputs(self, name: str) -> dict[str, str]:
        """The outputs of a stack by their names; none if there is no stack."""
        stack = self.find(name)
        return outputs_of(stack) if stack else {}

    def _failure(
        self, stack: StackTypeDef, events: Sequence[StackEventTypeDef]
    ) -> DeploymentProblem:
        reasons = self._refused_beforehand(StackName=stack["StackId"], because=_reasons(events))
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
        return DeploymentProblem("\n".join([head, *why, _advice(why) + then]))

    def _refused_beforehand(self, because: str, **of: Any) -> list[str]:
        """
        The reasons of a validation that failed before anything was begun.

        The events of a stack only point to them.
        """
        if "DescribeEvents" not in because:
            return []
        try:
            events = self._client.describe_events(**of)["OperationEvents"]
        except ClientError:
            # A right of its own. Without it there is still the sentence that points here.
            return []
        return [
            f"  {event['LogicalResourceId']}: {event.get('ValidationStatusReason', NO_REASON)}"
            for event in events
            if event["OperationId"] == events[0]["OperationId"]
            and event.get("ValidationStatus") == "FAILED"
        ]

    def _forget_empty(self, name: str) -> None:
        """A change set for a new stack makes that stack at once, with nothing in it."""
        stack = self.find(name)
        if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
            self._client.delete_stack(StackName=stack["StackId"])

    def _worked_out(
        self, change_set_id: str, stack: str, kind: ChangeSetTypeType
    ) -> ChangeSet | None:
        for pause in _pauses():
            answer = self._client.describe_change_set(ChangeSetName=change_set_id)
            if answer["Status"] == "CREATE_COMPLETE":
                break
            if answer["Status"] == "FAILED":
                reason = answer.get("StatusReason") or NO_REASON
                details = self._refused_beforehand(ChangeSetName=change_set_id, because=reason)
                self._client.delete_change_set(ChangeSetName=change_set_id)
                self._forget_empty(stack)
                if any(words in reason for words in NO_CHANGES):
                    return None
                raise DeploymentProblem(
                    "\n".join(
                        [
                            f"CloudFormation can't work out the changes of {stack}: {reason}",
                            *details,
                            f"{_advice([reason, *details])}Mend that, and run the command again.",
                        ]
                    )
                )
            self._sleep(pause)
        if answer["ExecutionStatus"] != "AVAILABLE":
            raise DeploymentProblem(
                f"The changes of {stack} can't be carried out ({answer['ExecutionStatus']}): "
                f"{answer.get('StatusReason') or NO_REASON}\nMend that, and run the "
                "command again."
            )
        return ChangeSet(change_set_id, stack, kind, list(self._changes(answer)))

    def _changes(self, page: Any) -> Iterator[Change]:
        while True:
            for entry in page["Changes"]:
                change = entry["ResourceChange"]
                yield Change(
                    change["Action"],
                    change["LogicalResourceId"],
                    change["ResourceType"],
                    change.get("PhysicalResourceId", ""),
                    change.get("Replacement", ""),
                )
            if not page.get("NextToken"):
                return
            page = self._client.describe_change_set(
                ChangeSetName=page["ChangeSetId"], NextToken=page["NextToken"]
            )

    def _start_deleting(
        self, stack: StackTypeDef
    ) -> tuple[StackTypeDef, Sequence[StackEventTypeDef]]:
        seen = self._last_event(stack["StackId"])
        self._client.delete_stack(StackName=stack["StackId"])
        return self._wait(stack["StackId"], seen)

    def _wait(
        self, stack_id: str, seen: str | None, *, begun: bool = True
    ) -> tuple[StackTypeDef, Sequence[StackEventTypeDef]]:
        """
        Until the operation has ended: the stack then, and the events since `seen`.

        `begun`: the operation was asked for just now, so the stack may not show it yet.
        """
        events: list[StackEventTypeDef] = []
        try:
            for pause in _pauses():
                # The stack first: once it has ended, no event comes after those that follow.
                stack = self._client.describe_stacks(StackName=stack_id)["Stacks"][0]
                for event in self._events_since(stack_id, seen):
                    seen = event["EventId"]
                    events.append(event)
                    self._watcher.event(event)
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

    def _events_since(self, stack_id: str, seen: str | None) -> list[StackEventTypeDef]:
        """Oldest first. They come newest first, page by page, with the whole past behind them."""
        new: list[StackEventTypeDef] = []
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        for page in pages:
            for event in page["StackEvents"]:
                if event["EventId"] == seen:
                    return new[::-1]
                new.append(event)
        return new[::-1]

    def _last_event(self, stack_id: str) -> str | None:
        events = self._client.describe_stack_events(StackName=stack_id)["StackEvents"]
        return events[0]["EventId"] if events else None


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _says_there_is_none(error: ClientError) -> bool:
    return code_of(error) == "ValidationError" and "does not exist" in message_of(error)


def _stuck(stack: StackTypeDef) -> DeploymentProblem:
    name, status = stack["StackName"], stack["StackStatus"]
    reason = stack.get("StackStatusReason") or NO_REASON
    return DeploymentProblem(
        f"Stack {name} stays {status}: {reason}\nIts events in the CloudFormation console name the "
        "resource that is in the way. Mend that, and run the command again."
    )


def _reason(event: StackEventTypeDef) -> str:
    return event.get("ResourceStatusReason") or NO_REASON


def _reasons(events: Sequence[StackEventTypeDef]) -> str:
    return "\n".join(_reason(event) for event in events)


def _advice(reasons: Sequence[str]) -> str:
    taken = any("already exist" in reason for reason in reasons)
    return "A name is taken: see docs/deploying.md#a-name-is-taken. " if taken else ""
