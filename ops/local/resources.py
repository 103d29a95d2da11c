"""The resources stack: queues, bucket, table and alarms, from the template of every deployment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from ops.local.clients import cloudformation_client
from ops.local.environment import PROJECT_ROOT

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackTypeDef

TEMPLATE = PROJECT_ROOT / "infrastructure" / "resources.yaml"
LOCAL_STAGE = "local"
READY_LIMIT_SECONDS = 60.0
# Whoever types a command is waiting for it; the stack itself is described in milliseconds.
ANSWER_LIMIT_SECONDS = 5.0


class ResourcesFailed(Exception):
    """The stack could not be created; the message has CloudFormation's reasons."""


class NotRunning(Exception):
    """There is no local stage: the message says why and what to do, without its full stop."""


def stack_name(stage: str) -> str:
    """The stack that holds a stage's data."""
    return f"orders-resources-{stage}"


def create_resources(
    cloudformation: CloudFormationClient, visibility_timeout_seconds: int | None = None
) -> dict[str, str]:
    """
    Create the stack for stage `local`, wait for it, and return its outputs.

    Raises:
        ResourcesFailed: with the reason of each resource that failed.
    """
    name = stack_name(LOCAL_STAGE)
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=TEMPLATE.read_text(),
        Parameters=_parameters(visibility_timeout_seconds),
        OnFailure="DO_NOTHING",
    )
    stack = _wait_until_created(cloudformation, name)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise ResourcesFailed(_explanation(cloudformation, name, stack))
    return outputs_of(stack)


def find_resources(cloudformation: CloudFormationClient) -> dict[str, str]:
    """The outputs of the stack that a running `make run` has created."""
    return outputs_of(_describe(cloudformation, stack_name(LOCAL_STAGE)))


def running_resources(aws_url: str) -> dict[str, str]:
    """
    The same, for whoever comes from outside and does not know whether anything runs.

    Raises:
        NotRunning: there is no local stage at this address.
    """
    try:
        return find_resources(cloudformation_client(aws_url, ANSWER_LIMIT_SECONDS))
    except EndpointConnectionError as error:
        raise NotRunning(
            f"Nothing runs at {aws_url}: start the local stage with `make run`"
        ) from error
    except (ReadTimeoutError, ConnectTimeoutError) as error:
        raise NotRunning(
            f"{aws_url} does not answer within {ANSWER_LIMIT_SECONDS:g} s: try again, or stop what "
            "is there and start the local stage with `make run`"
        ) from error
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        raise NotRunning(
            f"There is no local stage at {aws_url}: start it with `make run`"
        ) from error


def outputs_of(stack: StackTypeDef) -> dict[str, str]:
    """The outputs by their names."""
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _parameters(visibility_timeout_seconds: int | None) -> list[ParameterTypeDef]:
    values = {"Stage": LOCAL_STAGE}
    if visibility_timeout_seconds is not None:
        values["VisibilityTimeoutSeconds"] = str(visibility_timeout_seconds)
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def _wait_until_created(cloudformation: CloudFormationClient, name: str) -> StackTypeDef:
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
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    reasons = [
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for event in reversed(events)
        if event.get("ResourceStatus", "").endswith("_FAILED")
    ]
    head = f"Stack {name} from {TEMPLATE.relative_to(PROJECT_ROOT)} ended as {stack['StackStatus']}"
    return "\n".join([f"{head}: {stack.get('StackStatusReason', '')}".rstrip(": "), *reasons])
