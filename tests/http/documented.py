"""The members that the API's document gives an answer, for tests that look at many answers."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.http.document import read_document

DOCUMENT: dict[str, Any] = read_document("")
PARAMETER = re.compile(r"\{\w+\}")


def has_documented_members(method: str, path: str, status: int, body: Mapping[str, Any]) -> bool:
    """Say whether the document has such an answer, with all of its members and no other."""
    return any(
        set(schema.get("required", ())) <= body.keys() <= schema.get("properties", body).keys()
        for schema in _schemas_of(method, path, status)
    )


def _schemas_of(method: str, path: str, status: int) -> Iterator[dict[str, Any]]:
    for route, methods in DOCUMENT["paths"].items():
        pattern = PARAMETER.sub("[^/]+", route)
        if method.lower() in methods and re.fullmatch(pattern, path.partition("?")[0]):
            answer = _resolved(methods[method.lower()]["responses"].get(str(status), {}))
            for media in answer.get("content", {}).values():
                schema = media["schema"]
                yield from map(_resolved, schema.get("oneOf", [schema]))


def _resolved(value: dict[str, Any]) -> dict[str, Any]:
    found: Any = DOCUMENT
    for name in value.get("$ref", "").removeprefix("#/").split("/"):
        found = found[name] if name else value
    return dict(found)
