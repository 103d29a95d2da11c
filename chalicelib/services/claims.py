"""
Claims: the attributes that a sender puts beside an order, as far as the processor reads them.

Whoever may send to the queue can write anything into them, and they are no part of a submission's
identity, except the id. So no other one decides a verdict, a term, a slot or an archive key, and
none makes a message fail. A claim that can't be used is left out, and the record names it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib.orders.order import NOT_SENDABLE
from chalicelib.orders.submission import is_well_formed_id
from chalicelib.orders.terms import CHANNELS
from chalicelib.orders.times import parse_iso
from chalicelib.orders.traceparent import TRACEPARENT, well_formed_traceparent
from chalicelib.services.message import Message

# The longest ARN. A record with a much longer caller would be too large for the table.
MAX_CALLER_CHARACTERS = 2_048


class Claims(NamedTuple):
    """The claims of one message that can be used, and the names of those that can't."""

    received_at: datetime | None
    channel: str | None
    submitted_by: str | None
    traceparent: str | None
    ignored: tuple[str, ...]


def read_claims(message: Message) -> Claims:
    """Read the claims of a message. Whatever they are, it raises nothing."""
    usable: dict[str, Any] = {}
    ignored: list[str] = []
    for name, read in _READ.items():
        if name not in message.message_attributes:
            continue
        # A binary one has no text, and so is none that can be used.
        value = read(message.attribute(name) or "")
        if value is None:
            ignored.append(name)
        else:
            usable[name] = value
    return Claims(
        received_at=usable.get("receivedAt"),
        channel=usable.get("channel"),
        submitted_by=usable.get("submittedBy"),
        traceparent=_traceparent(message) if TRACEPARENT in message.message_attributes else None,
        ignored=tuple(ignored),
    )


def _traceparent(message: Message) -> str | None:
    # One that can't be used is as none, and not named: so W3C Trace Context has it.
    return well_formed_traceparent(message.attribute(TRACEPARENT) or "")


def _submission_id(text: str) -> str | None:
    # Any text makes one: see `well_formed_submission_id`.
    return text or None


def _channel(text: str) -> str | None:
    return text if text in CHANNELS else None


def _caller(text: str) -> str | None:
    can_be_stored = 0 < len(text) <= MAX_CALLER_CHARACTERS and not NOT_SENDABLE.search(text)
    return text if can_be_stored else None


def _request_id(text: str) -> str | None:
    return text if is_well_formed_id(text) else None


_READ: dict[str, Callable[[str], Any]] = {
    "submissionId": _submission_id,
    "receivedAt": parse_iso,
    "channel": _channel,
    "submittedBy": _caller,
    "requestId": _request_id,
}
