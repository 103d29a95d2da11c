"""
Texts: every sentence for people, one file per language.

Only the edges write sentences: the API, the command line and the console, each in its reader's
language. A catalogue is read when the first sentence of its language is wanted, so a function that
speaks to nobody, such as the processor, never reads one.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from chalicelib.orders.errors import FieldError, Sentence

FOLDER = Path(__file__).parent
ENGLISH = "en"
LANGUAGES = (ENGLISH, "es")
# One entry of Accept-Language: a language, perhaps with a region, and perhaps with its weight.
ENTRY = re.compile(
    r"\s*([a-z]{1,8}|\*)(?:-[a-z0-9]{1,8})*\s*(?:;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.IGNORECASE | re.ASCII,
)


class Texts:
    """The texts of one language by keys such as `amount.missing`, from catalogues in folders."""

    def __init__(self, language: str, *folders: Path) -> None:
        self.language = language
        self._folders = folders

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        catalogues = [_catalogue(folder / f"{self.language}.toml") for folder in self._folders]
        return dict(chain.from_iterable(catalogues))

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key, with the values in their places."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def keys(self) -> set[str]:
        return set(self._texts)

    def or_else(self, key: str, default: str) -> str:
        """Return the text of a key that comes from data, or the default for an unknown key."""
        return self._texts.get(key, default)

    def sentence(self, sentence: Sentence) -> str:
        """
        Write a sentence. An unknown one is written as its key and parameters.

        Records outlive releases: a stored sentence may be of another one.
        """
        values = {
            name: self.sentence(value) if isinstance(value, Sentence) else value
            for name, value in sentence.parameters.items()
        }
        try:
            return self(sentence.key).format(**values)
        except (KeyError, IndexError):
            return " ".join([sentence.key, *(f"{name}={value}" for name, value in values.items())])

    def error(self, error: FieldError) -> dict[str, str]:
        """Write an error for people and programs: its field, code and message."""
        return {
            "field": error.field,
            "code": error.code,
            "message": self.sentence(error.sentence),
        }

    def label(self, term: str) -> str:
        """Name a term for people."""
        return self.or_else(f"terms.{term}", term)


@cache
def texts_in(language: str) -> Texts:
    """Return the system's own texts, in one of LANGUAGES."""
    return Texts(language, FOLDER)


def preferred_language(accept_language: str) -> str:
    """
    Choose the language that an Accept-Language header prefers (RFC 9110): English if none.

    The first of equal weights counts. An entry that is not well formed is passed over, never
    refused.
    """
    chosen, highest = ENGLISH, 0.0
    for entry in accept_language.split(","):
        found = ENTRY.fullmatch(entry)
        if not found:
            continue
        language = found[1].lower().replace("*", ENGLISH)
        weight = float(found[2] or 1)
        if language in LANGUAGES and weight > highest:
            chosen, highest = language, weight
    return chosen


def _catalogue(file: Path) -> Iterator[tuple[str, str]]:
    """Read the keys and texts of a file. Its tables give the keys their first part."""
    # The usual order's answers hold no sentence. It takes 1% of a cold start.
    import tomllib  # noqa: PLC0415

    yield from _flat(tomllib.loads(file.read_text(encoding="utf-8")))


def _flat(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tables.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")
