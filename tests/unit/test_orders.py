"""What an order is: each rule, each code, each boundary."""

import json
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.orders import MAX_PAYLOAD_BYTES, UnreadableOrder, is_order_id, parse_order
from tests.builders import order_fields, order_text


def codes(text: str | bytes) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in parse_order(text).errors]


def with_amount(amount: str) -> str:
    """An order whose amount is the JSON text given, as it is."""
    return order_text(amount="@").replace('"@"', amount)


def unreadable(body: str | bytes) -> UnreadableOrder:
    with pytest.raises(UnreadableOrder) as refused:
        parse_order(body)
    return refused.value


def test_a_valid_order_is_read_whole() -> None:
    order = parse_order(order_text(channel="mobile", note="rent"))

    assert order.valid
    assert order.id == "order-001"
    assert order.amount == Decimal(2580)
    assert (order.from_account, order.to_account, order.channel) == ("1111111", "7777777", "mobile")


def test_the_payload_is_kept_byte_for_byte() -> None:
    body = '{ "id":"order-001",\r\n\t"amount": 1.10, "note": "ñ \\ud83d\\ude00 😀" }'.encode()

    assert parse_order(body).payload.encode() == body


@pytest.mark.parametrize(
    ("amount", "exact"),
    [
        ("2580", "2580"),
        ("0.01", "0.01"),
        ("12.5", "12.5"),
        ('"12.5"', "12.5"),
        ('"0012.50"', "12.5"),
        ("1e3", "1000"),
        ("25.8E1", "258"),
        ("7.0000", "7"),
        ("9999999999999.99", "9999999999999.99"),
        ('"9999999999999.99"', "9999999999999.99"),
        ("1." + "0" * 100, "1"),
    ],
)
def test_an_amount_is_exact(amount: str, exact: str) -> None:
    order = parse_order(with_amount(amount))

    assert order.valid
    assert order.amount == Decimal(exact)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("null", ["missing"]),
        ("true", ["not_a_number"]),
        ("[]", ["not_a_number"]),
        ("{}", ["not_a_number"]),
        ('""', ["not_a_number"]),
        ('"abc"', ["not_a_number"]),
        ('"NaN"', ["not_a_number"]),
        ('"Infinity"', ["not_a_number"]),
        ('"1e3"', ["not_a_number"]),
        ('"1_000"', ["not_a_number"]),
        ('" 1"', ["not_a_number"]),
        ('"1\\n"', ["not_a_number"]),
        ('"+1"', ["not_a_number"]),
        ('".5"', ["not_a_number"]),
        ('"5."', ["not_a_number"]),
        ('"\u0663"', ["not_a_number"]),
        ("1e400", ["not_a_number"]),
        ("-1e400", ["not_a_number"]),
        ("1e99999999999999999999", ["not_a_number"]),
        ("9" * 5000, ["not_a_number"]),
        ("0", ["not_positive"]),
        ("-0.00", ["not_positive"]),
        ("-1", ["not_positive"]),
        ("0.001", ["too_many_decimals"]),
        ("1e-400", ["too_many_decimals"]),
        ("-0.001", ["not_positive", "too_many_decimals"]),
        ("10000000000000", ["too_large"]),
        ("9999999999999.991", ["too_many_decimals", "too_large"]),
        ("1e300", ["too_large"]),
    ],
)
def test_a_bad_amount_is_said_by_its_code(amount: str, expected: list[str]) -> None:
    order = parse_order(with_amount(amount))

    assert [(error.field, error.code) for error in order.errors] == [
        ("amount", code) for code in expected
    ]
    assert order.amount is None


@pytest.mark.parametrize("field", ["fromAccount", "toAccount"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ["missing"]),
        (1111111, ["not_digits"]),
        (True, ["not_digits"]),
        ([], ["not_digits"]),
        ("", ["not_digits"]),
        ("12 34", ["not_digits"]),
        ("1234\n", ["not_digits"]),
        ("ES9121000418", ["not_digits"]),
        ("\u0661\u0662\u0663", ["not_digits"]),
        ("\u00b2", ["not_digits"]),
        ("1" * 35, ["too_long"]),
        ("x" * 35, ["not_digits", "too_long"]),
    ],
)
def test_a_bad_account_is_said_by_its_code(field: str, value: Any, expected: list[str]) -> None:
    text = json.dumps({**order_fields(), field: value})

    assert codes(text) == [(field, code) for code in expected]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1111111, "must be a string of digits in quotes: a number loses its leading zeros"),
        (1.5, "must be a string of digits in quotes: a number loses its leading zeros"),
        (True, "must be a string of digits: got true"),
        (["98765432"], "must be a string of digits: got a list"),
        ({"98765432": 1}, "must be a string of digits: got an object"),
    ],
)
def test_an_account_that_is_no_string_is_told_what_it_is(value: Any, said: str) -> None:
    (error,) = parse_order(order_text(fromAccount=value)).errors

    assert error.message == said


@pytest.mark.parametrize("account", ["0", "0" * 34, "1" * 34])
def test_an_account_has_1_to_34_digits(account: str) -> None:
    assert codes(order_text(fromAccount=account)) == []


def test_the_accounts_must_differ() -> None:
    assert codes(order_text(toAccount="1111111")) == [("toAccount", "same_account")]


def test_accounts_that_only_look_equal_as_numbers_are_different() -> None:
    assert codes(order_text(fromAccount="01", toAccount="1")) == []


@pytest.mark.parametrize("channel", ["branch", "WEB", "", 7, [], {}, False])
def test_an_unknown_channel_is_an_error(channel: Any) -> None:
    assert codes(order_text(channel=channel)) == [("channel", "unknown_channel")]


def test_a_channel_known_from_outside_counts_where_the_text_names_none() -> None:
    assert parse_order(order_text(), channel="atm").channel == "atm"
    assert parse_order(order_text(channel="web"), channel="atm").channel == "web"


def test_an_unknown_channel_from_outside_is_an_error_too() -> None:
    errors = parse_order(order_text(), channel="branch").errors

    assert [(error.field, error.code) for error in errors] == [("channel", "unknown_channel")]


def test_all_errors_are_reported_at_once() -> None:
    text = order_text(amount="-0.001", fromAccount=7, toAccount="x" * 40, channel="fax")

    assert codes(text) == [
        ("amount", "not_positive"),
        ("amount", "too_many_decimals"),
        ("fromAccount", "not_digits"),
        ("toAccount", "not_digits"),
        ("toAccount", "too_long"),
        ("channel", "unknown_channel"),
    ]


def test_a_message_says_what_was_sent() -> None:
    (error,) = parse_order(order_text(amount="abc")).errors

    assert error.message == 'must be a number, or a string such as "12.50": got "abc"'


def test_a_message_is_short_and_printable_whatever_was_sent() -> None:
    (error,) = parse_order(order_text(amount="\ud800\n" * 1000)).errors

    assert len(error.message) < 120
    assert error.message.isprintable()


def test_a_message_never_quotes_an_account() -> None:
    order = parse_order(order_text(fromAccount="98765432x", toAccount="98765432" * 5))

    assert not any("98765432" in error.message for error in order.errors)


@pytest.mark.parametrize("order_id", ["a", "A.b_c-9", "x" * 64, "...", ".a", "0"])
def test_an_id_of_safe_characters_is_taken(order_id: str) -> None:
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
def test_an_id_of_other_characters_makes_the_order_unreadable(order_id: str) -> None:
    refused = unreadable(order_text(order_id))

    assert (refused.reason, refused.field) == ("bad_id", "id")


@pytest.mark.parametrize("value", ["7", "true", "[]", "{}", "1.5"])
def test_an_id_that_is_no_string_makes_the_order_unreadable(value: str) -> None:
    assert unreadable(f'{{"id": {value}}}').reason == "bad_id"


@pytest.mark.parametrize("body", ['{"amount": 1}', '{"id": null}', "{}"])
def test_without_an_id_there_is_no_order(body: str) -> None:
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
def test_what_holds_no_order_is_unreadable(body: bytes | str, reason: str) -> None:
    assert unreadable(body).reason == reason


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"id": "order-01\t"}', "is not JSON: Invalid control character at line 1 column 17"),
        ('{"id" "a"}', "is not JSON: Expecting ':' delimiter at line 1 column 7"),
        ('{"id": "a', "is not JSON: Unterminated string starting at line 1 column 8"),
    ],
)
def test_what_is_not_json_is_said_with_its_place(body: str, said: str) -> None:
    """Python's own words end with "at" for some of its errors, and for others not."""
    assert str(unreadable(body)) == said


def test_256_kib_are_read() -> None:
    start = order_text()[:-1] + ', "note": "'
    text = start + "x" * (MAX_PAYLOAD_BYTES - len(start) - 2) + '"}'

    assert len(text.encode()) == MAX_PAYLOAD_BYTES
    assert parse_order(text).valid


@pytest.mark.parametrize(("levels", "readable"), [(31, True), (32, False)])
def test_32_levels_are_read_and_no_more(levels: int, *, readable: bool) -> None:
    text = order_text()[:-1] + f', "deep": {"[" * levels}{"]" * levels}}}'

    if readable:
        assert parse_order(text).valid
    else:
        assert unreadable(text).reason == "too_deep"


def test_brackets_in_a_string_are_no_levels() -> None:
    assert parse_order(order_text(note='[{"\\' * 100)).valid


def test_many_lists_side_by_side_are_not_deep() -> None:
    assert parse_order(order_text(lists=[[]] * 100)).valid


def test_fields_of_any_kind_may_be_added() -> None:
    text = order_text()[:-1] + ', "n": 1e999999999999999999999, "s": "\\ud800", "o": {"id": 7}}'

    assert parse_order(text).valid
