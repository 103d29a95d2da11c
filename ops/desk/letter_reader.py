"""Received messages read as dead letters, with the record store's knowledge of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from chalicelib.orders.errors import Sentence, UnreadableOrder, sentence_from_json
from chalicelib.orders.order import parse_order
from chalicelib.orders.times import parse_iso
from chalicelib.services.processed import submission_id_of
from ops.desk.letter_reasons import GAVE_UP
from ops.desk.letters import DETAIL_ATTRIBUTE, DeadLetter, Known
from ops.desk.masking import masked_text
from ops.desk.order_table import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from chalicelib.orders.record import Record, Status
    from chalicelib.services.message import Message
    from ops.desk.dead_letter_queue import Received


# The processor's sentences are far shorter. So none nests deeper than it can be read.
MAX_DETAIL_CHARACTERS = 2_000


class Records(Protocol):
    """The table, as far as letters need it."""

    def find(self, identities: Iterable[Identity]) -> dict[Identity, Record]: ...
    def accepted_or_first(self, order_ids: Iterable[str]) -> dict[str, Record]: ...


class LetterReader:
    """Reads messages, and looks their orders up."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def read(self, received: Sequence[Received], looked_at: datetime) -> list[DeadLetter]:
        """
        Read the messages of one receive, with two look-ups for all of them.

        `looked_at` is when the look began, which is later than whatever happened to a letter.
        """
        parsed = [(each, _parse(each.message)) for each in received]
        identities = [name for _, name in parsed if isinstance(name, Identity)]
        recorded = self._records.find(identities)
        standing = self._records.accepted_or_first(name.order_id for name in identities)
        return [_letter(each, name, recorded, standing, looked_at) for each, name in parsed]


def _parse(message: Message) -> Identity | UnreadableOrder:
    try:
        order = parse_order(message.body)
    except UnreadableOrder as error:
        return error
    return Identity(order.id, submission_id_of(message), order.payload_sha256)


def _letter(
    received: Received,
    read: Identity | UnreadableOrder,
    recorded: Mapping[Identity, Record],
    standing: Mapping[str, Record],
    looked_at: datetime,
) -> DeadLetter:
    message = received.message
    known, status = _known(read, recorded, standing)
    first, last = _times(received, looked_at)
    # Whoever sends to the queue may write this attribute too, and a reason is shown in every list.
    reason = masked_text(message.attribute("unreadableReason") or "")
    return DeadLetter(
        message=message,
        order_id=read.order_id if isinstance(read, Identity) else None,
        submission_id=submission_id_of(message),
        reason=reason or (GAVE_UP if isinstance(read, Identity) else read.reason),
        detail=_detail(message.attribute(DETAIL_ATTRIBUTE)),
        first_seen_at=first,
        last_seen_at=last,
        known=known,
        status=status,
    )


def _detail(text: str | None) -> Sentence | str | None:
    """Read the processor's sentence. Any other content of the attribute stays as it is."""
    if text is None or len(text) > MAX_DETAIL_CHARACTERS:
        return text
    try:
        return sentence_from_json(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _known(
    read: Identity | UnreadableOrder,
    recorded: Mapping[Identity, Record],
    standing: Mapping[str, Record],
) -> tuple[Known, Status | None]:
    if isinstance(read, UnreadableOrder):
        return Known.UNREADABLE, None
    if read in recorded:
        return Known.THIS_SUBMISSION, recorded[read].status
    if read.order_id in standing:
        return Known.OTHER_SUBMISSION, standing[read.order_id].status
    return Known.NOTHING, None


def _times(received: Received, looked_at: datetime) -> tuple[datetime | None, datetime | None]:
    message = received.message
    moments = [
        parse_iso(message.attribute("receivedAt")),
        parse_iso(message.attribute("unreadableAt")),
        message.sent_at,
        # The processor's first attempt, if SQS moved the letter; else an operator's look.
        None if message.attribute("unreadableAt") else received.first_received_at,
    ]
    known = [moment for moment in moments if moment and moment < looked_at]
    return (min(known), max(known)) if known else (message.sent_at, message.sent_at)
