"""
The record of a submission: kept for audit, once written never changed.

Records are kept in *slots*: places in the table that can be taken once, by a conditional put. Each
orderId has two slots that several submissions may want, the first and the correction; every further
submission has a slot of its own, named by its identity.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self

from chalicelib.orders.errors import FieldError
from chalicelib.orders.order import sha256_of
from chalicelib.orders.submission import Submission
from chalicelib.orders.terms import Terms
from chalicelib.orders.times import iso
from chalicelib.orders.traceparent import trace_id_of

FIRST_SLOT = "0#FIRST"
CORRECTION_SLOT = "1#CORRECTION"
# This prefix sorts after both of the slots above.
OWN_SLOT_PREFIX = "2#"
# So many digits of a digest that no two records of a millisecond share them.
POSITION_DIGITS = 16


class Status(StrEnum):
    """The outcome of a submission."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    DUPLICATE = "DUPLICATE"


class Record(NamedTuple):
    """A submission's record. A listed one has no `payload`: only its own item has it."""

    order_id: str
    record_id: str
    submission_id: str
    status: Status
    is_duplicate: bool
    payload_sha256: str
    received_at: datetime
    processed_at: datetime
    receive_count: int
    terms: Terms = Terms()
    errors: tuple[FieldError, ...] = ()
    s3_key: str | None = None
    # The terms that differ from the accepted submission of the order: a duplicate's only.
    differs: tuple[str, ...] = ()
    # The text as received: an invalid order's only, since the archive keeps valid ones.
    payload: str | None = None
    submitted_by: str | None = None
    # By the message's attributes, beside the order: never compared, and no part of the verdict.
    message_channel: str | None = None
    ignored_attributes: tuple[str, ...] = ()
    # Who put the message on the queue, by SQS's own word: None if the API did.
    sent_by: str | None = None
    # Of the caller's own traces. Only an item that is read by its key has it: no index does.
    traceparent: str | None = None

    @property
    def channel(self) -> str | None:
        """The channel by which filters and metrics tell records apart: the order's own first."""
        return self.terms.channel or self.message_channel

    @property
    def valid(self) -> bool:
        return self.status is not Status.REJECTED

    @property
    def trace_id(self) -> str | None:
        return self.traceparent and trace_id_of(self.traceparent)

    @property
    def identity_digest(self) -> str:
        """The identity of the recorded submission, in 64 hexadecimal digits."""
        return sha256_of(f"{self.submission_id}#{self.payload_sha256}")

    @property
    def audit_position(self) -> str:
        """The place in the audit: by the time of processing, and unique."""
        return f"{iso(self.processed_at)}#{self.identity_digest[:POSITION_DIGITS]}"

    def is_of(self, submission: Submission) -> bool:
        return (self.submission_id, self.payload_sha256) == (
            submission.submission_id,
            submission.order.payload_sha256,
        )

    @classmethod
    def of_first(cls, submission: Submission, processed_at: datetime) -> Self:
        """Make the record of a submission that turns out to be the first of its orderId."""
        order = submission.order
        valid = order.valid
        return cls(
            order_id=order.id,
            record_id=FIRST_SLOT,
            submission_id=submission.submission_id,
            status=Status.ACCEPTED if valid else Status.REJECTED,
            is_duplicate=False,
            payload_sha256=order.payload_sha256,
            received_at=submission.received_at,
            processed_at=processed_at,
            receive_count=submission.receive_count,
            terms=order.terms,
            errors=order.errors,
            s3_key=submission.archive_key if valid else None,
            payload=None if valid else order.payload,
            submitted_by=submission.submitted_by,
            message_channel=submission.message_channel,
            ignored_attributes=submission.ignored_attributes,
            sent_by=submission.sent_by,
            traceparent=submission.traceparent,
        )


def own_slot(submission_id: str, payload_sha256: str) -> str:
    """Name the slot that only this submission ever tries."""
    return f"{OWN_SLOT_PREFIX}{submission_id}#{payload_sha256}"


class UnreadableRecord(ValueError):
    """
    Something else stands where a record should: someone's own item, or what is left of a record.

    `problem` says what is wrong with it, and quotes nothing of it. It may be in a list beside the
    records that can be read: it never ends one.
    """

    def __init__(self, order_id: str, record_id: str, audit_position: str, problem: str) -> None:
        super().__init__(f"{order_id}, {record_id}: {problem}")
        self.order_id = order_id
        self.record_id = record_id
        # "" if the audit does not list it.
        self.audit_position = audit_position
        self.problem = problem


Listed = Record | UnreadableRecord
"""What a list of records may hold."""


def parted(listed: Iterable[Listed]) -> tuple[list[Record], list[UnreadableRecord]]:
    """Part the records of a list from what can't be read as one."""
    records: list[Record] = []
    unreadable: list[UnreadableRecord] = []
    for each in listed:
        if isinstance(each, Record):
            records.append(each)
        else:
            unreadable.append(each)
    return records, unreadable
