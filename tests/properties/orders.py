"""
Orders as text, from valid to anything but, each with what must be read from it.

This module works out the expected reading by itself, from fractions and single characters, so that
it shares no mistake with the code under test.
"""

import json
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import strategies as st

DIGITS = "0123456789"
ID_CHARACTERS = string.ascii_letters + DIGITS + "._-"
LARGEST_DOUBLE = Fraction(sys.float_info.max)
LARGEST_AMOUNT = Fraction(999_999_999_999_999, 100)
MANY = 10**6


@dataclass(frozen=True)
class Field:
    """A field as it stands in the text, and as any JSON parser reads it. None: it is left out."""

    json: str | None
    value: object = None


@dataclass(frozen=True)
class NumberText:
    """A JSON number, whose value is the decimal as written, never a float's."""

    text: str


@dataclass(frozen=True)
class OrderText:
    """An order as it is handed in."""

    id: str
    amount: Field
    from_account: Field
    to_account: Field
    channel: Field
    note: str = ""

    @property
    def text(self) -> str:
        fields = {
            "id": json.dumps(self.id),
            "amount": self.amount.json,
            "fromAccount": self.from_account.json,
            "toAccount": self.to_account.json,
            "channel": self.channel.json,
            "note": json.dumps(self.note),
        }
        inside = ", ".join(f'"{name}": {value}' for name, value in fields.items() if value)
        return f"{{{inside}}}"

    def expected_errors(self) -> set[tuple[str, str]]:
        """Name every rule that the order breaks."""
        from_errors = set(_account_errors(self.from_account.value))
        to_errors = set(_account_errors(self.to_account.value))
        if not from_errors | to_errors and self.from_account.value == self.to_account.value:
            to_errors = {"same_account"}
        return {
            *(("amount", code) for code in _amount_errors(self.amount.value)),
            *(("fromAccount", code) for code in from_errors),
            *(("toAccount", code) for code in to_errors),
            *(("channel", code) for code in _channel_errors(self.channel.value)),
        }

    def expected_amount(self) -> Fraction | None:
        """Say what the amount is worth, if it breaks no rule."""
        if any(_amount_errors(self.amount.value)):
            return None
        return _worth(self.amount.value)


def _amount_errors(value: object) -> Iterator[str]:
    if value is None:
        yield "missing"
        return
    worth = _worth(value)
    if worth is None or abs(worth) > LARGEST_DOUBLE:
        yield "not_a_number"
        return
    if worth <= 0:
        yield "not_positive"
    if (worth * 100).denominator != 1:
        yield "too_many_decimals"
    if worth > LARGEST_AMOUNT:
        yield "too_large"


def _worth(value: object) -> Fraction | None:
    if isinstance(value, NumberText):
        digits, _, exponent = value.text.lower().partition("e")
        # Fraction would write such a number out; no decimal digits make up for it.
        if abs(int(exponent or "0")) > MANY:
            return LARGEST_DOUBLE + 1
        return Fraction(digits) * Fraction(10) ** int(exponent or "0")
    if isinstance(value, str):
        whole, point, decimals = value.removeprefix("-").partition(".")
        parts = [whole, decimals] if point else [whole]
        if all(part and set(part) <= set(DIGITS) for part in parts):
            return Fraction(value)
    return None


def _account_errors(value: object) -> Iterator[str]:
    if value is None:
        yield "missing"
    elif not isinstance(value, str):
        yield "not_digits"
    else:
        if not value or not set(value) <= set(DIGITS):
            yield "not_digits"
        if len(value) > 34:
            yield "too_long"


def _channel_errors(value: object) -> Iterator[str]:
    if value not in (None, "web", "mobile", "atm"):
        yield "unknown_channel"


def as_json(value: object) -> Field:
    """Write the field of a value, as JSON in ASCII."""
    return Field(json.dumps(value), value)


def one_kind_of(*kinds: st.SearchStrategy[Field]) -> st.SearchStrategy[Field]:
    """Draw each kind as often as any other: `|` would count the alternatives within the kinds."""
    return st.sampled_from(kinds).flatmap(lambda kind: kind)


left_out = st.just(Field(None))

order_ids = st.text(ID_CHARACTERS, min_size=1, max_size=64).filter(lambda i: i not in {".", ".."})

digits = st.text(DIGITS, min_size=1, max_size=20)
signs = st.sampled_from(["", "-"])
wholes = st.integers(0, 10**18).map(str) | st.sampled_from(["0", "9999999999999"])
decimals = (
    st.just("") | digits.map(lambda text: f".{text}") | st.sampled_from([".99", ".990", ".999"])
)
exponents = st.just("") | st.builds(
    "{}{}{}".format, st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), st.integers(0, 400)
)
number_texts = st.builds("{}{}{}{}".format, signs, wholes, decimals, exponents)
json_numbers = number_texts.map(lambda text: Field(text, NumberText(text)))
decimal_strings = st.builds("{}{}{}".format, signs, digits, decimals).map(as_json)

valid_amounts = st.integers(1, 999_999_999_999_999).flatmap(
    lambda cents: st.sampled_from(
        [
            Field(text := f"{cents // 100}.{cents % 100:02}", NumberText(text)),
            as_json(text),
            Field(text := f"{cents}e-2", NumberText(text)),
        ]
    )
)
valid_accounts = st.text(DIGITS, min_size=1, max_size=34).map(as_json)
ordinary_account = st.just("1111111").map(as_json)
valid_channels = left_out | st.sampled_from([None, "web", "mobile", "atm"]).map(as_json)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)
# Numbers are left to `json_numbers`, which knows the value of their text.
wrong_values = (
    st.none()
    | st.booleans()
    | st.text(max_size=40)
    | st.text("0123456789\uff10\u00b2\u0663.-+eE ", max_size=40)
    | st.lists(st.text(max_size=3), max_size=2)
    | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2)
).map(as_json)
too_many_digits = st.text(DIGITS, min_size=35, max_size=70).map(as_json)
digits_and_others = st.text(DIGITS + "x", max_size=70).map(as_json)
wrong_accounts = one_kind_of(wrong_values, left_out, too_many_digits, digits_and_others)

valid_orders = st.builds(
    OrderText,
    id=order_ids,
    amount=valid_amounts,
    from_account=valid_accounts,
    to_account=valid_accounts,
    channel=valid_channels,
    note=st.text(),
).filter(lambda order: order.from_account != order.to_account)

near_valid_orders = st.builds(
    OrderText,
    id=order_ids,
    amount=one_kind_of(valid_amounts, json_numbers, decimal_strings, wrong_values, left_out),
    from_account=one_kind_of(ordinary_account, valid_accounts, valid_accounts, wrong_accounts),
    to_account=one_kind_of(ordinary_account, valid_accounts, valid_accounts, wrong_accounts),
    channel=one_kind_of(valid_channels, valid_channels, wrong_values),
)
