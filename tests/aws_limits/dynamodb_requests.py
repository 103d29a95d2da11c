"""DynamoDB's requests: the items, keys, values and statements that one holds."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.aws_limits.dynamodb_values import Item, Value, nested
from tests.aws_limits.rule import Call, read_once

INSERT = re.compile(
    r'\s*INSERT\s+INTO\s+"?([\w.-]+)"?\s+VALUE\s*\{(.*)\}', re.IGNORECASE | re.DOTALL
)
PARAMETER = re.compile(r"'([^']+)'\s*:\s*\?")
# A comparison of a condition on keys, or one of its two functions of values.
COMPARED = re.compile(
    r"([\w#]+)\s*(?:=|<=|<|>=|>|BETWEEN)\s*(:\w+)(?:\s+AND\s+(:\w+))?", re.IGNORECASE
)
BEGINS_WITH = re.compile(r"begins_with\s*\(\s*([\w#]+)\s*,\s*(:\w+)", re.IGNORECASE)


class Located(NamedTuple):
    """An item or a key, with the table that it is of."""

    table: str
    item: Item


def statements_of(call: Call) -> Sequence[Mapping[str, Any]]:
    """List the PartiQL statements of a call."""
    statements: Sequence[Mapping[str, Any]] = call.parameters.get("Statements", [])
    return statements


def reads(statement: Mapping[str, Any]) -> bool:
    return str(statement.get("Statement", "")).lstrip()[:6].upper() == "SELECT"


@read_once
def written_items(call: Call) -> Iterator[Located]:
    """Yield the items that a call puts."""
    parameters = call.parameters
    if "Item" in parameters:
        yield Located(parameters.get("TableName", ""), parameters["Item"])
    for statement in statements_of(call):
        yield from _inserted(statement)


def _inserted(statement: Mapping[str, Any]) -> Iterator[Located]:
    insert = INSERT.match(str(statement.get("Statement", "")))
    if insert:
        names = PARAMETER.findall(insert[2])
        yield Located(insert[1], dict(zip(names, statement.get("Parameters", ()), strict=False)))


@read_once
def keys_of(call: Call) -> Iterator[Located]:
    """Yield the keys of single items that a call names."""
    parameters = call.parameters
    if "Key" in parameters:
        yield Located(parameters.get("TableName", ""), parameters["Key"])
    for table, request in parameters.get("RequestItems", {}).items():
        for key in request.get("Keys", ()):
            yield Located(table, key)


@read_once
def values_of(call: Call) -> Iterator[tuple[Value, int]]:
    """Yield every attribute value of a call, and all within it, with its depth."""
    for value in _outer_values(call):
        yield from nested(value)


def _outer_values(call: Call) -> Iterator[Value]:
    for _, item in (*written_items(call), *keys_of(call)):
        yield from item.values()
    for name in ("ExpressionAttributeValues", "ExclusiveStartKey"):
        yield from (call.parameters.get(name) or {}).values()
    for statement in statements_of(call):
        if not INSERT.match(str(statement.get("Statement", ""))):
            yield from statement.get("Parameters") or ()


def compared_keys(call: Call) -> Iterator[tuple[str, str, Value]]:
    """Yield the attribute, placeholder and value of each comparison of a condition on keys."""
    condition = call.parameters.get("KeyConditionExpression", "")
    names = call.parameters.get("ExpressionAttributeNames") or {}
    values = call.parameters.get("ExpressionAttributeValues") or {}
    for name, *placeholders in (*COMPARED.findall(condition), *BEGINS_WITH.findall(condition)):
        for placeholder in filter(None, placeholders):
            if placeholder in values:
                yield names.get(name, name), placeholder, values[placeholder]
