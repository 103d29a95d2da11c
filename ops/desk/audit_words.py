"""
The words of an audit entry, in the reader's language: its action, and the details beside it.

The table keeps names and values in English, for programs and for good. A value that the system made
of a text of `[where]` or `[part]` is read by that text, and written in the reader's. Whatever else
stands there, such as an entry of another release, is shown as it is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.texts import ENGLISH
from ops.texts import texts_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.texts import Texts
    from ops.desk.audit_trail import Action

PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}")
# Details whose values are codes: they have words where the texts know the code.
CODES = frozenset({"finding", "reason"})
WRITTEN = frozenset({"where", "part"})


def action_words(what: str, texts: Texts) -> str:
    """Say what was done; the stable name, if it has no words."""
    return texts.or_else(f"action.{what.replace('.', '_')}", what)


def detail_words(action: Action, texts: Texts) -> Iterator[tuple[str, str, str]]:
    """Yield each detail: its stable name, its name for people, and its value for people."""
    for name, value in action.details.items():
        yield name, _label(name, texts), _value(name, value, texts)


def _label(name: str, texts: Texts) -> str:
    return texts.or_else(f"detail.{name}", name)


def _value(name: str, value: str, texts: Texts) -> str:
    if name in CODES:
        return texts.or_else(f"{name}.{value}", value)
    if name in WRITTEN:
        return _translated(name, value, texts)
    return _selection(value, texts) if name == "selection" else value


def _selection(text: str, texts: Texts) -> str:
    """Write a choice of letters: it is `all`, or conditions with a name before each value."""
    if text == texts_in(ENGLISH)("selection.all"):
        return texts("selection.all")
    conditions = (part.partition(" ") for part in text.split(", "))
    # Several ids have one name before them all.
    return ", ".join(
        f"{_label(name, texts)} {_value(name, value, texts)}" if value else name
        for name, _, value in conditions
    )


def _translated(group: str, text: str, texts: Texts) -> str:
    for key, pattern in _patterns(group):
        if found := pattern.fullmatch(text):
            return texts(key, **found.groupdict())
    return text


@cache
def _patterns(group: str) -> list[tuple[str, re.Pattern[str]]]:
    """Make a pattern of each English text of a group. No value of theirs has a blank."""
    english = texts_in(ENGLISH)
    return [
        (key, re.compile(PLACEHOLDER.sub(r"(?P<\1>\\S+)", re.escape(english(key)))))
        for key in sorted(english.keys())
        if key.startswith(f"{group}.")
    ]
