"""
The work on a text grows with its length, never with the square of it.

A reader that does more would take minutes for the largest texts that anyone can hand in: the
function's time would be up, and with it that of the good orders in its batch.
"""

import json
from collections.abc import Callable

import pytest

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import MAX_PAYLOAD_BYTES, is_order_id, parse_order
from chalicelib.orders.submission import well_formed_submission_id
from chalicelib.orders.times import parse_iso
from chalicelib.services.cursors import InvalidCursor, decode_cursor
from chalicelib.services.message import Message
from chalicelib.services.message_attributes import OTHER_ATTRIBUTES, string_attribute
from chalicelib.texts import preferred_language
from ops.desk.masking import masked_text
from ops.desk.order_bucket import identity_of
from tests.builders import sqs_record

SIZE = MAX_PAYLOAD_BYTES - 1_000
UNITS = [
    *("1", "0", "1.", "-", " ", "\t", ".", ",", '"', "\\", '\\"', "\\u0031", "[", "{", "}", "a"),
    *("1 ", "1-", "a-", "\u00e9", '"a":1,', '"id":"a",', "en;q=1,", "; charset=", "/", "e1"),
]


def read(body: str) -> None:
    try:
        parse_order(body)
    except UnreadableOrder:
        return


def read_order(text: str) -> None:
    read(text)
    read(f'{{"id": "a", "amount": {text}}}')
    for field in ("id", "amount", "fromAccount", "channel", "note"):
        read(json.dumps({"id": "a"} | {field: text}))


def read_attributes(text: str) -> None:
    """Read it as attributes that the processor packed: a sender may write the same."""
    for kind in ("String", "Number", "Number.x", "Binary"):
        value = "binaryValue" if kind == "Binary" else "stringValue"
        packed = json.dumps(
            {"n": {"dataType": kind, value: text}}, ensure_ascii=False, separators=(",", ":")
        )
        for written in (text, packed):
            attributes = {OTHER_ATTRIBUTES: string_attribute(written)}
            Message.from_record(sqs_record("{}") | {"messageAttributes": attributes})


def read_cursor(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor("query", text)


READERS: list[Callable[[str], object]] = [
    read_order,
    read_attributes,
    read_cursor,
    is_order_id,
    well_formed_submission_id,
    parse_iso,
    preferred_language,
    masked_text,
    identity_of,
]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("unit", UNITS)
def test_a_text_of_the_largest_size_is_read_at_once(
    reader: Callable[[str], object], unit: str
) -> None:
    body = unit * (SIZE // len(unit.encode()))

    # A pattern that does not match at the end tries all that it might have taken.
    for text in (body, f"{body}x", f"{body}!"):
        reader(text)
