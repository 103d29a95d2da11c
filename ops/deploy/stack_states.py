"""The states of a stack, and how it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.deploy.problems import code_of, message_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

# A stack in one of these can't be updated, only deleted: it never came up, or did not go down.
DEAD_ENDS = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
SUCCESSES = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}


def find_stack(client: CloudFormationClient, name: str) -> StackTypeDef | None:
    """Find a stack as it is, None if there is none by that name."""
    try:
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if code_of(error) == "ValidationError" and "does not exist" in message_of(error):
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def is_new(stack: StackTypeDef) -> bool:
    """Tell whether a stack only waits for its first change set to be carried out."""
    return stack["StackStatus"] == "REVIEW_IN_PROGRESS"


def is_at_work(stack: StackTypeDef) -> bool:
    """Tell whether an operation on a stack has not ended yet."""
    return stack["StackStatus"].endswith("_IN_PROGRESS") and not is_new(stack)
