"""
Rights: those that a call of AWS needs, and those that a policy grants.

By the Service Authorization Reference.
"""

import fnmatch
import re
from typing import Any, NamedTuple

import pytest

from chalicelib.aws.key_store import KEY_PREFIX
from ops.audit_keys import PREFIX as AUDIT_PREFIX
from tests.fake_lambda import function_of

REGION = "us-east-1"
ACCOUNT = f"{REGION}:000000000000"
NOT = "!"


class Grant(NamedTuple):
    """
    An action on a resource: one that is needed, or, with wildcards, one that is granted.

    `leading_key`: the partition key of the item; `!` before a pattern says which it is not for.
    `function`: the ARN of the function of an event source mapping.
    """

    action: str
    resource: str
    leading_key: str = "*"
    function: str = "*"

    def covers(self, needed: "Grant") -> bool:
        return (
            self.action == needed.action
            and fnmatch.fnmatchcase(needed.resource, self.resource)
            and self._takes(needed.leading_key)
            and fnmatch.fnmatchcase(needed.function, self.function)
        )

    def _takes(self, leading_key: str) -> bool:
        if self.leading_key.startswith(NOT):
            return not fnmatch.fnmatchcase(leading_key, self.leading_key.removeprefix(NOT))
        return fnmatch.fnmatchcase(leading_key, self.leading_key)


# IAM's names for calls that it names otherwise.
ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sns:PublishBatch": "sns:Publish",
    "dynamodb:BatchExecuteStatement": "dynamodb:PartiQLInsert",
}
OF_A_VERSION = {"s3:GetObject", "s3:DeleteObject"}
KEY_ITEM = f"{KEY_PREFIX}some"
AUDIT_ITEM = f"{AUDIT_PREFIX}2026-11-26"
# There is only this kind of statement.
INSERT = re.compile(r'INSERT INTO "([^"]+)" VALUE ')


def queue(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:sqs:{account}:{name}"


def needed_for(
    service: str, operation: str, parameters: dict[str, Any], account: str = ACCOUNT
) -> Grant:
    """Name the permission that a call takes."""
    action = ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
    match service:
        case "sqs":
            name = parameters.get("QueueName") or parameters["QueueUrl"].rsplit("/", 1)[1]
            resource = queue(name, account)
        case "s3":
            key = f"/{parameters['Key']}" if "Key" in parameters else ""
            resource = f"arn:aws:s3:::{parameters['Bucket']}{key}"
            if "VersionId" in parameters and action in OF_A_VERSION:
                action += "Version"
        case "dynamodb":
            index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
            resource = f"arn:aws:dynamodb:{account}:table/{table_of(parameters)}{index}"
        case "events":
            bus = parameters["Entries"][0]["EventBusName"]
            resource = f"arn:aws:events:{account}:event-bus/{bus}"
        case "sns":
            resource = parameters["TopicArn"]
        case "kms":
            resource = parameters["KeyId"]
        case "lambda" if "UUID" in parameters:
            mapping = parameters["UUID"]
            function = f"arn:aws:lambda:{account}:function:{function_of(mapping)}"
            resource = f"arn:aws:lambda:{account}:event-source-mapping:{mapping}"
            return Grant(action, resource, function=function)
        case "cloudwatch" | "lambda":
            resource = "*"
        case other:
            pytest.fail(f"No policy is made for {other}: {operation}")
    return Grant(action, resource, leading_key_of(parameters))


def leading_key_of(parameters: dict[str, Any]) -> str:
    """Name the kind of item that is read or put: one that is no order's by its prefix."""
    queried = parameters.get("ExpressionAttributeValues", {}).get(":id", {})
    item = parameters.get("Item") or parameters.get("Key") or {"orderId": queried}
    # A key of S3 is a text.
    order_id = item.get("orderId", {}).get("S", "") if isinstance(item, dict) else ""
    kinds = {KEY_PREFIX: KEY_ITEM, AUDIT_PREFIX: AUDIT_ITEM}
    return next((item for prefix, item in kinds.items() if order_id.startswith(prefix)), "order")


def table_of(parameters: dict[str, Any]) -> str:
    """Name the table of a call; a batch names it in each of its statements, or its keys."""
    if "RequestItems" in parameters:
        (table,) = parameters["RequestItems"]
        return str(table)
    if "Statements" not in parameters:
        return str(parameters["TableName"])
    tables = {INSERT.match(each["Statement"]) for each in parameters["Statements"]}
    (named,) = {match and match[1] for match in tables}
    assert named
    return named


def grants_of(statements: list[dict[str, Any]]) -> set[Grant]:
    """List what the statements of a policy grant."""
    return {
        Grant(action, resource, key, function)
        for statement in statements
        for resource in statement["Resource"]
        for action in statement["Action"]
        if is_of_its_service(action, resource)
        for key in leading_keys(statement)
        for function in functions(statement)
    }


def functions(statement: dict[str, Any]) -> list[str]:
    """Read of which functions the event source mappings are that a statement is for."""
    arns: list[str] = (
        statement.get("Condition", {}).get("ArnLike", {}).get("lambda:FunctionArn", [])
    )
    return arns or ["*"]


def is_of_its_service(action: str, resource: str) -> bool:
    """Tell whether an action can be done on a resource: on another service's it does nothing."""
    return resource == "*" or resource.split(":")[2] == action.partition(":")[0]


def leading_keys(statement: dict[str, Any]) -> list[str]:
    """Read the patterns of the partition keys that a statement is for, or is not for."""
    condition = statement.get("Condition", {})
    only, but = (
        condition.get(f"ForAllValues:{operator}", {}).get("dynamodb:LeadingKeys", [])
        for operator in ("StringLike", "StringNotLike")
    )
    # Several that it is not for would have to hold at once.
    assert len(but) <= 1
    return [*only, *(f"{NOT}{pattern}" for pattern in but)] or ["*"]
