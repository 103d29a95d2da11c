"""The messages: two catalogues that say the same, and which of them a caller gets."""

import ast
import copy
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.messages import (
    ENGLISH,
    LANGUAGES,
    MESSAGES,
    message,
    preferred_language,
    translate,
)
from chalicelib.orders import OrderError, parse_order
from chalicelib.record_items import from_item, to_item
from chalicelib.submissions import Record
from tests.builders import START, order_text, submission

SOURCES = [*Path("chalicelib").glob("*.py"), Path("ops/local/refusals.py")]
OTHERS = [language for language in LANGUAGES if language != ENGLISH]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def named_keys() -> Iterator[str]:
    """The keys that the code names; an f-string's braces stand for any text."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "message":
                yield from keys_of(node.args[0])


def keys_of(argument: ast.expr) -> Iterator[str]:
    match argument:
        case ast.Constant(value=str(key)):
            yield key
        case ast.IfExp(body=one, orelse=other):
            yield from (*keys_of(one), *keys_of(other))
        case ast.JoinedStr(values=[ast.Constant(value=str(prefix)), _]):
            codes = ("not_positive", "too_many_decimals", "too_large")
            yield from (f"{prefix}{code}" for code in codes)
        case other:
            pytest.fail(f"a key that can't be read: {ast.unparse(other)}")


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_message_in_the_same_order(language: str) -> None:
    assert list(MESSAGES[language]) == list(MESSAGES[ENGLISH])


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("key", MESSAGES[ENGLISH])
def test_a_message_has_the_same_placeholders_in_every_language(language: str, key: str) -> None:
    assert placeholders(MESSAGES[language][key]) == placeholders(MESSAGES[ENGLISH][key])


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("key", MESSAGES[ENGLISH])
def test_every_message_is_translated(language: str, key: str) -> None:
    if key != "rule.boolean":  # JSON's own words, and one short one between them
        assert len(MESSAGES[language][key]) > 3
    assert MESSAGES[language][key] != MESSAGES[ENGLISH][key]


def test_the_catalogue_holds_what_the_code_says_and_nothing_else() -> None:
    assert set(named_keys()) == set(MESSAGES[ENGLISH])


def test_a_message_is_its_english_text_wherever_it_goes() -> None:
    made = message("amount.too_large", most=10, got="11")

    assert made == "must be at most 10: got 11"
    assert hash(made) == hash("must be at most 10: got 11")
    assert json.dumps([made]) == '["must be at most 10: got 11"]'
    assert translate(copy.deepcopy(made), "es") == "debe ser como máximo 10: se recibió 11"


def test_a_message_within_a_message_is_translated_too() -> None:
    made = message("parameter.bad", rule=message("rule.limit", most=200), got="'0'")

    assert made == "must be 1 to 200: got '0'"
    assert translate(made, "es") == "debe ser de 1 a 200: se recibió '0'"


def test_what_was_sent_is_never_taken_for_a_placeholder() -> None:
    made = message("order.repeated_key", key='"{most}{0}"')

    assert translate(made, "es") == 'tiene la clave "{most}{0}" más de una vez'


def test_any_other_text_stays_as_it_is() -> None:
    assert translate("Bad Gateway", "es") == "Bad Gateway"


def test_a_record_keeps_the_english_messages() -> None:
    """An audit is in one language, and what was read back is equal to what was written."""
    record = Record.of_first(submission(order_text(amount=0)), START)

    read = from_item(json.loads(json.dumps(to_item(record, audit_shards=4))))

    assert read == record
    assert read.errors[0].in_language("es") == OrderError(
        "amount", "not_positive", "must be more than 0: got 0"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": None}, "falta: indique cuánto se transfiere"),
        ({"amount": []}, 'debe ser un número, o una cadena como "12.50": se recibió una lista'),
        ({"amount": {}}, 'debe ser un número, o una cadena como "12.50": se recibió un objeto'),
        ({"amount": 0.001}, "debe tener como máximo 2 decimales: se recibió 0.001"),
        ({"toAccount": False}, "debe ser una cadena de dígitos: se recibió false"),
        ({"toAccount": []}, "debe ser una cadena de dígitos: se recibió una lista"),
        ({"toAccount": "1x"}, "debe contener solo dígitos 0-9: el carácter 2 no es un dígito"),
        ({"toAccount": "1111111"}, "debe ser distinta de fromAccount"),
        ({"channel": "fax"}, 'debe ser uno de web, mobile, atm, u omitirse: se recibió "fax"'),
    ],
)
def test_the_errors_of_an_order_can_be_said_in_spanish(changes: dict[str, Any], said: str) -> None:
    order = parse_order(order_text(**changes))

    assert [error.in_language("es").message for error in order.errors] == [said]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("ES", "es"),
        ("es-MX", "es"),
        ("es-419, en;q=0.9", "es"),
        ("en, es", "en"),
        ("en;q=0.5, es;q=0.8", "es"),
        ("fr, de;q=0.9, es;q=0.1", "es"),
        ("fr", "en"),
        ("*", "en"),
        ("es;q=0", "en"),
        ("es ; q=1.000 , en;q=0.999", "es"),
        ("*;q=0.5, es;q=0.4", "en"),
        ("es;q=7, en;q=0.1", "en"),
        ("es;level=1", "en"),
        ("español", "en"),
        (",,;q=,es", "es"),
        ("estonian", "en"),
        ("a" * 100_000, "en"),
    ],
)
def test_the_preferred_language_is_the_known_one_of_most_weight(header: str, language: str) -> None:
    assert preferred_language(header) == language
