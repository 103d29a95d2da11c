"""
The Spanish texts: a word of the system's own says one thing, the one that the English text says.

*Órdenes* are orders here: a command is a *comando*. The *archivo* is the archive: a file is a
*fichero*. A *registro* is a record: a log is a *log*.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from chalicelib.texts import FOLDER as SYSTEM_FOLDER
from chalicelib.texts import Texts
from ops.console.texts import FOLDER as CONSOLE_FOLDER
from ops.texts import FOLDER as SHARED_FOLDER

# Each English word, and the Spanish one that stands only where it does.
GLOSSARY = {
    r"orders?": r"[oó]rden(es)?",
    r"commands?": r"comandos?",
    r"archives?": r"archivos?",
    r"files?": r"ficheros?",
    r"(records?|recorded)": r"registros?",
    r"logs?": r"logs?",
    r"submissions?": r"env[ií]os?",
    r"stages?": r"etapas?",
    r"(queues?|depths)": r"colas?",
    r"amounts?": r"importes?",
    r"dead[ -]letters?": r"mensajes? fallidos?",
    r"channels?": r"canal(es)?",
    r"(callers?|who calls)": r"(llamantes?|(de )?quien llama)",
    r"reasons?": r"motivos?",
    r"(lines?)": r"l[ií]neas?",
    r"traces?": r"trazas?",
}
# The Spanish text has the word wherever the English one does: it has no second name.
ALWAYS = (r"commands?", r"files?", r"logs?", r"stages?", r"dead[ -]letters?")
CODE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|\{[^}]*\}|[A-Z]{2,} /\w+|arn:\S+", re.DOTALL)
COMMAND = re.compile(r"^ {4}[^#\n]*", re.MULTILINE)
ROWS = re.compile(r"\n(?=\||- | {4})")


class Pair(NamedTuple):
    """A text in both languages, and where it stands."""

    where: str
    english: str
    spanish: str


def of_catalogue(folder: Path) -> Iterator[Pair]:
    english, spanish = Texts("en", folder), Texts("es", folder)
    for key in sorted(english.keys()):
        yield Pair(key, english(key), spanish(key))


def of_pages() -> Iterator[Pair]:
    english, spanish = map(paragraphs, ("README.md", "README.es.md"))
    assert len(english) == len(spanish)
    for number, (one, other) in enumerate(zip(english, spanish, strict=True), 1):
        yield Pair(f"README {number}", one, other)


def paragraphs(page: str) -> list[str]:
    text = COMMAND.sub("    ", CODE.sub(" ", Path(page).read_text(encoding="utf-8")))
    blocks = [block for block in re.split(r"\n\s*\n", text) if block.strip()]
    return [row for block in blocks for row in ROWS.split(block)]


FOLDERS = (SYSTEM_FOLDER, SHARED_FOLDER, CONSOLE_FOLDER)
PAIRS = [*(pair for folder in FOLDERS for pair in of_catalogue(folder)), *of_pages()]


def has(word: str, text: str) -> bool:
    return re.search(rf"\b{word}\b", CODE.sub(" ", text), re.IGNORECASE) is not None


def problems_of(pair: Pair) -> list[str]:
    """List the words that stand in one of the two texts only, and should not."""
    found = []
    for english, spanish in GLOSSARY.items():
        in_english, in_spanish = has(english, pair.english), has(spanish, pair.spanish)
        if in_spanish and not in_english:
            found.append(f"{spanish} stands for no {english}")
        if in_english and not in_spanish and english in ALWAYS:
            found.append(f"{english} is not called {spanish}")
    return found


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.where)
def test_a_word_of_the_systems_own_says_one_thing(pair: Pair) -> None:
    assert problems_of(pair) == []


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("from the command line", "desde la línea de órdenes"),
        ("Type this command", "Escriba esta orden"),
        ("Change the file", "Cambie el archivo"),
        ("reading logs at night", "leer registros de noche"),
        ("This stage lets callers in", "Esta instalación admite a los llamantes"),
        ("dead letters wait", "hay mensajes que esperan"),
    ],
)
def test_a_false_friend_is_found(english: str, spanish: str) -> None:
    assert problems_of(Pair("here", english, spanish))
