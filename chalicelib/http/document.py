"""
The descriptions that programs read, written by hand and held to by tests.

OpenAPI 3.1 describes the API over HTTP, AsyncAPI 3.0 the messages of the queue and the events.
"""

import json
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).with_name("openapi.json")
MESSAGES_DOCUMENT = Path(__file__).with_name("asyncapi.json")


def read_document(prefix: str) -> dict[str, Any]:
    """
    Read the document for an API whose paths begin with a prefix, such as a stage's `/dev`.

    The file is read when it is asked for: no cold start waits for it.
    """
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["servers"] = [{"url": prefix or "/"}]
    return document


def read_messages_document() -> dict[str, Any]:
    """Read the document of messages and events, which is the same for each stage."""
    document: dict[str, Any] = json.loads(MESSAGES_DOCUMENT.read_text(encoding="utf-8"))
    return document
