"""
The attributes of a message, fitted into the ten that SQS carries.

A sender may have used all ten, and a dead letter or a redrive adds some of ours. Those that do not
fit go into one attribute, as JSON, and whoever reads the message gets them back as they were.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from chalicelib.orders.order import NOT_SENDABLE

MOST_ATTRIBUTES = 10
"""SQS refuses a message with more (its developer guide, "Amazon SQS message quotas")."""
OTHER_ATTRIBUTES = "otherMessageAttributes"
"""The attribute that holds those that do not fit."""
REASON_ATTRIBUTES = ("unreadableReason", "unreadableDetail", "unreadableAt", "originalMessageId")
"""The processor adds these when it gives up on a message: stale once it is sent again."""
SUBMISSION_ATTRIBUTES = ("submissionId", "receivedAt", "channel", "submittedBy", "requestId")
"""The processor reads these: they decide which submission a message is, and what is recorded."""
OURS = frozenset({*REASON_ATTRIBUTES, *SUBMISSION_ATTRIBUTES})
# Names, types and numbers that SQS takes (its developer guide, "Amazon SQS message metadata").
NAME = re.compile(r"(?!(?i:aws|amazon)\.)(?=.{1,256}\Z)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
DATA_TYPE = re.compile(r"(?=.{1,256}\Z)(String|Number|Binary)(\..+)?", re.DOTALL)
# Two runs of digits never meet in the pattern: the time of a match would grow with their square.
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")

Attributes = Mapping[str, Mapping[str, Any]]
"""Attributes by name, each in the form in which Lambda delivers it."""


def packed(attributes: Attributes) -> Attributes:
    """
    Fit attributes into ten, so that `unpacked` gives them back.

    Ours stay attributes, and then the largest: JSON makes one up to twice as large (quotes and
    backslashes). So what a queue of 327,680 bytes took fits into a dead-letter queue of 1,048,576.
    """
    if len(attributes) <= MOST_ATTRIBUTES and OTHER_ATTRIBUTES not in attributes:
        return attributes
    ours = attributes.keys() & OURS
    theirs = sorted(
        attributes.keys() - ours - {OTHER_ATTRIBUTES},
        key=lambda name: (-len(_written({name: attributes[name]})), name),
    )
    fitting = ours.union(theirs[: MOST_ATTRIBUTES - 1 - len(ours)])
    rest = _written({name: attributes[name] for name in attributes.keys() - fitting})
    return {
        **{name: value for name, value in attributes.items() if name in fitting},
        OTHER_ATTRIBUTES: string_attribute(rest),
    }


def unpacked(attributes: Attributes) -> Attributes:
    """Give attributes back as they were before `packed`; others stay as they are."""
    others = attributes.get(OTHER_ATTRIBUTES, {})
    rest = _read(others.get("stringValue", "")) if others.get("dataType") == "String" else {}
    if not rest:
        return attributes
    # An attribute that stands by itself is the message's own, whatever the JSON says.
    return {
        **rest,
        **{name: value for name, value in attributes.items() if name != OTHER_ATTRIBUTES},
    }


def string_attribute(value: str) -> Mapping[str, str]:
    """Make an attribute of text."""
    return {"dataType": "String", "stringValue": value}


def is_binary(attribute: Mapping[str, Any]) -> bool:
    """Say whether an attribute's value is binary: then it is base64, under `binaryValue`."""
    binary: bool = attribute["dataType"].startswith("Binary")
    return binary


def _written(attributes: Attributes) -> str:
    essence = {name: _essence(value) for name, value in attributes.items()}
    # Characters as they are: SQS has carried them before, and an escape takes up to six bytes.
    return json.dumps(essence, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _essence(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the two lists that SQS reserves for later."""
    value = "binaryValue" if is_binary(attribute) else "stringValue"
    return {"dataType": attribute["dataType"], value: attribute[value]}


def _read(text: str) -> Attributes:
    """
    Read what `packed` wrote. Any other text gives nothing: a sender may use the name too.

    It may even write the same. So one of ours, which is never packed, can't come out of it, and
    nothing comes out that SQS would refuse: that message could never be passed on.
    """
    try:
        attributes: Attributes = json.loads(text)
        for name, attribute in attributes.items():
            _check(name, attribute)
        is_ours = _written(attributes) == text
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return {}
    return attributes if is_ours else {}


def _check(name: str, attribute: Mapping[str, Any]) -> None:
    """
    Check that SQS carries an attribute, and that it is not one of ours.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: it is otherwise.
    """
    data_type = attribute["dataType"]
    value = attribute["binaryValue" if is_binary(attribute) else "stringValue"]
    is_carried = NAME.fullmatch(name) and DATA_TYPE.fullmatch(data_type) and _is_value(attribute)
    if not is_carried or name in OURS or NOT_SENDABLE.search(data_type + value):
        raise ValueError(name)


def _is_value(attribute: Mapping[str, Any]) -> bool:
    """Say whether a value is one of its type: SQS takes no empty one."""
    if is_binary(attribute):
        return bool(base64.b64decode(attribute["binaryValue"], validate=True))
    text = attribute["stringValue"]
    return bool(NUMBER.fullmatch(text) if attribute["dataType"].startswith("Number") else text)
