"""Rules that hold for every text that is handed in, whoever wrote it."""

import json
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.aws.items import from_item, to_item
from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import Order, is_order_id, parse_order
from chalicelib.orders.record import Record
from chalicelib.orders.submission import Submission
from chalicelib.texts import LANGUAGES, texts_in
from tests.builders import START
from tests.properties.orders import (
    ID_CHARACTERS,
    OrderText,
    as_json,
    json_values,
    near_valid_orders,
    valid_orders,
)


def read(body: bytes | str) -> Order | UnreadableOrder:
    """Read the order, or why there is none. Any other exception fails the test."""
    try:
        return parse_order(body)
    except UnreadableOrder as unreadable:
        return unreadable


def order_with_note(note: str) -> str:
    return f'{{"id": "order-001", "amount": 1, "note": {note}}}'


@given(st.binary())
@example(b"\xff\xfe{\x00}\x00")
@example(b"\xef\xbb\xbf{}")
@example(b"[" * 100_000)
@example(b'{"id":' * 100_000)
@example(b'{"id": "a", "amount": NaN}')
@example(b'{"id": "a", "amount": -Infinity}')
@example(b'{"id": "a", "amount": 1e999999999999999999999}')
@example(b'{"id": "a", "amount": ' + b"9" * 10_000 + b"}")
def test_parse_order_reads_any_bytes_or_refuses_them_with_a_reason(body: bytes) -> None:
    read(body)


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,21})?", fullmatch=True)
)
@example("1e1000000")
@example(f"9.{40 * '9'}e999999")
@example("1e-999999999999999999")
@example("0e999999999999999999")
def test_parse_order_judges_any_number_as_an_amount(number: str) -> None:
    """Decimal takes exponents of 18 digits, and its arithmetic overflows from 1,000,000 on."""
    found = read(f'{{"id": "a", "amount": {number}}}')

    assert isinstance(found, Order)


@given(st.text())
def test_parse_order_reads_any_text_or_refuses_it_with_a_reason(text: str) -> None:
    read(text)


@given(
    st.dictionaries(st.sampled_from(["id", "amount", "channel", "x"]), json_values), st.booleans()
)
def test_parse_order_reads_any_json_object_or_refuses_it_with_a_reason(
    fields: dict[str, object], in_ascii: bool
) -> None:
    result = read(json.dumps(fields, ensure_ascii=in_ascii))

    if isinstance(result, Order):
        assert result.id == fields["id"]
        assert not result.valid  # it has no accounts


@given(json_values.filter(lambda value: not isinstance(value, dict)))
def test_parse_order_refuses_json_that_is_no_object(value: object) -> None:
    result = read(json.dumps(value))

    assert isinstance(result, UnreadableOrder)
    assert result.reason == "not_an_object"


@given(st.text() | st.none() | st.booleans() | st.integers() | st.lists(st.text()))
@example(".")
@example("..")
@example("a" * 64)
@example("a" * 65)
@example("order-001\n")
def test_parse_order_reads_an_order_if_and_only_if_its_id_can_be_one(value: object) -> None:
    result = read(json.dumps({"id": value}))

    can_be = (
        isinstance(value, str)
        and 1 <= len(value) <= 64
        and set(value) <= set(ID_CHARACTERS)
        and value not in {".", ".."}
    )
    assert isinstance(result, Order) == can_be
    assert is_order_id(value if isinstance(value, str) else "") == can_be


@given(near_valid_orders)
def test_parse_order_reports_every_broken_rule_at_once(order_text: OrderText) -> None:
    order = parse_order(order_text.text)

    told = [(error.field, error.code) for error in order.errors]
    assert set(told) == order_text.expected_errors()
    assert len(told) == len(set(told))


@given(near_valid_orders)
def test_a_field_has_a_value_if_and_only_if_it_breaks_no_rule(order_text: OrderText) -> None:
    order = parse_order(order_text.text)

    at_fault = {field for field, _ in order_text.expected_errors()} - {"channel"}
    same_account = ("toAccount", "same_account") in order_text.expected_errors()
    assert (order.terms["amount"] is None) == ("amount" in at_fault)
    assert (order.terms["fromAccount"] is None) == ("fromAccount" in at_fault)
    assert (order.terms["toAccount"] is None) == ("toAccount" in at_fault and not same_account)


@given(near_valid_orders)
def test_an_amount_is_worth_exactly_what_is_written(order_text: OrderText) -> None:
    order = parse_order(order_text.text)

    amount = order.terms["amount"]
    assert (None if amount is None else Fraction(amount)) == order_text.expected_amount()


@given(valid_orders)
def test_parse_order_reads_a_valid_order_whole_and_keeps_its_bytes(order_text: OrderText) -> None:
    order = parse_order(order_text.text.encode())

    assert order.valid
    assert order.id == order_text.id
    assert order.terms["fromAccount"] == order_text.from_account.value
    assert order.terms["toAccount"] == order_text.to_account.value
    assert order.terms["channel"] == order.terms.channel == order_text.channel.value
    assert order.payload.encode() == order_text.text.encode()
    assert parse_order(order.payload) == order


@given(near_valid_orders | valid_orders, st.integers(1, 100))
def test_a_record_comes_back_from_its_item_as_it_was(order_text: OrderText, count: int) -> None:
    submission = Submission(
        order=parse_order(order_text.text),
        submission_id="submission-1",
        received_at=START,
        receive_count=count,
    )
    record = Record.of_first(submission, START)

    assert from_item(to_item(record, audit_shards=4)) == record


@given(near_valid_orders | valid_orders)
def test_an_item_holds_nothing_that_the_table_would_refuse(order_text: OrderText) -> None:
    """DynamoDB keeps text as UTF-8: a lone surrogate, from an escape in the JSON, has none."""
    submission = Submission(parse_order(order_text.text), "submission-1", START)

    json.dumps(to_item(Record.of_first(submission, START), 4), ensure_ascii=False).encode()


@given(st.lists(st.sampled_from("[{"), min_size=1, max_size=40))
def test_parse_order_reads_up_to_32_levels(opened: list[str]) -> None:
    inside = "1"
    for bracket in reversed(opened):
        inside = f"[{inside}]" if bracket == "[" else f'{{"a": {inside}}}'

    result = read(order_with_note(inside))

    assert isinstance(result, Order) == (1 + len(opened) <= 32)


@given(st.sampled_from(["id", "amount", "note", "x"]), json_values)
def test_parse_order_refuses_a_repeated_key_wherever_it_is(key: str, value: object) -> None:
    twice = f'{{"{key}": {json.dumps(value)}, "{key}": {json.dumps(value)}}}'

    for text in (twice, order_with_note(f"[{twice}]")):
        result = read(text)

        assert isinstance(result, UnreadableOrder)
        assert result.reason == "repeated_key"


@pytest.mark.parametrize("text", ["\x00", "\x1f", "\x7f", "￾", "￿", "\ud800", "é", "\U0010ffff"])
def test_an_escaped_character_can_stand_in_any_field(text: str) -> None:
    """A lone surrogate too: every message can still be encoded."""
    field = as_json(text)

    order = parse_order(f'{{"id": "order-001", "amount": {field.json}, "channel": {field.json}}}')

    assert ("amount", "not_a_number") in {(error.field, error.code) for error in order.errors}
    for language in LANGUAGES:
        "".join(texts_in(language).error(error)["message"] for error in order.errors).encode()
