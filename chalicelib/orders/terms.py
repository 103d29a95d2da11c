"""
The terms of an order: the amount to transfer, the two accounts, and the channel.

`TERMS` is the one list of these fields. Everything that stores, compares, shows, masks or exports
an order's fields loops over it, so a new field is a line there and a rule for it.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Any, NamedTuple, Self

from chalicelib.orders.errors import FieldError, Parameter, sentence

MAX_ACCOUNT_DIGITS = 34
# 15 significant digits: the widest range that every JSON parser, JavaScript's too, keeps exact.
MAX_AMOUNT = Decimal("9999999999999.99")
MAX_DECIMALS = 2
CHANNELS = ("web", "mobile", "atm")

CENT = Decimal("0.01")
# Most JSON parsers take a larger number for Infinity: they do not agree on it.
LARGEST_DOUBLE = Decimal(sys.float_info.max)
# ASCII on purpose: `\d`, str.isdigit and Decimal() all admit the digits of other scripts.
DECIMAL_STRING = re.compile(r"-?[0-9]+(\.[0-9]+)?")
NOT_A_DIGIT = re.compile(r"[^0-9]")
SHOWN_CHARACTERS = 40

Value = Decimal | str | None
"""A term's value. None: the field is missing, or breaks a rule."""

Rule = Callable[[str, Any], tuple[Value, list[FieldError]]]
"""Reads the field of this name: its value, or None with every rule that it breaks."""


class JsonNumber(NamedTuple):
    """A JSON number as it was written: only the amount is ever converted, and exactly."""

    text: str


class Term(NamedTuple):
    """
    One field of the terms: its rule, and whether people see it masked.

    Terms of one `kind` are searched together: an account may be either of the two.
    """

    rule: Rule
    masked: bool = False
    decimal: bool = False
    kind: str | None = None


class Terms(Mapping[str, Value]):
    """
    The terms of one order, by the names of `TERMS`. They never change.

    A name that has no value is None, also where the terms were stored before the name existed.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value] | None = None) -> None:
        self._values = dict(values or {})

    def __getitem__(self, name: str) -> Value:
        if name not in TERMS:
            raise KeyError(name)
        return self._values.get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(TERMS)

    def __len__(self) -> int:
        return len(TERMS)

    def __repr__(self) -> str:
        return f"Terms({self.given})"

    @property
    def channel(self) -> str | None:
        """The channel that the order names, if it is one."""
        channel = self._values.get("channel")
        return channel if isinstance(channel, str) else None

    @property
    def given(self) -> dict[str, Decimal | str]:
        """Only the terms that have a value."""
        return {name: value for name, value in self._values.items() if value is not None}

    @property
    def canonical(self) -> dict[str, str | None]:
        """The terms as text that is equal where they are: 12.50 and 12.5 are one amount."""
        return {
            name: f"{value.normalize():f}" if isinstance(value, Decimal) else value
            for name, value in self.items()
        }

    def differing_from(self, other: Self) -> tuple[str, ...]:
        """Name the terms that differ."""
        return tuple(name for name in TERMS if self[name] != other[name])

    def masked(self, mask: Callable[[str], str]) -> Self:
        """Apply `mask` to the values of the terms that are masked."""
        return type(self)(
            {
                name: mask(str(value)) if TERMS[name].masked and value is not None else value
                for name, value in self.items()
            }
        )


def read_terms(fields: Mapping[str, Any]) -> tuple[Terms, tuple[FieldError, ...]]:
    """Read the terms from the fields of a JSON object, with every rule that is broken."""
    values: dict[str, Value] = {}
    errors: dict[str, list[FieldError]] = {}
    for name, term in TERMS.items():
        values[name], errors[name] = term.rule(name, fields.get(name))
    to_account = values["toAccount"]
    if to_account is not None and to_account == values["fromAccount"]:
        same = FieldError("toAccount", "same_account", sentence("account.same"))
        errors["toAccount"].append(same)
    return Terms(values), tuple(chain.from_iterable(errors.values()))


def shown(value: Any) -> Parameter:
    """Return a value as a sentence may show it: JSON in ASCII, cut where it is long."""
    if isinstance(value, dict):
        return sentence("got.object")
    if isinstance(value, list):
        return sentence("got.list")
    text = value.text if isinstance(value, JsonNumber) else json.dumps(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _amount(field: str, value: Any) -> tuple[Value, list[FieldError]]:
    if value is None:
        return None, [FieldError(field, "missing", sentence("amount.missing"))]
    amount = _exact_decimal(value)
    if amount is None:
        not_a_number = sentence("amount.not_a_number", got=shown(value))
        return None, [FieldError(field, "not_a_number", not_a_number)]
    errors = [
        FieldError(field, code, sentence(f"amount.{code}", got=shown(value), **limits))
        for code, limits in _broken_amount_rules(amount)
    ]
    return (None, errors) if errors else (amount.quantize(CENT), errors)


def _broken_amount_rules(amount: Decimal) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name the code of each broken rule, with the limit that its sentence names."""
    if amount <= 0:
        yield "not_positive", {}
    if _decimal_places(amount) > MAX_DECIMALS:
        yield "too_many_decimals", {"most": MAX_DECIMALS}
    if amount > MAX_AMOUNT:
        yield "too_large", {"most": MAX_AMOUNT}


def _exact_decimal(value: Any) -> Decimal | None:
    match value:
        case JsonNumber(text):
            pass
        case str(text) if DECIMAL_STRING.fullmatch(text):
            pass
        case _:
            return None
    try:
        amount = Decimal(text)
    except InvalidOperation:  # an exponent beyond Decimal's own limits
        return None
    # A copy: the arithmetic of abs() overflows beyond the context of Decimal.
    return amount if amount.copy_abs() <= LARGEST_DOUBLE else None


def _decimal_places(amount: Decimal) -> int:
    """Count the decimals that the value needs: 1 for 12.50, 0 for 1e3 or 7.000."""
    _, digits, exponent = amount.as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    return -int(exponent) - (len(digits) - len(significant)) if significant else 0


def _account(field: str, value: Any) -> tuple[Value, list[FieldError]]:
    # The sentences never quote the account: they are shown where account numbers are masked.
    if value is None:
        return None, [FieldError(field, "missing", sentence("account.missing"))]
    if isinstance(value, JsonNumber):
        return None, [FieldError(field, "not_digits", sentence("account.a_number"))]
    if not isinstance(value, str):
        not_a_string = sentence("account.not_a_string", got=shown(value))
        return None, [FieldError(field, "not_digits", not_a_string)]
    errors = []
    stranger = NOT_A_DIGIT.search(value)
    if stranger:
        not_digits = sentence("account.not_digits", position=stranger.start() + 1)
        errors.append(FieldError(field, "not_digits", not_digits))
    elif not value:
        errors.append(FieldError(field, "not_digits", sentence("account.no_digits")))
    if len(value) > MAX_ACCOUNT_DIGITS:
        too_long = sentence("account.too_long", most=MAX_ACCOUNT_DIGITS, count=len(value))
        errors.append(FieldError(field, "too_long", too_long))
    return (None, errors) if errors else (value, errors)


def _channel(field: str, value: Any) -> tuple[Value, list[FieldError]]:
    if value is None or (isinstance(value, str) and value in CHANNELS):
        return value, []
    unknown = sentence("channel.unknown", channels=", ".join(CHANNELS), got=shown(value))
    return None, [FieldError(field, "unknown_channel", unknown)]


TERMS: dict[str, Term] = {
    "amount": Term(_amount, decimal=True),
    "fromAccount": Term(_account, masked=True, kind="account"),
    "toAccount": Term(_account, masked=True, kind="account"),
    "channel": Term(_channel),
}

# A term is required if its rule refuses an order without it.
REQUIRED_TERMS = frozenset(name for name, term in TERMS.items() if term.rule(name, None)[1])
"""The names of the terms that no valid order leaves out."""
