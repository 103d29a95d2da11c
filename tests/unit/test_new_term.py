"""
A new term is one line in the list of the terms: everything that shows an order has it.

A made-up fifth field is added, and then looked for wherever an order's fields go.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.test import Client

from chalicelib.aws.items import from_item, to_item
from chalicelib.orders.errors import FieldError, sentence
from chalicelib.orders.record import Record
from chalicelib.orders.terms import TERMS, Term, Value
from tests.application import FakeApplication, client_of, load_app
from tests.builders import START, Clock, order_text, sqs_event, sqs_record, submission

NAME = "reference"
VALUE = "Rent for March"
OTHER_VALUE = "Rent for April"
MAX_CHARACTERS = 20

AddTerm = Callable[..., None]


def read_reference(name: str, value: Any) -> tuple[Value, list[FieldError]]:
    """Read the made-up field: optional, a string of at most 20 characters."""
    if value is None or (isinstance(value, str) and len(value) <= MAX_CHARACTERS):
        return value, []
    too_long = sentence(f"{name}.too_long", most=MAX_CHARACTERS)
    return None, [FieldError(name, "too_long", too_long)]


@pytest.fixture
def add_term(monkeypatch: pytest.MonkeyPatch) -> AddTerm:
    """Make a function that adds the made-up field to the terms, for the length of a test."""

    def add(*, masked: bool = False) -> None:
        monkeypatch.setitem(TERMS, NAME, Term(read_reference, masked=masked))

    return add


@pytest.fixture
def new_term(add_term: AddTerm) -> str:
    """Add the made-up field to the terms, for the length of a test; its name."""
    add_term()
    return NAME


class Api:
    """The app under Chalice's test client, over fakes."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def post(self, text: str) -> Any:
        headers = {"Content-Type": "application/json"}
        return self._client.http.post("/orders", headers=headers, body=text.encode()).json_body

    def get(self, path: str) -> Any:
        return self._client.http.get(path).json_body

    def process(self, *texts: str) -> None:
        self._client.lambda_.invoke("process_orders", sqs_event(*map(sqs_record, texts)))


@pytest.fixture
def api() -> Iterator[Api]:
    with client_of(load_app(FakeApplication(Clock())).app) as client:
        yield Api(client)


def record(**fields: Any) -> Record:
    return Record.of_first(submission(order_text(**fields)), START)


def test_the_item_keeps_a_new_term(new_term: str) -> None:
    made = record(reference=VALUE)

    item = json.loads(json.dumps(to_item(made, audit_shards=4)))

    assert item["terms"]["M"][new_term] == {"S": VALUE}
    assert from_item(item) == made
    assert from_item(item).terms[new_term] == VALUE


def test_a_record_from_before_a_new_term_has_no_value_for_it(add_term: AddTerm) -> None:
    item = to_item(record(), audit_shards=4)

    add_term()

    assert from_item(item).terms[NAME] is None


def test_the_api_shows_a_new_term(api: Api, new_term: str) -> None:
    api.process(order_text(reference=VALUE))

    history = api.get("/orders/order-001")
    audit = api.get("/orders")

    shown = [history["order"], *history["records"], *audit["records"]]
    assert [one[new_term] for one in shown] == [VALUE] * 3


def test_the_api_shows_an_order_without_a_value_for_a_new_term(api: Api, new_term: str) -> None:
    api.process(order_text())

    assert api.get("/orders/order-001")["order"][new_term] is None


def test_the_api_reports_the_errors_of_a_new_term(api: Api, new_term: str) -> None:
    text = order_text(reference=VALUE * 2)
    error = {"field": new_term, "code": "too_long", "message": "reference.too_long most=20"}

    receipt = api.post(text)
    api.process(text)

    assert (receipt["valid"], receipt["errors"]) == (False, [error])
    recorded = api.get("/orders/order-001")["order"]
    assert (recorded["errors"], recorded[new_term]) == ([error], None)


def test_a_duplicate_differs_in_a_new_term(api: Api, new_term: str) -> None:
    api.process(order_text(reference=VALUE), order_text(reference=OTHER_VALUE))

    _, duplicate = api.get("/orders/order-001")["records"]

    assert (duplicate["status"], duplicate["differs"]) == ("DUPLICATE", [new_term])


def test_the_canonical_terms_hold_a_new_term(new_term: str) -> None:
    assert record(reference=VALUE).terms.canonical[new_term] == VALUE
    assert record().terms.canonical != record(reference=VALUE).terms.canonical


@pytest.mark.parametrize(("masked", "shown"), [(True, "****"), (False, VALUE)])
def test_a_new_term_is_masked_if_the_list_says_so(
    add_term: AddTerm, *, masked: bool, shown: str
) -> None:
    add_term(masked=masked)

    assert record(reference=VALUE).terms.masked(lambda _: "****")[NAME] == shown
