"""The console's catalogues: the same keys and placeholders, none unused, none of the system's."""

import re
import string
from pathlib import Path

import pytest

from chalicelib.texts import FOLDER as SYSTEM_FOLDER
from chalicelib.texts import LANGUAGES, Texts
from ops.console.formats import Formats
from ops.console.frame import PLACES
from ops.console.texts import FOLDER, chosen_language, texts_in
from ops.texts import FOLDER as SHARED_FOLDER

SOURCES = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted(Path("ops/console").rglob("*.py"))
)
ENGLISH, SPANISH = Texts("en", FOLDER), Texts("es", FOLDER)
SYSTEM, SHARED = Texts("en", SYSTEM_FOLDER), Texts("en", SHARED_FOLDER)
# The parts from which code puts keys together, as in t(f"outcome.{status}").
MADE_UP = re.compile(r'f"([a-z_]+\.[a-z_.]*)\{')


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys() -> None:
    assert ENGLISH.keys() == SPANISH.keys()


@pytest.mark.parametrize("key", sorted(ENGLISH.keys()))
def test_both_languages_say_the_same_values(key: str) -> None:
    assert placeholders(ENGLISH(key)) == placeholders(SPANISH(key))


def test_the_consoles_catalogue_and_the_systems_have_no_key_in_common() -> None:
    assert not ENGLISH.keys() & SYSTEM.keys()
    assert texts_in("en").keys() == ENGLISH.keys() | SHARED.keys() | SYSTEM.keys()


def test_every_used_key_exists() -> None:
    asked = set(re.findall(r'\bt\(\s*"([a-z_0-9A-Z.]+)"', SOURCES))

    assert len(asked) > 100
    assert asked <= texts_in("en").keys()


def test_every_key_is_used() -> None:
    written = set(re.findall(r'"([a-z_]+\.[a-zA-Z_0-9.]+)"', SOURCES))
    made_up = tuple(MADE_UP.findall(SOURCES))
    titles = {f"{key}.title" for key in (*(place.key for place in PLACES), "unknown")}

    left_over = {key for key in ENGLISH.keys() - written - titles if not key.startswith(made_up)}

    assert not left_over


@pytest.mark.parametrize(
    ("cookie", "accept_language", "language"),
    [
        (None, "es-AR,es;q=0.9,en;q=0.8", "es"),
        (None, "en-US,en;q=0.9,es;q=0.8", "en"),
        (None, "fr,es;q=0.5,en;q=0.4", "es"),
        (None, "en;q=0,es;q=0.1", "es"),
        (None, "fr", "en"),
        (None, "", "en"),
        (None, ";q=x,,es;q=oops", "en"),
        ("es", "en", "es"),
        ("xx", "es", "es"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers(
    cookie: str | None, accept_language: str, language: str
) -> None:
    assert chosen_language(cookie, accept_language) == language


@pytest.mark.parametrize(
    ("language", "seconds", "words"),
    [
        ("en", 0.0844, "84 ms"),
        ("en", 1.25, "1.2 s"),
        ("es", 1.25, "1,2 s"),
        ("en", 59, "59 s"),
        ("en", 180, "3 min"),
        ("en", 7200, "2 h"),
        ("es", 3 * 86400, "3 d"),
    ],
)
def test_a_duration_is_written_in_the_fitting_unit(
    language: str, seconds: float, words: str
) -> None:
    assert Formats(texts_in(language)).duration(seconds) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 0, "0 %"),
        (1, 1, "100 %"),
        (1, 3, "33.3 %"),
        (1, 10**6, "<0.1 %"),
        (10**6 - 1, 10**6, ">99.9 %"),
    ],
)
def test_a_share_says_none_or_all_only_if_it_is_exact(part: int, whole: int, words: str) -> None:
    assert Formats(ENGLISH).percent(part, whole) == words


def test_every_language_has_its_separators() -> None:
    written = {name: Formats(texts_in(name)).number(1234567.891, 2) for name in LANGUAGES}

    assert written == {"en": "1,234,567.89", "es": "1.234.567,89"}
