"""The API's own description: an OpenAPI 3.1 document, written by hand and held to by tests."""

import json
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).with_name("openapi.json")


def read_document(prefix: str) -> dict[str, Any]:
    """
    Read the document for an API whose paths begin with a prefix, such as a stage's `/dev`.

    The file is read when it is asked for: no cold start waits for it.
    """
    document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["servers"] = [{"url": prefix or "/"}]
    return document
