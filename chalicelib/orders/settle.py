"""
Settling: the slots that a submission tries, in this order. This is all of the duplicate logic.

Every submission ends as exactly one record.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from chalicelib.orders.record import CORRECTION_SLOT, Record, Status, own_slot
from chalicelib.orders.submission import Submission

TakeSlot = Callable[[Record], Record | None]
"""Write a record if its slot is free: the record that holds it then, or None for this one."""


class Verdict(NamedTuple):
    """
    The outcome of a submission, and whether this delivery wrote it (`new`).

    A put whose answer was lost is sent again by the SDK, and then finds its own record in the
    slot: that is still this delivery's doing. A redelivery's record has another time.
    """

    record: Record
    new: bool

    @property
    def conflicting(self) -> bool:
        """A duplicate with other terms: an operator wants to see it."""
        return bool(self.record.differs)


def settle(submission: Submission, take: TakeSlot, processed_at: datetime) -> Verdict:
    """
    Record a submission and say what it was.

    Safe to repeat, and safe to run in any number of places at once: the same submission always
    gets the same verdict, and is recorded once. A valid order that is new costs one `take`.

    Raises:
        whatever `take` raises: then nothing is known to be written; try again.
    """
    first = Record.of_first(submission, processed_at)
    holder = take(first) or first
    if holder.is_of(submission):
        return Verdict(holder, new=holder == first)
    later = first._replace(
        record_id=own_slot(submission.submission_id, submission.order.payload_sha256),
        is_duplicate=True,
    )
    if first.valid and not holder.valid:
        correction = later._replace(record_id=CORRECTION_SLOT)
        holder = take(correction) or correction
        if holder.is_of(submission):
            return Verdict(holder, new=holder == correction)
    if first.valid:
        differs = first.terms.differing_from(holder.terms)
        later = later._replace(status=Status.DUPLICATE, differs=differs)
    holder = take(later) or later
    return Verdict(holder, new=holder == later)
