"""
Items as DynamoDB sends them, without botocore's own reading.

It saves 60% of the time to seal a day (docs/decisions/0024): botocore walks through each attribute
of each item by its model, and makes the same maps, lists and texts of them. Only values of bytes
are others then, and no item of ours has any.
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FIRST_ERROR = 300


def leave_items_raw(client: "DynamoDBClient") -> None:
    """Let a client's queries answer with items as they came. Others may use the client too."""
    events: Any = client.meta.events
    events.register("before-parse.dynamodb.Query", _take_items, unique_id="raw-items")


def _take_items(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Take the items out of an answer before botocore reads it, and put them beside the rest."""
    if response_dict["status_code"] >= FIRST_ERROR:
        return
    try:
        answer = json.loads(response_dict["body"])
        items = answer.pop("Items")
    # It is no answer of DynamoDB's, which botocore says.
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return
    response_dict["body"] = json.dumps(answer).encode()
    customized_response_dict["Items"] = items
