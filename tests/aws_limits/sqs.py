"""SQS: what it refuses of messages."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.aws_limits.messages import (
    Entry,
    attributes_of,
)
from tests.aws_limits.rule import Call, Check, Rule, first
from tests.aws_limits.sqs_batches import (
    BATCHES,
    GUIDE,
    MOST_BYTES,
    QUOTAS,
    REFERENCE,
    SENDING,
    entries_of,
    size_of,
)
from tests.aws_limits.sqs_batches import RULES as BATCH_RULES

METADATA = f"{GUIDE}/sqs-message-metadata.html"

MOST_ATTRIBUTES = 10
# No queue can be told to take less, so smaller messages fit into any.
LEAST_MAXIMUM_BYTES = 1_024
MOST_NAME_CHARACTERS = 256
NOT_ALLOWED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ATTRIBUTE_NAME = re.compile(r"(?!(?i:aws|amazon)\.)(?!\.)[A-Za-z0-9_.-]+(?<!\.)")
ATTRIBUTE_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
BOUNDS = {
    "DelaySeconds": (0, 900),
    "VisibilityTimeout": (0, 43_200),
    "WaitTimeSeconds": (0, 20),
    "MaxNumberOfMessages": (1, 10),
}

BOUNDED = (*SENDING, "sqs.ReceiveMessage", "sqs.ChangeMessageVisibility", BATCHES[-1])


def _of_each(problem: Callable[[Entry], str | None]) -> Check:
    """Check each message of a call by itself."""
    return lambda call: first(map(problem, entries_of(call)))


def _too_many_attributes(message: Entry) -> str | None:
    count = len(message.get("MessageAttributes") or {})
    return f"{count} attributes" if count > MOST_ATTRIBUTES else None


def _too_large(call: Call) -> str | None:
    largest = max((size_of(message) for message in entries_of(call)), default=0)
    if largest <= LEAST_MAXIMUM_BYTES:
        return None
    most = min(MOST_BYTES, _maximum_of_queue(call))
    return f"{largest} bytes, and the queue takes {most}" if largest > most else None


def _maximum_of_queue(call: Call) -> int:
    """Ask the queue for the most bytes that it takes: its owner may have set less."""
    answer: Mapping[str, Any] = call.ask(
        "GetQueueAttributes",
        QueueUrl=call.parameters.get("QueueUrl"),
        AttributeNames=["MaximumMessageSize"],
    )
    return int(answer.get("Attributes", {}).get("MaximumMessageSize", MOST_BYTES))


def _not_allowed_character(message: Entry) -> str | None:
    texts = {"the body": message.get("MessageBody", "")}
    for name, kind, value in attributes_of(message):
        texts[f"the type of {name}"] = kind
        if isinstance(value, str):
            texts[name] = value
    for place, text in texts.items():
        if found := NOT_ALLOWED.search(text):
            return f"U+{ord(found[0]):04X} in {place}"
    return None


def _empty_body(message: Entry) -> str | None:
    return None if message.get("MessageBody") else "no body"


def _empty_value(message: Entry) -> str | None:
    for name, _, value in attributes_of(message):
        if not value:
            return f"no value of {name}"
    return None


def _ill_formed_name(message: Entry) -> str | None:
    for name, _, _ in attributes_of(message):
        well_formed = ATTRIBUTE_NAME.fullmatch(name) and ".." not in name
        if not well_formed or len(name) > MOST_NAME_CHARACTERS:
            return f"the name {name!r}"
    return None


def _ill_formed_type(message: Entry) -> str | None:
    for name, kind, value in attributes_of(message):
        if not ATTRIBUTE_TYPE.fullmatch(kind) or len(kind) > MOST_NAME_CHARACTERS:
            return f"the type {kind!r}"
        if isinstance(value, bytes) != kind.startswith("Binary"):
            return f"a value of {name} that is no {kind}"
        if kind.startswith("Number") and not _is_number(value):
            return f"{name} is no number"
    return None


def _is_number(text: str) -> bool:
    # Python reads more than the rest of the world does.
    if "_" in text or text != text.strip() or not text.isascii():
        return False
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _out_of_bounds(message: Entry) -> str | None:
    for name, (least, most) in BOUNDS.items():
        value = message.get(name)
        if value is not None and not least <= value <= most:
            return f"{name} is {value}"
    return None


RULES = (
    *BATCH_RULES,
    Rule(
        "SQS: a message has at most 10 attributes",
        QUOTAS,
        SENDING,
        _of_each(_too_many_attributes),
        "InvalidParameterValue",
    ),
    Rule(
        "SQS: body and attributes fit into the queue's maximum",
        QUOTAS,
        SENDING,
        _too_large,
        "InvalidParameterValue",
    ),
    Rule(
        "SQS: a message holds only the characters of XML",
        QUOTAS,
        SENDING,
        _of_each(_not_allowed_character),
        "InvalidMessageContents",
    ),
    Rule(
        "SQS: a message has a body",
        f"{REFERENCE}/API_SendMessage.html",
        SENDING,
        _of_each(_empty_body),
        "MissingParameter",
    ),
    Rule(
        "SQS: an attribute has a value",
        METADATA,
        SENDING,
        _of_each(_empty_value),
        "InvalidParameterValue",
    ),
    Rule(
        "SQS: an attribute's name is well-formed",
        METADATA,
        SENDING,
        _of_each(_ill_formed_name),
        "InvalidParameterValue",
    ),
    Rule(
        "SQS: an attribute's type is known and fits its value",
        METADATA,
        SENDING,
        _of_each(_ill_formed_type),
        "InvalidParameterValue",
    ),
    Rule(
        "SQS: times and counts are within their bounds",
        f"{REFERENCE}/API_ReceiveMessage.html",
        BOUNDED,
        _of_each(_out_of_bounds),
        "InvalidParameterValue",
    ),
)
