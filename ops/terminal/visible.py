"""Characters that a reader can't see, or that move what others see, written as JSON escapes."""

import json
import unicodedata

BLANKS = "Zs"
LINE_CHARACTERS = "\n\t"


def visible(text: str) -> str:
    r"""
    Write text on one line, with nothing in it but what a reader sees.

    A control character (an ANSI escape among them), a bidirectional override, a zero-width
    character, a line break and a lone surrogate become what JSON writes for them: `\u001b`,
    `\u202e`, `\n`. Everything else stays as it is.
    """
    return _escaped(text, kept="")


def visible_lines(text: str) -> str:
    """Write text as `visible` does, but leave its lines and tabs: for JSON, or an explanation."""
    return _escaped(text.replace("\r\n", "\n"), kept=LINE_CHARACTERS)


def _escaped(text: str, kept: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character if character in kept or _can_be_seen(character) else json.dumps(character)[1:-1]
        for character in text
    )


def _can_be_seen(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == BLANKS
