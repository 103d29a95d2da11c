"""Audit entries are in the reader's language: what was done, the names of details, their values."""

import ast
import string
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from chalicelib.texts import FOLDER as SYSTEM_FOLDER
from chalicelib.texts import LANGUAGES, Texts
from ops.console.texts import FOLDER as CONSOLE_FOLDER
from ops.desk.audit_trail import Action
from ops.desk.audit_words import action_words, detail_words
from ops.desk.findings import Kind
from ops.desk.kept_letters import MAX_KEPT_BYTES, details_of, parts_of
from ops.desk.letters import DeadLetter, Known, Selection
from ops.desk.search import masked_kinds
from ops.texts import FOLDER, texts_in
from tests.builders import START, sqs_message

ENGLISH, SPANISH = Texts("en", FOLDER), Texts("es", FOLDER)
SOURCES = [*Path("ops").rglob("*.py"), *Path("chalicelib").rglob("*.py")]


def letter(body: str = "[]") -> DeadLetter:
    message = sqs_message(body, channel="atm")
    return DeadLetter(message, "o-1", "s-1", "not_json", None, START, START, Known.NOTHING)


LARGE = letter("x" * (MAX_KEPT_BYTES + 1))
# What `**` hands on to the audit trail, by how the code writes it: the names that it may hold.
UNPACKED = {
    "part": {name for part in parts_of(LARGE) for name in part},
    "details_of(letter)": {*details_of(letter()), *details_of(LARGE)},
    "wanted.accounts": masked_kinds(),
    "scope": {"from", "to", "types", "before"},
    "told": {"sent", "missing"},
}
# Names that are put together, by how the code writes them.
PUT_TOGETHER = {"f'{what}.ended'": {"dlq.redrive.ended", "dlq.discard.ended"}}
# Functions that hand their last argument on to the audit trail as `where`.
WHERE = {"record_accounts_shown", "show_accounts", "record_search", "searched_for"}


def parsed(names: set[str]) -> Iterator[tuple[Path, ast.Module]]:
    """Parse the sources that hold one of the names: all take a second, in each process of tests."""
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if any(name in text for name in names):
            yield path, ast.parse(text)


def written() -> Iterator[tuple[Path, ast.Call]]:
    """Find the calls that write to the audit trail."""
    for path, module in parsed({"trail"}):
        for node in ast.walk(module):
            match node:
                case ast.Call(func=ast.Attribute(value=trail, attr="write")):
                    if ast.unparse(trail).endswith("trail"):
                        yield path, node


WRITTEN = list(written())


def names_of(path: Path, what: ast.expr) -> set[str]:
    """Read the stable name of what is done: a text, a constant, or one that is put together."""
    match what:
        case ast.Constant(value=str(name)):
            return {name}
        case ast.Name(id=name):
            return {getattr(import_module(".".join(path.with_suffix("").parts)), name)}
        case _:
            return PUT_TOGETHER[ast.unparse(what)]


def details_in(call: ast.Call) -> set[str]:
    found: set[str] = set()
    for keyword in call.keywords:
        found |= {keyword.arg} if keyword.arg else UNPACKED[ast.unparse(keyword.value)]
    return found - {"why"}


WHATS = {name for path, call in WRITTEN for name in names_of(path, call.args[0])}
DETAILS = {name for _, call in WRITTEN for name in details_in(call)}


def of_group(texts: Texts, group: str) -> set[str]:
    return {
        key.removeprefix(f"{group}.") for key in sorted(texts.keys()) if key.startswith(f"{group}.")
    }


@pytest.mark.parametrize("texts", [ENGLISH, SPANISH], ids=LANGUAGES)
def test_all_that_the_code_writes_has_words_and_no_word_is_left_over(texts: Texts) -> None:
    """A new action or detail fails here: give it words in ops/texts."""
    # The names of conditions stand within the detail `selection`.
    conditions = {"message", "reason", "order", "since"}

    assert len(WRITTEN) > 10
    assert of_group(texts, "action") == {name.replace(".", "_") for name in WHATS}
    assert of_group(texts, "detail") == DETAILS | conditions
    assert of_group(texts, "finding") == {*Kind}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_which_no_other_catalogue_has() -> None:
    others = {*Texts("en", SYSTEM_FOLDER).keys(), *Texts("en", CONSOLE_FOLDER).keys()}

    assert ENGLISH.keys() == SPANISH.keys()
    assert not ENGLISH.keys() & others


@pytest.mark.parametrize("key", sorted(ENGLISH.keys()))
def test_every_word_is_translated_with_the_same_values(key: str) -> None:
    assert SPANISH(key) != ENGLISH(key)
    assert placeholders(SPANISH(key)) == placeholders(ENGLISH(key))


def places() -> Iterator[str]:
    """Yield each text that is handed on as `where`, with `x` in place of what it names."""
    for path, module in parsed(WHERE):
        for function in ast.walk(module):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and _called(node) in WHERE and node.args:
                        yield from _texts_of(node.args[-1], function, path)


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _texts_of(
    where: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef, path: Path
) -> Iterator[str]:
    match where:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts
            )
        case ast.Name(id="where") if "where" in {each.arg for each in function.args.args}:
            # It is handed on: whoever calls this function is looked at.
            assert function.name in WHERE
        case ast.Name(id=name):
            values = [
                node.value
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
            ]
            assert values, f"{path}: {name} is made elsewhere"
            for value in values:
                yield from _texts_of(value, function, path)
        case other:
            pytest.fail(f"{path}: a place that can't be read: {ast.unparse(other)}")


# The page of an order says how it shows accounts.
HOW = ("page", "curl", "s3")
PLACES = sorted({*places()} - {"order x (x)"} | {f"order x ({how})" for how in HOW})


def shown(details: dict[str, str], language: str, what: str = "x") -> dict[str, str]:
    action = Action(START, "ana", what, "dev", details=details)
    return {label: value for _, label, value in detail_words(action, texts_in(language))}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_where_accounts_are_shown_has_words(place: str) -> None:
    (english,) = shown({"where": place}, "en").values()
    (spanish,) = shown({"where": place}, "es").values()

    assert english == place
    assert spanish != place


def test_no_word_for_a_place_is_left_over() -> None:
    templates = {
        ENGLISH(f"where.{name}").format_map(
            dict.fromkeys(["order", "submission", "message"], "x")
            | dict.fromkeys(["first", "last", "table"], "x")
        )
        for name in of_group(ENGLISH, "where")
    }

    assert templates == set(PLACES)


@pytest.mark.parametrize(
    ("name", "value", "english", "spanish"),
    [
        ("where", "order o-1", {"where": "order o-1"}, {"dónde": "orden o-1"}),
        (
            "where",
            "submission s-1 of order o-1",
            {"where": "submission s-1 of order o-1"},
            {"dónde": "envío s-1 de la orden o-1"},
        ),
        ("part", "2 of 3", {"part": "2 of 3"}, {"parte": "2 de 3"}),
        ("letters", "7", {"letters": "7"}, {"mensajes": "7"}),
        (
            "finding",
            "missing",
            {"finding": ENGLISH("finding.missing")},
            {"hallazgo": SPANISH("finding.missing")},
        ),
        ("key", "orders/o-1/x.json", {"key": "orders/o-1/x.json"}, {"clave": "orders/o-1/x.json"}),
        # Of another release, or someone's own.
        (
            "where",
            "a page that is gone",
            {"where": "a page that is gone"},
            {"dónde": "a page that is gone"},
        ),
        ("colour", "blue", {"colour": "blue"}, {"colour": "blue"}),
        ("finding", "lost", {"finding": "lost"}, {"hallazgo": "lost"}),
    ],
)
def test_a_detail_is_shown_in_the_readers_language(
    name: str, value: str, english: dict[str, str], spanish: dict[str, str]
) -> None:
    assert shown({name: value}, "en") == english
    assert shown({name: value}, "es") == spanish


@pytest.mark.parametrize(
    ("selection", "spanish"),
    [
        (Selection(), "todos"),
        (Selection(order_id="o-1"), "orden o-1"),
        (
            Selection(reason="not_json", since=START),
            "motivo not_json, desde 2026-03-01T12:00:00.000Z",
        ),
        (Selection(frozenset({"m-1", "m-2"})), "mensaje m-1, m-2"),
    ],
)
def test_a_selection_is_shown_in_the_readers_language(selection: Selection, spanish: str) -> None:
    assert shown({"selection": str(selection)}, "es") == {"selección": spanish}
    assert shown({"selection": str(selection)}, "en") == {"selection": str(selection)}


def test_an_action_without_words_is_shown_by_its_name() -> None:
    assert action_words("dlq.redrive.ended", texts_in("es")) == "Reenvío terminado"
    assert action_words("of.another.release", texts_in("es")) == "of.another.release"


def test_a_hostile_value_is_no_template() -> None:
    hostile: dict[str, Any] = {"where": "order {order}", "part": "{number} of {count}", "x": "{y}"}

    for language in LANGUAGES:
        values = list(shown(hostile, language).values())
        assert values[2] == "{y}"
        assert all("{" in value for value in values)
