"""
A submission, what makes two of them the same, and what becomes of each.

A *submission* is one handing-in of an order. Its identity is its id together with the SHA-256 of
its payload; the id is minted before the order is sent, so an SDK's resend, SQS's redelivery and a
redrive from the dead-letter queue are all the same submission.

Every submission ends as exactly one record. Records are kept in *slots*: places in the table that
can be taken once, by a conditional put. `settle` says which slot a submission tries, in which
order; it is the whole of the duplicate logic, and does no I/O of its own.
"""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Self

from chalicelib.orders import Order, OrderError, sha256_of

# The slots of an orderId. Only the first two can be contended for: a further submission's own slot
# is named by its identity.
FIRST_SLOT = "0#FIRST"
CORRECTION_SLOT = "1#CORRECTION"
OWN_SLOT_PREFIX = "2#"

NAMESPACE = uuid.UUID("5c2b3a2e-6a2f-4f0e-9f6a-0d9d3a1f7b54")
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
COMPARED_FIELDS = {
    "amount": "amount",
    "fromAccount": "from_account",
    "toAccount": "to_account",
    "channel": "channel",
}


class Status(StrEnum):
    """What a submission came to."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    DUPLICATE = "DUPLICATE"


class Submission(NamedTuple):
    """One handing-in of an order, as it is delivered."""

    order: Order
    submission_id: str
    received_at: datetime
    submitted_by: str | None = None
    receive_count: int = 1

    @property
    def archive_key(self) -> str:
        """
        The S3 key that this submission's order is kept under, and no other submission's.

        Every part is of characters that can't leave the prefix: an order id, a well-formed
        submission id, hexadecimal digits.
        """
        return f"orders/{self.order.id}/{self.submission_id}-{self.order.payload_sha256}.json"


class Record(NamedTuple):
    """What is kept of a submission for audit. Once written it never changes."""

    order_id: str
    record_id: str
    submission_id: str
    status: Status
    is_duplicate: bool
    payload_sha256: str
    received_at: datetime
    processed_at: datetime
    receive_count: int
    errors: tuple[OrderError, ...] = ()
    amount: Decimal | None = None
    from_account: str | None = None
    to_account: str | None = None
    channel: str | None = None
    s3_key: str | None = None
    # The fields that differ from the accepted submission of the order: a duplicate's only.
    differs: tuple[str, ...] = ()
    # The text as received: an invalid order's only, since the archive keeps valid ones.
    payload: str | None = None
    submitted_by: str | None = None

    @property
    def valid(self) -> bool:
        return self.status is not Status.REJECTED

    @property
    def identity_digest(self) -> str:
        """The identity of the recorded submission, in 64 hexadecimal digits."""
        return sha256_of(f"{self.submission_id}#{self.payload_sha256}")

    def is_of(self, submission: Submission) -> bool:
        return (self.submission_id, self.payload_sha256) == (
            submission.submission_id,
            submission.order.payload_sha256,
        )

    @classmethod
    def of_first(cls, submission: Submission, processed_at: datetime) -> Self:
        """The record of a submission if it turns out to be the first of its orderId."""
        order = submission.order
        return cls(
            order_id=order.id,
            record_id=FIRST_SLOT,
            submission_id=submission.submission_id,
            status=Status.ACCEPTED if order.valid else Status.REJECTED,
            is_duplicate=False,
            payload_sha256=order.payload_sha256,
            received_at=submission.received_at,
            processed_at=processed_at,
            receive_count=submission.receive_count,
            errors=order.errors,
            amount=order.amount,
            from_account=order.from_account,
            to_account=order.to_account,
            channel=order.channel,
            s3_key=submission.archive_key if order.valid else None,
            payload=None if order.valid else order.payload,
            submitted_by=submission.submitted_by,
        )


class Verdict(NamedTuple):
    """
    What a submission came to, and whether it is this delivery that wrote it (`new`).

    A put whose answer was lost is sent again by the SDK, and then finds its own record in the
    slot: that is still this delivery's doing. A redelivery's record has another time.
    """

    record: Record
    new: bool

    @property
    def conflicting(self) -> bool:
        """A duplicate with another amount, account or channel: an operator wants to see it."""
        return bool(self.record.differs)


TakeSlot = Callable[[Record], Record | None]
"""Write a record if its slot is free: None if it was written, else the record that holds it."""


def settle(submission: Submission, take: TakeSlot, processed_at: datetime) -> Verdict:
    """
    Record a submission and say what it was.

    Safe to repeat, and safe to run in any number of places at once: the same submission always
    gets the same verdict, and is recorded once. A valid order that is new costs one `take`.

    Raises:
        whatever `take` raises: then nothing is known to be written; try again.
    """
    first = Record.of_first(submission, processed_at)
    return settle_after_first(submission, first, take(first) or first, take)


def settle_after_first(
    submission: Submission, first: Record, holder: Record, take: TakeSlot
) -> Verdict:
    """
    Go on where it is known that `holder` is in the first slot: `first` itself, if it was written.

    Raises:
        whatever `take` raises: then nothing more is known to be written; try again.
    """
    if holder.is_of(submission):
        return Verdict(holder, new=holder == first)
    further = first._replace(record_id=own_slot(submission), is_duplicate=True)
    if first.valid and not holder.valid:
        correction = further._replace(record_id=CORRECTION_SLOT)
        holder = take(correction) or correction
        if holder.is_of(submission):
            return Verdict(holder, new=holder == correction)
    if first.valid:
        differs = differing_fields(first, holder)
        further = further._replace(status=Status.DUPLICATE, differs=differs)
    holder = take(further) or further
    return Verdict(holder, new=holder == further)


def own_slot(submission: Submission) -> str:
    """The slot that only this submission ever tries."""
    return f"{OWN_SLOT_PREFIX}{submission.submission_id}#{submission.order.payload_sha256}"


def differing_fields(record: Record, accepted: Record) -> tuple[str, ...]:
    """The names of the fields in which a record differs from the accepted one of its orderId."""
    return tuple(
        name
        for name, attribute in COMPARED_FIELDS.items()
        if getattr(record, attribute) != getattr(accepted, attribute)
    )


def submission_id_for(caller: str, idempotency_key: str) -> str:
    """The submission id of a caller's idempotency key: the same for each retry of that caller."""
    return str(uuid.uuid5(NAMESPACE, f"idempotency-key\n{caller}\n{idempotency_key}"))


def well_formed_submission_id(text: str) -> str:
    """
    The text as a submission id that can stand in a key and in a log line.

    What is not well formed is replaced by a UUID derived from it, so it stays the same submission.
    """
    if is_well_formed_id(text):
        return text
    return str(uuid.uuid5(NAMESPACE, f"submission-id\n{text}"))


def is_well_formed_id(text: str) -> bool:
    """Whether it is 1 to 128 of `A-Z a-z 0-9 . _ -`: what may stand in keys, headers and logs."""
    return WELL_FORMED_ID.fullmatch(text) is not None


def iso(moment: datetime) -> str:
    """A moment in UTC as ISO 8601 to the millisecond, which sorts as text in order of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_iso(text: str | None) -> datetime | None:
    """The moment that `iso` wrote; None if the text is anything else."""
    if text is None or not text.endswith("Z"):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # ISO 8601 has many more ways to write it.
    return moment if iso(moment) == text else None
