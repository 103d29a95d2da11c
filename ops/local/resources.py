"""The resources stack: queues, bucket, table and alarms, from the template of every deployment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.settings import ACCEPTED_ONLY, NO_EVENTS
from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE
from ops.stack_outputs import outputs_of
from ops.stage_names import LOCAL_STAGE, resources_stack_name
from ops.templates import (
    EMULATOR_PARAMETERS,
    MAX_RECEIVE_COUNT,
    VISIBILITY_TIMEOUT,
    default_visibility_timeout_seconds,
    load_template,
)

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef

TEMPLATE = PROJECT_ROOT / RESOURCES_TEMPLATE
READY_LIMIT_SECONDS = 60.0
# A stack in one of these is as its template says.
UNCHANGED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
NOTHING_TO_CHANGE = "No updates are to be performed"


class ResourcesFailed(Exception):
    """The stack could not be created or updated; the message has CloudFormation's reasons."""


def create_resources(
    cloudformation: CloudFormationClient,
    visibility_timeout_seconds: int | None = None,
    events: str = NO_EVENTS,
    max_receive_count: int | None = None,
    events_of: str = ACCEPTED_ONLY,
) -> dict[str, str]:
    """
    Create the stack for stage `local`, or update the one that was kept; return its outputs.

    An update that would replace a queue, the bucket or the table is refused, as by AWS: they have
    names of their own.

    Raises:
        ResourcesFailed: with the reason of each resource that failed.
    """
    name = resources_stack_name(LOCAL_STAGE)
    wanted: Any = {
        "StackName": name,
        "TemplateBody": TEMPLATE.read_text(encoding="utf-8"),
        "Parameters": _parameters(visibility_timeout_seconds, events, max_receive_count, events_of),
    }
    try:
        cloudformation.create_stack(**wanted, OnFailure="DO_NOTHING")
        successes = {"CREATE_COMPLETE"}
    except cloudformation.exceptions.AlreadyExistsException:
        is_changed = _update(cloudformation, wanted)
        successes = {"UPDATE_COMPLETE"} if is_changed else UNCHANGED
    stack = _wait_until_settled(cloudformation, name)
    if stack["StackStatus"] not in successes:
        raise ResourcesFailed(_explanation(cloudformation, name, stack))
    return outputs_of(stack)


def _update(cloudformation: CloudFormationClient, wanted: Any) -> bool:
    """Begin to update the stack; False: there is nothing to change."""
    try:
        cloudformation.update_stack(**wanted)
    except ClientError as error:
        reason = error.response["Error"].get("Message", "")
        if NOTHING_TO_CHANGE in reason:
            return False
        raise ResourcesFailed(
            f"Stack {wanted['StackName']} can't be updated to {RESOURCES_TEMPLATE}: {reason}"
        ) from error
    return True


def template_visibility_timeout_seconds() -> int:
    """Return the visibility timeout that the queue has if none is given."""
    return default_visibility_timeout_seconds(load_template(TEMPLATE.read_text(encoding="utf-8")))


def _parameters(
    visibility_timeout_seconds: int | None,
    events: str,
    max_receive_count: int | None,
    events_of: str,
) -> list[ParameterTypeDef]:
    values = {"Stage": LOCAL_STAGE, **EMULATOR_PARAMETERS}
    if events != NO_EVENTS:
        values |= {"Events": events, "EventsOf": events_of}
    if visibility_timeout_seconds is not None:
        values[VISIBILITY_TIMEOUT] = str(visibility_timeout_seconds)
    if max_receive_count is not None:
        values[MAX_RECEIVE_COUNT] = str(max_receive_count)
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def _wait_until_settled(cloudformation: CloudFormationClient, name: str) -> StackTypeDef:
    # The client's own waiter asks every 30 s; the emulator is done within one.
    deadline = time.monotonic() + READY_LIMIT_SECONDS
    while (stack := _describe(cloudformation, name))["StackStatus"].endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise ResourcesFailed(
                f"Stack {name} is still {stack['StackStatus']} after {READY_LIMIT_SECONDS:g} s."
            )
        time.sleep(0.05)
    return stack


def _describe(cloudformation: CloudFormationClient, name: str) -> StackTypeDef:
    return cloudformation.describe_stacks(StackName=name)["Stacks"][0]


def _explanation(cloudformation: CloudFormationClient, name: str, stack: StackTypeDef) -> str:
    events = cloudformation.describe_stack_events(StackName=name).get("StackEvents", [])
    reasons = [
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for event in reversed(events)
        if event.get("ResourceStatus", "").endswith("_FAILED")
    ]
    head = f"Stack {name} from {RESOURCES_TEMPLATE} ended as {stack['StackStatus']}"
    return "\n".join([f"{head}: {stack.get('StackStatusReason', '')}".rstrip(": "), *reasons])
