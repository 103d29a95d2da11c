"""The terms of an order: each rule, each code, each boundary."""

import json
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.orders.errors import FieldError
from chalicelib.orders.order import parse_order
from chalicelib.orders.terms import CHANNELS, REQUIRED_TERMS, TERMS, Terms, Value
from chalicelib.texts import texts_in
from tests.builders import order_fields, order_text


def message(error: FieldError) -> str:
    """Write the error's sentence in English."""
    return texts_in("en").sentence(error.sentence)


def codes(text: str | bytes) -> list[tuple[str, str]]:
    return [(error.field, error.code) for error in parse_order(text).errors]


def with_amount(amount: str) -> str:
    """Write an order whose amount is the JSON text given, as it is."""
    return order_text(amount="@").replace('"@"', amount)


def test_the_required_terms_are_those_that_an_order_can_not_leave_out() -> None:
    missing = {field for field, code in codes('{"id": "order-001"}') if code == "missing"}

    assert missing == REQUIRED_TERMS == {"amount", "fromAccount", "toAccount"}


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
def test_an_amount_has_exactly_the_value_that_was_written(amount: str, exact: str) -> None:
    order = parse_order(with_amount(amount))

    assert order.valid
    assert order.terms["amount"] == Decimal(exact)


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
        # Decimal takes these, and its arithmetic overflows on them.
        ("1e1000000", ["not_a_number"]),
        ("-1e1000000", ["not_a_number"]),
        (f"9.{40 * '9'}e999999", ["not_a_number"]),
        ("1e999999999999999999", ["not_a_number"]),
        ("1e-1000000", ["too_many_decimals"]),
        ("1e-999999999999999999", ["too_many_decimals"]),
        ("0e1000000", ["not_positive"]),
        ("0e-1000000", ["not_positive"]),
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
def test_a_bad_amount_has_the_code_of_each_rule_that_it_breaks(
    amount: str, expected: list[str]
) -> None:
    order = parse_order(with_amount(amount))

    assert [(error.field, error.code) for error in order.errors] == [
        ("amount", code) for code in expected
    ]
    assert order.terms["amount"] is None


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
def test_a_bad_account_has_the_code_of_each_rule_that_it_breaks(
    field: str, value: Any, expected: list[str]
) -> None:
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
def test_the_error_of_an_account_that_is_no_string_names_its_type(value: Any, said: str) -> None:
    (error,) = parse_order(order_text(fromAccount=value)).errors

    assert message(error) == said


@pytest.mark.parametrize("account", ["0", "0" * 34, "1" * 34])
def test_an_account_may_have_1_to_34_digits(account: str) -> None:
    assert codes(order_text(fromAccount=account)) == []


def test_the_two_accounts_must_differ() -> None:
    assert codes(order_text(toAccount="1111111")) == [("toAccount", "same_account")]


def test_accounts_that_are_equal_only_as_numbers_differ() -> None:
    assert codes(order_text(fromAccount="01", toAccount="1")) == []


@pytest.mark.parametrize("channel", ["branch", "WEB", "", 7, [], {}, False])
def test_an_unknown_channel_breaks_a_rule(channel: Any) -> None:
    assert codes(order_text(channel=channel)) == [("channel", "unknown_channel")]


def test_parse_order_reports_all_errors_at_once() -> None:
    text = order_text(amount="-0.001", fromAccount=7, toAccount="x" * 40, channel="fax")

    assert codes(text) == [
        ("amount", "not_positive"),
        ("amount", "too_many_decimals"),
        ("fromAccount", "not_digits"),
        ("toAccount", "not_digits"),
        ("toAccount", "too_long"),
        ("channel", "unknown_channel"),
    ]


def test_a_message_quotes_the_value() -> None:
    (error,) = parse_order(order_text(amount="abc")).errors

    assert message(error) == 'must be a number, or a string such as "12.50": got "abc"'


def test_a_message_is_short_and_printable_for_any_value() -> None:
    (error,) = parse_order(order_text(amount="\ud800\n" * 1000)).errors

    assert len(message(error)) < 120
    assert message(error).isprintable()


def test_a_message_never_quotes_an_account() -> None:
    order = parse_order(order_text(fromAccount="98765432x", toAccount="98765432" * 5))

    assert not any("98765432" in message(error) for error in order.errors)


def test_terms_have_every_name_and_none_where_there_is_no_value() -> None:
    """Terms may have been stored before a name existed."""
    terms = Terms({"amount": Decimal("1.50")})

    assert list(terms) == list(TERMS)
    assert len(terms) == len(TERMS)
    assert terms["channel"] is None
    assert terms.channel is None


def test_terms_have_no_other_name() -> None:
    with pytest.raises(KeyError):
        Terms({"note": "rent"})["note"]


def test_terms_are_equal_if_their_values_are() -> None:
    assert Terms({"amount": Decimal("12.50"), "channel": None}) == Terms(
        {"amount": Decimal("12.5")}
    )
    assert Terms({"amount": Decimal("12.50")}) != Terms({"amount": Decimal("12.51")})


def test_terms_never_change() -> None:
    values: dict[str, Value] = {"channel": "web"}
    terms = Terms(values)

    values["channel"] = "atm"
    terms.given["channel"] = "mobile"

    assert terms["channel"] == "web"


def test_differing_from_names_terms_in_the_order_of_the_list() -> None:
    terms = parse_order(order_text(channel="web")).terms
    other = parse_order(order_text(amount=1, toAccount="8")).terms

    assert terms.differing_from(other) == ("amount", "toAccount", "channel")
    assert terms.differing_from(terms) == ()


def test_given_returns_the_terms_that_have_a_value() -> None:
    terms = parse_order(order_text(amount="x", channel="web")).terms

    assert terms.given == {"fromAccount": "1111111", "toAccount": "7777777", "channel": "web"}


def test_canonical_terms_are_the_same_text_for_equal_amounts() -> None:
    short, long = (parse_order(order_text(amount=amount)).terms for amount in ("2580", "2580.00"))

    assert short.canonical == long.canonical
    assert short.canonical["amount"] == "2580"
    assert short.canonical["channel"] is None


def test_masked_terms_hide_the_accounts_and_nothing_else() -> None:
    terms = parse_order(order_text(channel="atm", toAccount=None)).terms

    assert terms.masked(lambda account: f"{len(account)} digits").given == {
        "amount": Decimal(2580),
        "fromAccount": "7 digits",
        "channel": "atm",
    }


@pytest.mark.parametrize("channel", CHANNELS)
def test_terms_know_their_channel(channel: str) -> None:
    assert parse_order(order_text(channel=channel)).terms.channel == channel


def test_terms_show_themselves_with_their_values() -> None:
    assert repr(Terms({"channel": "web", "amount": None})) == "Terms({'channel': 'web'})"
