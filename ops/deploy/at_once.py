"""
Two deployments of a stack at once: the second one learns that another was first.

CloudFormation takes one change of a stack at a time, and deletes the change sets that were made
before it (AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html). It refuses the second
deployment in other words at each step.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.deploy.problems import DeploymentProblem, code_of, message_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

REFUSALS = {
    "AlreadyExistsException",
    "ChangeSetNotFound",
    "ChangeSetNotFoundException",
    "InvalidChangeSetStatus",
    "InvalidChangeSetStatusException",
    "OperationInProgressException",
    "TokenAlreadyExistsException",
}
# A ValidationError may be anything else: these are of a stack that is not as it was.
WORDS = re.compile(
    r"is in [A-Z_]+ state and can ?not be|already exists and cannot be created again"
    r"|Stack .*does not exist|operation .*in progress",
    re.IGNORECASE,
)
MADE_BY = "Made by "


class AnotherDeployment(DeploymentProblem):
    """Another deployment of the same stack was first."""


@contextmanager
def learning_who_was_first(client: CloudFormationClient, stack: str) -> Iterator[None]:
    """
    Translate a refusal of AWS that comes of another deployment.

    Raises:
        AnotherDeployment: with what is known of the other one, and what to type.
    """
    try:
        yield
    except ClientError as error:
        if not comes_of_another(error):
            raise
        raise another_deployment(client, stack) from error


def comes_of_another(error: ClientError) -> bool:
    """Tell whether AWS refuses because of another deployment."""
    if code_of(error) == "ValidationError":
        return WORDS.search(message_of(error)) is not None
    return code_of(error) in REFUSALS


def another_deployment(client: CloudFormationClient, name: str) -> AnotherDeployment:
    """Say of another deployment when it began, who made it, and how far it is."""
    return AnotherDeployment(
        f"Another deployment of stack {name} was first: {_described(client, name)}. This one has "
        "changed nothing of the stack.\n"
        "Run the same command again: it waits for the end of the other one, shows what is still to "
        "change then, and goes on from there."
    )


def _described(client: CloudFormationClient, name: str) -> str:
    try:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError:
        return "the stack is gone"
    time = stack.get("LastUpdatedTime") or stack["CreationTime"]
    return f"it began at {time:%H:%M:%S %Z}{_maker_of(client, stack)} and is {stack['StackStatus']}"


def _maker_of(client: CloudFormationClient, stack: StackTypeDef) -> str:
    """Tell by whom: our change sets say it. Those of others may not, or may not be shown."""
    try:
        for change_set in _carried_out(client, stack):
            found = client.describe_change_set(ChangeSetName=change_set)
            description = found.get("Description", "")
            if description.startswith(MADE_BY):
                return f", by {description.removeprefix(MADE_BY)},"
    except ClientError:
        # These are rights of their own.
        pass
    return ""


def _carried_out(client: CloudFormationClient, stack: StackTypeDef) -> list[str]:
    if "ChangeSetId" in stack:
        return [stack["ChangeSetId"]]
    listed = client.list_change_sets(StackName=stack["StackName"]).get("Summaries", [])
    done = [each for each in listed if each["ExecutionStatus"].startswith("EXECUTE_")]
    return [each["ChangeSetId"] for each in reversed(done)]
