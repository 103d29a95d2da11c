"""The console's words, in each language that it speaks."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "es")
DEFAULT_LANGUAGE = "en"


class Texts:
    """The words of one language by their keys, as in `orders.title`."""

    def __init__(self, language: str, words: Mapping[str, str]) -> None:
        self.language = language
        self._words = words

    def __call__(self, key: str, **values: object) -> str:
        """Return the words of a key, with the values put in where they name them."""
        words = self._words[key]
        return words.format(**values) if values else words

    def __contains__(self, key: str) -> bool:
        return key in self._words

    def keys(self) -> set[str]:
        return set(self._words)

    def or_else(self, key: str, default: str) -> str:
        """Return the words of a key that comes from data, which may hold one that we don't know."""
        return self._words.get(key, default)


@cache
def texts_in(language: str) -> Texts:
    """Load the words of one of LANGUAGES."""
    file = Path(__file__).with_name(f"{language}.toml")
    return Texts(language, dict(_flat(tomllib.loads(file.read_text(encoding="utf-8")))))


def preferred_language(cookie: str | None, accept_language: str) -> str:
    """Choose the cookie's language, else the first of the browser's that the console speaks."""
    if cookie in LANGUAGES:
        return cookie
    for language in _by_preference(accept_language):
        if language in LANGUAGES:
            return language
    return DEFAULT_LANGUAGE


def _by_preference(accept_language: str) -> list[str]:
    """List the primary subtags of an Accept-Language header, the most wanted first."""
    weighed = []
    for part in accept_language.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.split("-")[0].lower()))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighed, key=lambda pair: pair[0]) if weight < 0]


def _flat(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tables.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")
