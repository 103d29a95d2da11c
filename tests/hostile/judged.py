"""The rule for every text that is handed in: it is judged, or refused with a reason."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from chalicelib.aws.items import from_item, to_item
from chalicelib.http.representation import record_json, to_json
from chalicelib.orders.errors import Sentence, UnreadableOrder
from chalicelib.orders.order import Order, is_order_id, parse_order
from chalicelib.orders.record import Record
from chalicelib.orders.submission import Submission
from chalicelib.texts import LANGUAGES, Texts, texts_in
from ops.desk.letter_reasons import REASONS

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
MAX_AMOUNT = Fraction(999_999_999_999_999, 100)


def assert_judged(body: bytes) -> None:
    """Check what `parse_order` makes of a body, and that all that is made of it can be shown."""
    order = _read(body)
    if isinstance(order, UnreadableOrder):
        assert order.reason in REASONS, order.reason
        assert_written(order.sentence)
        return
    assert order.payload.encode() == body
    assert parse_order(order.payload) == order
    assert is_order_id(order.id)
    assert order.id == json.loads(body, parse_int=str)["id"]
    if order.valid:
        assert_valid(order)
    assert_recorded(order)


def _read(body: bytes) -> Order | UnreadableOrder:
    try:
        return parse_order(body)
    except UnreadableOrder as unreadable:
        return unreadable


def assert_valid(order: Order) -> None:
    amount = order.terms["amount"]
    assert isinstance(amount, Decimal)
    assert 0 < Fraction(amount) <= MAX_AMOUNT
    assert amount == amount.quantize(Decimal("0.01"))
    accounts = order.terms["fromAccount"], order.terms["toAccount"]
    assert accounts[0] != accounts[1]
    for account in accounts:
        assert isinstance(account, str)
        assert 1 <= len(account) <= 34
        assert set(account) <= set("0123456789")


def assert_recorded(order: Order) -> None:
    """Check that its record is stored, read and shown."""
    record = Record.of_first(Submission(order, "submission-1", MOMENT), MOMENT)
    item = to_item(record, audit_shards=4)
    json.dumps(item, ensure_ascii=False).encode()  # as DynamoDB keeps text: a surrogate has no form
    assert from_item(item) == record
    for texts in _all_texts():
        to_json(record_json(record, texts))
    for error in order.errors:
        assert_written(error.sentence)


def assert_written(sentence: Sentence) -> None:
    """Check that each language has the sentence, and a text for each of its parameters."""
    for texts in _all_texts():
        assert sentence.key in texts
        assert texts.sentence(sentence)
    for parameter in sentence.parameters.values():
        if isinstance(parameter, Sentence):
            assert_written(parameter)


def _all_texts() -> Iterator[Texts]:
    return map(texts_in, LANGUAGES)
