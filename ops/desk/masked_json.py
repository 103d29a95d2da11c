"""JSON with its accounts masked: read, masked value by value, and written anew."""

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from chalicelib.orders.terms import TERMS, JsonNumber

LONG_RUN = re.compile(r"[0-9]{5,}")
# As it may be written in place of 88888888: dots keep groups apart.
GROUPED = re.compile(r"[0-9]{4,}\.[0-9]{4,}")
DIGIT = re.compile(r"[0-9]")

Mask = Callable[[str], str]


class _Fields(list[tuple[str, Any]]):
    """The fields of a JSON object, those too whose name comes twice."""


class JsonMask:
    """
    Masks JSON texts: the whole value of an account field, and elsewhere what looks like one.

    `whole` masks the value of an account field, `parts` the accounts that a text holds.
    """

    def __init__(self, whole: Mask, parts: Mask) -> None:
        self._whole = whole
        self._parts = parts

    def rendering(self, text: str) -> tuple[str, bool]:
        """
        Write a JSON text anew, masked, and say whether anything in it is.

        Raises:
            ValueError, RecursionError: it is no JSON, or too deep to be read.
        """
        value = read_json(text)
        masked = self._written(value)
        return masked, masked != JsonMask(str, str)._written(value)  # noqa: SLF001 (its own)

    def number(self, text: str) -> str:
        """Mask a number if it has a run of digits as an account has it."""
        if not LONG_RUN.search(text) and not GROUPED.search(text):
            return text
        return self._whole("".join(DIGIT.findall(text)))

    def _written(self, value: Any, *, is_account: bool = False) -> str:
        match value:
            case _Fields():
                return f"{{{', '.join(self._field(*each, is_account) for each in value)}}}"
            case list():
                each_one = (self._written(each, is_account=is_account) for each in value)
                return f"[{', '.join(each_one)}]"
            case JsonNumber(text):
                shown = self._whole(text) if is_account else self.number(text)
                return text if shown == text else quoted(shown)
            case str():
                return quoted(self._whole(value) if is_account else self._parts(value))
            case _:
                return json.dumps(value)

    def _field(self, name: str, value: Any, is_account: bool) -> str:
        shown = self._whole(name) if is_account and DIGIT.search(name) else self._parts(name)
        below = is_account or is_account_field(name)
        return f"{quoted(shown)}: {self._written(value, is_account=below)}"


def read_json(text: str) -> Any:
    """
    Read JSON, its numbers as they are written. Marks of UTF-16 in it do no harm.

    Raises:
        ValueError, RecursionError: it is no JSON, or too deep to be read.
    """
    return json.loads(
        text.replace("\0", "").lstrip("\ufeff"),
        parse_int=JsonNumber,
        parse_float=JsonNumber,
        parse_constant=JsonNumber,
        object_pairs_hook=_Fields,
    )


def is_account_field(name: str) -> bool:
    """Tell whether a field's name is that of an account, however it is spelt."""
    return _spelt(name) in {_spelt(term) for term in TERMS if TERMS[term].masked}


def quoted(text: str) -> str:
    """Write a JSON string in the characters that people read; what can't be seen is escaped."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in written)


def _spelt(name: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name))).casefold()
