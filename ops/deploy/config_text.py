"""The text of .chalice/config.json: a part of it is written anew, and the rest stays as it was."""

from __future__ import annotations

import json
import os
import re
import tempfile
from json.decoder import JSONDecoder
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STAGES = "stages"
VARIABLES = "environment_variables"
INDENT = "  "


class Member(NamedTuple):
    """A member of an object in a JSON text: its name, and where name and value stand."""

    name: str
    start: int
    value: int
    end: int


def with_variables(text: str, stage: str, variables: Mapping[str, str]) -> str:
    """Write a config's text with other variables in a stage, and all else as it was."""
    start, end = _span(text, [STAGES, stage])
    try:
        first, last = _span(text, [STAGES, stage, VARIABLES])
    except KeyError:
        indent = _indent_at(text, start) + INDENT
        rest = text[start + 1 : end].lstrip()
        separator = "\n" + _indent_at(text, start) if rest == "}" else f",\n{indent}"
        written = f'{{\n{indent}"{VARIABLES}": {_written(variables, indent)}{separator}{rest}'
        return text[:start] + written + text[end:]
    return text[:first] + _written(variables, _indent_at(text, first)) + text[last:]


def with_stage(text: str, stage: str, settings: Mapping[str, Any]) -> str:
    """Write a config's text with one more stage, the last one. There is one already."""
    last = _members(text, _span(text, [STAGES])[0])[-1]
    indent = _indent_at(text, last.start)
    added = f',\n{indent}"{stage}": {_written(settings, indent)}'
    return text[: last.end] + added + text[last.end :]


def without_stage(text: str, stage: str) -> str:
    """Write a config's text without a stage. It isn't the only one."""
    members = _members(text, _span(text, [STAGES])[0])
    position = [member.name for member in members].index(stage)
    if position:
        return text[: members[position - 1].end] + text[members[position].end :]
    return text[: members[0].start] + text[members[1].start :]


def replace_text(path: Path, text: str) -> None:
    """Replace a file, or make it: all of it or nothing, should the process end in the middle."""
    # A name of its own: another process may write the same file.
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).chmod(path.stat().st_mode if path.exists() else 0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _written(value: Mapping[str, Any], indent: str) -> str:
    lines = json.dumps(dict(value), indent=INDENT, ensure_ascii=False).splitlines()
    return f"\n{indent}".join(lines)


def _indent_at(text: str, position: int) -> str:
    """Return the white space that the line of a position begins with."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip())]


def _span(text: str, path: list[str]) -> tuple[int, int]:
    """
    Find where the value at a path of keys begins and ends in a JSON text.

    Raises:
        KeyError: there is no such key.
    """
    start = _skip(text, 0)
    for key in path:
        start = {member.name: member.value for member in _members(text, start)}[key]
    return start, JSONDecoder().raw_decode(text, start)[1]


def _members(text: str, start: int) -> list[Member]:
    """List the members of the object that begins at `start`."""
    return list(_each_member(text, start))


def _each_member(text: str, start: int) -> Iterator[Member]:
    decoder = JSONDecoder()
    position = _skip(text, start + 1)
    while text[position] != "}":
        name, after = decoder.raw_decode(text, position)
        value = _skip(text, _skip(text, after) + 1)
        end = decoder.raw_decode(text, value)[1]
        yield Member(name, position, value, end)
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    match = re.compile(r"\s*").match(text, position)
    return match.end() if match else position
