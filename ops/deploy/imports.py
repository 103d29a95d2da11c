"""Imports into a stack: the resources that can be there without it, and the template for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# For each type that can be there without its stack: the property that names it.
NAME_PROPERTIES = {
    "AWS::SQS::Queue": "QueueName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::DynamoDB::Table": "TableName",
    # A function that runs without the resources stack makes its own.
    "AWS::Logs::LogGroup": "LogGroupName",
}


def importable_names(template: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """
    Map logical ids to the names of resources that can be there without their stack.

    `values` are the parameters and pseudo parameters that names are made of.
    """
    return {
        logical_id: _resolved(resource["Properties"][NAME_PROPERTIES[resource["Type"]]], values)
        for logical_id, resource in template["Resources"].items()
        if "DeletionPolicy" in resource and resource["Type"] in NAME_PROPERTIES
    }


def only(template: Mapping[str, Any], logical_ids: Iterable[str]) -> str:
    """
    Reduce a template to these resources, without outputs, as an import wants it.

    Properties that speak of a resource left out are left out too: an import changes nothing, and
    the update after it puts them right.
    """
    kept = set(logical_ids)
    gone = template["Resources"].keys() - kept
    resources = {
        logical_id: {
            **resource,
            "Properties": {
                name: value
                for name, value in resource["Properties"].items()
                if not _mentions(value, gone)
            },
        }
        for logical_id, resource in template["Resources"].items()
        if logical_id in kept
    }
    rest = {name: value for name, value in template.items() if name != "Outputs"}
    return json.dumps({**rest, "Resources": resources}, default=str)


def _mentions(value: Any, logical_ids: Iterable[str]) -> bool:
    text = json.dumps(value, default=str)
    marks = ('"{}"', "${{{}}}", "${{{}.")
    return any(mark.format(name) in text for name in logical_ids for mark in marks)


def _resolved(name: Any, values: Mapping[str, str]) -> str:
    text: str = name["Fn::Sub"] if isinstance(name, dict) else name
    for key, value in values.items():
        text = text.replace(f"${{{key}}}", value)
    return text
