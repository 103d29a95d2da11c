"""The document of messages and events, and what its schemas say of a message."""

import json
from collections.abc import Mapping
from typing import Any

from jsonschema_rs import Draft7Validator

from ops.project import PROJECT_ROOT

PATH = PROJECT_ROOT / "chalicelib" / "http" / "asyncapi.json"
DOCUMENT: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def problems(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """List what a schema of the document finds wrong with a value."""
    # AsyncAPI's schemas are of this draft. References are into the whole document.
    found = Draft7Validator({**DOCUMENT, **schema}).iter_errors(value)
    return [f"{each.instance_path}: {each.message}" for each in found]


def event_problems(event: Mapping[str, Any]) -> list[str]:
    """List what the document finds wrong with an event: by its type, as a consumer reads it."""
    (message,) = [each for each in MESSAGES.values() if each["name"] == event["type"]]
    return problems(event, message["payload"])
