"""
What an order is: how it is read from the text of a submission, and when it is valid.

Standard library and messages, no I/O. Two things can be wrong with a submission. If no order can
be read from it (not JSON, no usable id, too large), it is *unreadable*: `UnreadableOrder` is
raised, and there is nothing to record. If an order can be read but breaks a rule, it is *invalid*:
it is an `Order` like any other, whose `errors` lists every broken rule at once.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Self

from chalicelib.messages import message, translate

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_ID_CHARACTERS = 64
MAX_ACCOUNT_DIGITS = 34
# 15 significant digits: the widest range that every JSON parser, JavaScript's too, keeps exact.
MAX_AMOUNT = Decimal("9999999999999.99")
CHANNELS = ("web", "mobile", "atm")

MAX_DECIMALS = 2
CENT = Decimal("0.01")
# What lies beyond is Infinity to most JSON parsers: such text does not name a number they agree on.
LARGEST_DOUBLE = Decimal(sys.float_info.max)
# "." and ".." are refused: URL and path normalisation would take them for directories.
ORDER_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}")
# ASCII on purpose: `\d`, str.isdigit and Decimal() all admit the digits of other scripts.
DECIMAL_STRING = re.compile(r"-?[0-9]+(\.[0-9]+)?")
NOT_A_DIGIT = re.compile(r"[^0-9]")
BRACKET_OR_STRING = re.compile(r'[\[\]{}]|"(?:[^"\\]|\\.)*"?', re.DOTALL)
# SQS takes tab, LF, CR, U+0020 to U+D7FF, U+E000 to U+FFFD and U+10000 to U+10FFFF (SendMessage,
# "Message", in its API reference). These are all others: so written it compiles 20 times faster.
NOT_SENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
SHOWN_CHARACTERS = 40


class UnreadableOrder(ValueError):
    """
    No order can be read from what was submitted: trying again can never succeed.

    `reason` is a stable code. `field` is "id" where the id is at fault, else None. The message
    (`str`) may quote what was sent: it goes to whoever sent it, never into a log.
    """

    def __init__(self, reason: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field


class OrderError(NamedTuple):
    """One broken rule of an order: the field, a stable code, and a sentence for people."""

    field: str
    code: str
    message: str

    def in_language(self, language: str) -> Self:
        """The same error with its message in another language, where it is known how."""
        return self._replace(message=translate(self.message, language))


class Order(NamedTuple):
    """
    An order as it was read. A field that is missing or breaks a rule is None.

    `payload` is the text as received, which `encode()` turns back into the bytes as received.
    """

    id: str
    payload: str
    payload_sha256: str
    amount: Decimal | None = None
    from_account: str | None = None
    to_account: str | None = None
    channel: str | None = None
    errors: tuple[OrderError, ...] = ()

    @property
    def valid(self) -> bool:
        return not self.errors


class JsonNumber(NamedTuple):
    """A JSON number as it was written: only the amount is ever converted, and exactly."""

    text: str


def parse_order(body: bytes | str, channel: str | None = None) -> Order:
    """
    Read an order from the text of a submission and check it against every rule.

    `channel` is what is known of the channel from outside the text (a message attribute); a
    `channel` in the text comes first.

    Raises:
        UnreadableOrder: no order can be read; there is no id to record anything under.
    """
    payload = _decoded(body)
    fields = _json_object(payload)
    order_id = _order_id(fields)
    if fields.get("channel") is None:
        fields["channel"] = channel
    amount, amount_errors = _amount(fields.get("amount"))
    from_account, from_errors = _account("fromAccount", fields.get("fromAccount"))
    to_account, to_errors = _account("toAccount", fields.get("toAccount"))
    if to_account is not None and to_account == from_account:
        to_errors = [OrderError("toAccount", "same_account", message("account.same"))]
    known_channel, channel_errors = _channel(fields["channel"])
    return Order(
        id=order_id,
        payload=payload,
        payload_sha256=sha256_of(payload),
        amount=amount,
        from_account=from_account,
        to_account=to_account,
        channel=known_channel,
        errors=(*amount_errors, *from_errors, *to_errors, *channel_errors),
    )


def is_order_id(text: str) -> bool:
    """Whether the text can be an order's id: 1 to 64 of `A-Z a-z 0-9 . _ -`, not `.` or `..`."""
    return ORDER_ID.fullmatch(text) is not None


def shown_id(value: Any) -> str:
    """What was given for an id, as it may stand in a message: whole, or how long it is."""
    if not isinstance(value, str):
        return _shown(value)
    if len(value) > MAX_ID_CHARACTERS:
        return message("got.characters", count=len(value))
    return json.dumps(value)


def sha256_of(text: str) -> str:
    """The SHA-256 of the text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _decoded(body: bytes | str) -> str:
    try:
        data = body.encode() if isinstance(body, str) else body
        # Its size comes before anything else: all other checks cost time that grows with it.
        if len(data) > MAX_PAYLOAD_BYTES:
            raise UnreadableOrder(
                "too_large", message("order.too_large", size=len(data), most=MAX_PAYLOAD_BYTES)
            )
        text = data.decode()
    except UnicodeError as error:
        raise UnreadableOrder(
            "not_utf8", message("order.not_utf8", position=error.args[2])
        ) from None
    if not text.strip():
        raise UnreadableOrder("empty", message("order.empty"))
    return text


def _json_object(text: str) -> dict[str, Any]:
    # Checked on the text, before the parser: it recurses, and 100,000 levels would be its end.
    if _depth(text) > MAX_DEPTH:
        raise UnreadableOrder("too_deep", message("order.too_deep", most=MAX_DEPTH))
    try:
        value = json.loads(
            text,
            parse_int=JsonNumber,
            parse_float=JsonNumber,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except json.JSONDecodeError as error:
        problem = error.msg.removesuffix(" at")  # some of Python's texts go on to the place
        raise UnreadableOrder(
            "not_json",
            message("order.not_json", problem=problem, line=error.lineno, column=error.colno),
        ) from None
    if not isinstance(value, dict):
        raise UnreadableOrder("not_an_object", message("order.not_an_object", got=_shown(value)))
    unsendable = NOT_SENDABLE.search(text)
    if unsendable:
        raise UnreadableOrder(
            "forbidden_character",
            message("order.forbidden_character", code=f"{ord(unsendable[0]):04X}"),
        )
    return value


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for token in BRACKET_OR_STRING.finditer(text):
        match token[0]:
            case "[" | "{":
                depth += 1
                deepest = max(deepest, depth)
            case "]" | "}":
                depth -= 1
    return deepest


def _refuse_constant(name: str) -> None:
    raise UnreadableOrder("not_json", message("order.not_a_value", name=name))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a repeated key: of two values, two parsers may keep two different ones."""
    unique: dict[str, Any] = {}
    for key, value in pairs:
        if key in unique:
            raise UnreadableOrder("repeated_key", message("order.repeated_key", key=_shown(key)))
        unique[key] = value
    return unique


def _order_id(fields: Mapping[str, Any]) -> str:
    value = fields.get("id")
    if value is None:
        raise UnreadableOrder("missing_id", message("id.missing"), "id")
    if not isinstance(value, str) or not is_order_id(value):
        raise UnreadableOrder("bad_id", message("id.bad", got=shown_id(value)), "id")
    return value


def _amount(value: Any) -> tuple[Decimal | None, list[OrderError]]:
    if value is None:
        return None, [OrderError("amount", "missing", message("amount.missing"))]
    amount = _exact_decimal(value)
    if amount is None:
        not_a_number = message("amount.not_a_number", got=_shown(value))
        return None, [OrderError("amount", "not_a_number", not_a_number)]
    errors = [
        OrderError("amount", code, message(f"amount.{code}", got=_shown(value), **limits))
        for code, limits in _broken_amount_rules(amount)
    ]
    return (None, errors) if errors else (amount.quantize(CENT), errors)


def _broken_amount_rules(amount: Decimal) -> Iterator[tuple[str, dict[str, Any]]]:
    """The code of each rule that is broken, with the limit that its message names."""
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
    return amount if abs(amount) <= LARGEST_DOUBLE else None


def _decimal_places(amount: Decimal) -> int:
    """How many decimals the value needs: 2 for 12.50 is 1, for 1e3 or 7.000 it is 0."""
    _, digits, exponent = amount.as_tuple()
    significant = "".join(map(str, digits)).rstrip("0")
    return -int(exponent) - (len(digits) - len(significant)) if significant else 0


def _account(field: str, value: Any) -> tuple[str | None, list[OrderError]]:
    # The messages never quote the account: they are shown where account numbers are masked.
    if value is None:
        return None, [OrderError(field, "missing", message("account.missing"))]
    if isinstance(value, JsonNumber):
        return None, [OrderError(field, "not_digits", message("account.a_number"))]
    if not isinstance(value, str):
        not_a_string = message("account.not_a_string", got=_shown(value))
        return None, [OrderError(field, "not_digits", not_a_string)]
    errors = []
    stranger = NOT_A_DIGIT.search(value)
    if stranger:
        not_digits = message("account.not_digits", position=stranger.start() + 1)
        errors.append(OrderError(field, "not_digits", not_digits))
    elif not value:
        errors.append(OrderError(field, "not_digits", message("account.no_digits")))
    if len(value) > MAX_ACCOUNT_DIGITS:
        too_long = message("account.too_long", most=MAX_ACCOUNT_DIGITS, count=len(value))
        errors.append(OrderError(field, "too_long", too_long))
    return (None, errors) if errors else (value, errors)


def _channel(value: Any) -> tuple[str | None, list[OrderError]]:
    if value is None or (isinstance(value, str) and value in CHANNELS):
        return value, []
    unknown = message("channel.unknown", channels=", ".join(CHANNELS), got=_shown(value))
    return None, [OrderError("channel", "unknown_channel", unknown)]


def _shown(value: Any) -> str:
    """The value as it may stand in a message: JSON in ASCII, cut where it is long."""
    text: str
    if isinstance(value, JsonNumber):
        text = value.text
    elif isinstance(value, dict):
        text = message("got.object")
    elif isinstance(value, list):
        text = message("got.list")
    else:
        text = json.dumps(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
