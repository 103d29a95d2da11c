"""An order: how it is read from text, and why none can be read."""

from decimal import Decimal

import pytest

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import MAX_PAYLOAD_BYTES, is_order_id, parse_order
from chalicelib.texts import texts_in
from tests.builders import order_text


def unreadable(body: str | bytes) -> UnreadableOrder:
    with pytest.raises(UnreadableOrder) as refused:
        parse_order(body)
    return refused.value


def test_parse_order_reads_every_field() -> None:
    order = parse_order(order_text(channel="mobile", note="rent"))

    assert order.valid
    assert order.id == "order-001"
    assert order.terms.given == {
        "amount": Decimal(2580),
        "fromAccount": "1111111",
        "toAccount": "7777777",
        "channel": "mobile",
    }


def test_an_order_keeps_its_payload_byte_for_byte() -> None:
    body = '{ "id":"order-001",\r\n\t"amount": 1.10, "note": "ñ \\ud83d\\ude00 😀" }'.encode()

    assert parse_order(body).payload.encode() == body


@pytest.mark.parametrize("order_id", ["a", "A.b_c-9", "x" * 64, "...", ".a", "0"])
def test_an_id_may_have_64_safe_characters(order_id: str) -> None:
    assert parse_order(order_text(order_id)).id == order_id
    assert is_order_id(order_id)


@pytest.mark.parametrize(
    "order_id",
    [
        "",
        ".",
        "..",
        "a/b",
        "../a",
        "a b",
        "a\n",
        "a\r\nX: y",
        "x" * 65,
        "ñ",
        "😀",
        "a%2fb",
        "\ud800",
    ],
)
def test_an_id_with_other_characters_makes_the_order_unreadable(order_id: str) -> None:
    refused = unreadable(order_text(order_id))

    assert (refused.reason, refused.field) == ("bad_id", "id")


@pytest.mark.parametrize("value", ["7", "true", "[]", "{}", "1.5"])
def test_an_id_that_is_no_string_makes_the_order_unreadable(value: str) -> None:
    assert unreadable(f'{{"id": {value}}}').reason == "bad_id"


@pytest.mark.parametrize("body", ['{"amount": 1}', '{"id": null}', "{}"])
def test_a_missing_id_makes_the_order_unreadable(body: str) -> None:
    assert unreadable(body).reason == "missing_id"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"null", "not_an_object"),
        (b"[]", "not_an_object"),
        (b'"x"', "not_an_object"),
        (b"7", "not_an_object"),
        (b"true", "not_an_object"),
        (b"{", "not_json"),
        (b'{"id": "a",}', "not_json"),
        (b"{'id': 'a'}", "not_json"),
        (b'{"id": "a"} x', "not_json"),
        (b'{"id": "a", "amount": NaN}', "not_json"),
        (b'{"id": "a", "amount": -Infinity}', "not_json"),
        (b'{"id": "a", "amount": 01}', "not_json"),
        (b'{"id": "a\x00"}', "not_json"),
        (b'\xef\xbb\xbf{"id": "a"}', "not_json"),
        ('{"id": "a"}'.encode("utf-16"), "not_utf8"),
        ('{"id": "a"}'.encode("utf-16-le"), "not_json"),
        (b"\x1f\x8b\x08\x00", "not_utf8"),
        (b'{"id": "a", "note": "\xc0\xaf"}', "not_utf8"),
        ('{"id": "\ud800"}', "not_utf8"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 50_000, "too_deep"),
        (b'{"id": "a", "id": "b"}', "repeated_key"),
        (b'{"id": "a", "\\u0069d": "b"}', "repeated_key"),
        (b'{"id": "a", "x": {"y": 1, "y": 1}}', "repeated_key"),
        ('{"id": "a", "note": "\uffff"}'.encode(), "forbidden_character"),
        (b" " * (MAX_PAYLOAD_BYTES + 1), "too_large"),
    ],
)
def test_parse_order_gives_a_reason_for_an_unreadable_order(body: bytes | str, reason: str) -> None:
    assert unreadable(body).reason == reason


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"id": "order-01\t"}', "is not JSON: Invalid control character at line 1 column 17"),
        ('{"id" "a"}', "is not JSON: Expecting ':' delimiter at line 1 column 7"),
        ('{"id": "a', "is not JSON: Unterminated string starting at line 1 column 8"),
    ],
)
def test_the_sentence_about_bad_json_names_the_place(body: str, said: str) -> None:
    """Some of Python's own messages end with "at", and others don't."""
    assert texts_in("en").sentence(unreadable(body).sentence) == said


def test_an_order_may_have_256_kib() -> None:
    start = order_text()[:-1] + ', "note": "'
    text = start + "x" * (MAX_PAYLOAD_BYTES - len(start) - 2) + '"}'

    assert len(text.encode()) == MAX_PAYLOAD_BYTES
    assert parse_order(text).valid


@pytest.mark.parametrize(("levels", "readable"), [(31, True), (32, False)])
def test_an_order_may_have_32_levels_and_no_more(levels: int, *, readable: bool) -> None:
    text = order_text()[:-1] + f', "deep": {"[" * levels}{"]" * levels}}}'

    if readable:
        assert parse_order(text).valid
    else:
        assert unreadable(text).reason == "too_deep"


def test_brackets_in_a_string_count_as_no_levels() -> None:
    assert parse_order(order_text(note='[{"\\' * 100)).valid


def test_lists_side_by_side_count_as_one_level() -> None:
    assert parse_order(order_text(lists=[[]] * 100)).valid


def test_an_order_may_have_extra_fields_of_any_kind() -> None:
    text = order_text()[:-1] + ', "n": 1e999999999999999999999, "s": "\\ud800", "o": {"id": 7}}'

    assert parse_order(text).valid
