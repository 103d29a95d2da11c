"""Texts: catalogues that say the same, and sentences in the reader's language."""

import ast
import json
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.items import from_item, to_item
from chalicelib.orders.errors import (
    FieldError,
    Sentence,
    sentence,
    sentence_from_json,
    sentence_to_json,
)
from chalicelib.orders.order import parse_order
from chalicelib.orders.record import Record
from chalicelib.orders.terms import TERMS
from chalicelib.texts import ENGLISH, LANGUAGES, Texts, preferred_language, texts_in
from tests.builders import START, order_text, submission

SOURCES = [*Path("chalicelib").rglob("*.py"), *Path("ops").rglob("*.py")]
OTHERS = [language for language in LANGUAGES if language != ENGLISH]
KEYS = list(texts_in(ENGLISH)._texts)
# Codes that `amount.{code}` stands for.
AMOUNT_CODES = ("not_positive", "too_many_decimals", "too_large")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def named_keys() -> Iterator[str]:
    """Find the keys that the code makes sentences of."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sentence":
                yield from keys_of(node.args[0])


def keys_of(argument: ast.expr) -> Iterator[str]:
    match argument:
        case ast.Constant(value=str(key)):
            yield key
        case ast.IfExp(body=one, orelse=other):
            yield from (*keys_of(one), *keys_of(other))
        case ast.JoinedStr(values=[ast.Constant(value="amount."), _]):
            yield from (f"amount.{code}" for code in AMOUNT_CODES)
        case other:
            pytest.fail(f"a key that can't be read: {ast.unparse(other)}")


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_key_in_the_same_order(language: str) -> None:
    assert list(texts_in(language)._texts) == KEYS


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("key", KEYS)
def test_a_text_has_the_same_placeholders_in_every_language(language: str, key: str) -> None:
    assert placeholders(texts_in(language)(key)) == placeholders(texts_in(ENGLISH)(key))


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("key", KEYS)
def test_every_text_is_translated(language: str, key: str) -> None:
    translated = texts_in(language)(key)

    if key != "rule.boolean":  # JSON's own words, and one short one between them
        assert len(translated) > 3
    assert translated != texts_in(ENGLISH)(key)


def test_the_catalogue_holds_the_sentences_of_the_code_and_the_names_of_the_terms() -> None:
    assert set(named_keys()) | {f"terms.{name}" for name in TERMS} == set(KEYS)


def test_every_sentence_of_the_code_has_the_parameters_of_its_text() -> None:
    """A forgotten parameter would show the reader a key."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sentence":
                given = {keyword.arg for keyword in node.keywords}
                for key in keys_of(node.args[0]):
                    needed = placeholders(texts_in(ENGLISH)(key))
                    assert given == needed or (None in given and given - {None} <= needed), key


def test_a_sentence_is_written_in_each_language() -> None:
    made = sentence("amount.too_large", most=10, got="11")

    assert texts_in("en").sentence(made) == "must be at most 10: got 11"
    assert texts_in("es").sentence(made) == "debe ser como máximo 10: se recibió 11"


def test_a_sentence_within_a_sentence_is_written_in_the_same_language() -> None:
    made = sentence("parameter.bad", rule=sentence("rule.limit", most=200), got="'0'")

    assert texts_in("en").sentence(made) == "must be 1 to 200: got '0'"
    assert texts_in("es").sentence(made) == "debe ser de 1 a 200: se recibió '0'"


def test_texts_never_take_a_value_for_a_placeholder() -> None:
    made = sentence("order.repeated_key", key='"{most}{0}"')

    assert texts_in("es").sentence(made) == 'tiene la clave "{most}{0}" más de una vez'


def test_a_sentence_comes_back_from_json_as_it_was() -> None:
    made = sentence("parameter.bad", rule=sentence("rule.limit", most=200), got="'0'")

    assert sentence_from_json(json.loads(json.dumps(sentence_to_json(made)))) == made


def test_a_record_keeps_sentences_and_no_text() -> None:
    """The reader's language decides, and a record is read back as it was written."""
    record = Record.of_first(submission(order_text(amount=0)), START)

    item = json.loads(json.dumps(to_item(record, audit_shards=4)))

    assert from_item(item) == record
    assert texts_in("es").error(from_item(item).errors[0]) == {
        "field": "amount",
        "code": "not_positive",
        "message": "debe ser mayor que 0: se recibió 0",
    }
    assert (
        texts_in("en").error(from_item(item).errors[0])["message"] == "must be more than 0: got 0"
    )
    assert "must be" not in json.dumps(item)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_sentence_is_written_as_its_key_and_parameters(language: str) -> None:
    """Records outlive releases: one may hold a sentence of another release."""
    error = FieldError(
        "iban", "bad_iban", sentence("iban.bad", most=34, got=sentence("got.vapour"))
    )

    assert texts_in(language).error(error) == {
        "field": "iban",
        "code": "bad_iban",
        "message": "iban.bad most=34 got=got.vapour",
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_without_its_parameters_is_written_as_its_key(language: str) -> None:
    stored = Sentence("amount.too_large", {"limit": "10"})

    assert texts_in(language).sentence(stored) == "amount.too_large limit=10"


def test_texts_put_values_into_the_text_of_a_key() -> None:
    texts = texts_in("en")

    assert texts("rule.limit", most=200) == "1 to 200"
    assert texts("got.list") == "a list"
    assert texts.or_else("got.list", "?") == "a list"
    assert texts.or_else("got.vapour", "?") == "?"
    assert "got.list" in texts
    assert "got.vapour" not in texts
    assert texts.keys() == set(KEYS)


def test_a_term_has_a_name_for_people_in_each_language() -> None:
    assert texts_in("en").label("fromAccount") == "From account"
    assert texts_in("es").label("fromAccount") == "Cuenta de origen"
    assert texts_in("es").label("reference") == "reference"


def test_texts_may_come_from_several_folders(tmp_path: Path) -> None:
    for name, text in {"one": '[a]\nb = "1"', "two": '[a.c]\nd = "2"'}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "en.toml").write_text(text)

    texts = Texts("en", tmp_path / "one", tmp_path / "two")

    assert (texts("a.b"), texts("a.c.d")) == ("1", "2")


# Prints how many catalogues were read after the processor's work, and after one answer of the API.
PROCESS_THEN_ANSWER = """
import tomllib


from tests.application import FakeApplication, client_of, load_app
from tests.builders import Clock, order_text, sqs_event, sqs_record

read = []
loads = tomllib.loads
tomllib.loads = lambda text: read.append(text) or loads(text)

application = FakeApplication(Clock())
invalid = [order_text("b", amount=0), order_text(toAccount=[])]
texts = [order_text(), order_text(amount=1), *invalid, "["]
with client_of(load_app(application).app) as client:
    client.lambda_.invoke("process_orders", sqs_event(*map(sqs_record, texts)))
    assert len(application.fake_records.all()) == 4
    assert len(application.fake_queue.dead_letters) == 1
    processing = len(read)
    assert client.http.get("/orders/b").status_code == 200
print(processing, len(read))
"""


def test_the_processor_reads_no_catalogue() -> None:
    """The processor speaks to nobody: it stores sentences for readers of any language."""
    ran = subprocess.run(
        [sys.executable, "-c", PROCESS_THEN_ANSWER], capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "0 1"


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
def test_the_errors_of_an_order_are_written_in_spanish_too(
    changes: dict[str, Any], said: str
) -> None:
    order = parse_order(order_text(**changes))

    assert [texts_in("es").sentence(error.sentence) for error in order.errors] == [said]


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
def test_preferred_language_chooses_the_known_one_with_the_most_weight(
    header: str, language: str
) -> None:
    assert preferred_language(header) == language
