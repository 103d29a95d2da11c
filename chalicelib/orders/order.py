"""
An order: how it is read from the text of a submission, and when it is valid.

Two things can be wrong with a submission. If no order can be read from it (not JSON, no usable id,
another service's envelope, too large), it is *unreadable*: `UnreadableOrder` is raised, and there
is nothing to record. If an order can be read but breaks a rule, it is *invalid*: it is an `Order`
like any other, whose `errors` lists every broken rule at once.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from chalicelib.orders.envelopes import envelope_of
from chalicelib.orders.errors import FieldError, Parameter, UnreadableOrder, sentence
from chalicelib.orders.terms import REQUIRED_TERMS, JsonNumber, Terms, read_terms, shown

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_ID_CHARACTERS = 64

# "." and ".." are refused: URL and path normalisation would take them for directories.
ORDER_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,64}")
BRACKET_OR_STRING = re.compile(r'[\[\]{}]|"(?:[^"\\]|\\.)*"?', re.DOTALL)
# SQS takes tab, LF, CR, U+0020 to U+D7FF, U+E000 to U+FFFD and U+10000 to U+10FFFF (SendMessage,
# "Message", in its API reference). These are all others: so written it compiles in 0.5 ms instead
# of 10 (docs/decisions/0009-optimisations.md).
NOT_SENDABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Order(NamedTuple):
    """
    An order as it was read.

    `payload` is the text as received, which `encode()` turns back into the bytes as received.
    """

    id: str
    payload: str
    payload_sha256: str
    terms: Terms
    errors: tuple[FieldError, ...] = ()

    @property
    def valid(self) -> bool:
        return not self.errors


def parse_order(body: bytes | str) -> Order:
    """
    Read an order from the text of a submission and check it against every rule.

    The text alone decides: nothing that came beside it makes an order valid, invalid or another.

    Raises:
        UnreadableOrder: no order can be read; there is no id to record anything under.
    """
    payload = _decoded(body)
    fields = _json_object(payload)
    _refuse_envelope(fields)  # before the id: an envelope may have none, or one of another form
    order_id = _order_id(fields)
    terms, errors = read_terms(fields)
    return Order(order_id, payload, sha256_of(payload), terms, errors)


def is_order_id(text: str) -> bool:
    """Say whether text can be an order's id: 1 to 64 of `A-Z a-z 0-9 . _ -`, not `.` or `..`."""
    return ORDER_ID.fullmatch(text) is not None


def shown_id(value: Any, most: int = MAX_ID_CHARACTERS) -> Parameter:
    """Return a given id as a sentence may show it: whole, or only its length."""
    if not isinstance(value, str):
        return shown(value)
    if len(value) > most:
        return sentence("got.characters", count=len(value))
    return json.dumps(value)


def sha256_of(text: str) -> str:
    """Hash the text in UTF-8 with SHA-256, into 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def too_large(size: int) -> UnreadableOrder:
    """Make the error of a text of so many bytes, which are too many."""
    return UnreadableOrder(
        "too_large", sentence("order.too_large", size=size, most=MAX_PAYLOAD_BYTES)
    )


def _decoded(body: bytes | str) -> str:
    try:
        data = body.encode() if isinstance(body, str) else body
        # Check the size first: the other checks cost time that grows with it.
        if len(data) > MAX_PAYLOAD_BYTES:
            raise too_large(len(data))
        text = data.decode()
    except UnicodeError as error:
        raise UnreadableOrder(
            "not_utf8", sentence("order.not_utf8", position=error.args[2])
        ) from None
    if not text.strip():
        raise UnreadableOrder("empty", sentence("order.empty"))
    return text


def _json_object(text: str) -> dict[str, Any]:
    # Check the text before the parser runs: it recurses, and 100,000 levels would crash it.
    if _depth(text) > MAX_DEPTH:
        raise UnreadableOrder("too_deep", sentence("order.too_deep", most=MAX_DEPTH))
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
            sentence("order.not_json", problem=problem, line=error.lineno, column=error.colno),
        ) from None
    if not isinstance(value, dict):
        raise UnreadableOrder("not_an_object", sentence("order.not_an_object", got=shown(value)))
    unsendable = NOT_SENDABLE.search(text)
    if unsendable:
        raise UnreadableOrder(
            "forbidden_character",
            sentence("order.forbidden_character", code=f"{ord(unsendable[0]):04X}"),
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
    raise UnreadableOrder("not_json", sentence("order.not_a_value", name=name))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a repeated key: of two values, two parsers may keep two different ones."""
    unique: dict[str, Any] = {}
    for key, value in pairs:
        if key in unique:
            raise UnreadableOrder("repeated_key", sentence("order.repeated_key", key=shown(key)))
        unique[key] = value
    return unique


def _refuse_envelope(fields: Mapping[str, Any]) -> None:
    """Refuse another service's envelope. What has even one required term is an order."""
    envelope = envelope_of(fields) if REQUIRED_TERMS.isdisjoint(fields) else None
    if envelope:
        raise UnreadableOrder("foreign_envelope", envelope)


def _order_id(fields: Mapping[str, Any]) -> str:
    value = fields.get("id")
    if value is None:
        raise UnreadableOrder("missing_id", sentence("id.missing"), "id")
    if not isinstance(value, str) or not is_order_id(value):
        raise UnreadableOrder("bad_id", sentence("id.bad", got=shown_id(value)), "id")
    return value
