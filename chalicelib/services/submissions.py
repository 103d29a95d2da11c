"""
One submission read back: what became of it, and of no other.

The record of a submission is in one of three places: the first slot, the correction slot, or the
slot of its own identity. Whoever names the payload's SHA-256 too asks for one identity, and
can only get its record. Without it the id must stand for one payload alone.
"""

from collections.abc import Sequence
from typing import NamedTuple, NoReturn, Protocol

from chalicelib.orders.order import sha256_of
from chalicelib.orders.record import Listed, Record, UnreadableRecord, own_slot, parted
from chalicelib.services.principals import ANYONE, Caller
from chalicelib.services.queries import Archive

# Senders on the queue may hand in any number of payloads under one id: so many are listed.
LISTED_PAYLOADS = 20


class SubmissionNotFound(LookupError):
    """No record of this submission is there (yet)."""

    def __init__(self, order_id: str, submission_id: str) -> None:
        super().__init__(order_id, submission_id)
        self.order_id = order_id
        self.submission_id = submission_id


class SubmissionAmbiguous(LookupError):
    """The id stands for several payloads: `payloads` has their SHA-256, of the first 20 or so."""

    def __init__(self, submission_id: str, payloads: Sequence[str]) -> None:
        super().__init__(submission_id)
        self.submission_id = submission_id
        self.payloads = payloads


class Records(Protocol):
    """The record store, as far as one submission needs it."""

    def read_shared_slots(self, order_id: str) -> list[Listed]: ...
    def read_own_slots(self, order_id: str, submission_id: str, limit: int) -> list[Listed]: ...
    def read_slot(self, order_id: str, record_id: str) -> Listed | None: ...


class SubmissionRead(NamedTuple):
    """The record of a submission: with its `payload`, if it was rejected."""

    record: Record
    s3_url: str | None


class Submissions:
    """Reads single submissions, by strongly consistent reads of their keys."""

    def __init__(self, records: Records, archive: Archive) -> None:
        self._records = records
        self._archive = archive

    def read(
        self,
        order_id: str,
        submission_id: str,
        payload_sha256: str | None = None,
        caller: Caller = ANYONE,
    ) -> SubmissionRead:
        """
        Read what became of a submission. The ids are well formed.

        What the caller may not see is as if it were not there.

        Raises:
            SubmissionNotFound: it is not recorded: it may still be on the queue.
            SubmissionAmbiguous: several payloads have this id, and none was chosen.
            StoreUnavailable: try again.
            UnreadableRecord: what may be its record can't be read.
        """
        if payload_sha256 is None:
            record = self._only(order_id, submission_id, caller)
        else:
            record = self._identical(order_id, submission_id, payload_sha256, caller)
        if not record.valid:
            record = self._with_payload(record)
        url = self._archive.presigned_url(record.s3_key) if record.s3_key else None
        return SubmissionRead(record, url)

    def _identical(
        self, order_id: str, submission_id: str, payload_sha256: str, caller: Caller
    ) -> Record:
        """Read the record of one identity. Another's item that can't be read does not matter."""
        identity = (submission_id, payload_sha256)
        shared, unreadable = parted(filter(caller.sees, self._records.read_shared_slots(order_id)))
        found = [each for each in shared if _identity(each) == identity]
        if not found:
            slot = own_slot(submission_id, payload_sha256)
            own = self._records.read_slot(order_id, slot)
            found, of_own = parted(filter(caller.sees, _verified([own] if own else [])))
            unreadable = of_own + unreadable
        if not found:
            _raise_not_found(order_id, submission_id, unreadable)
        return _best(found)

    def _only(self, order_id: str, submission_id: str, caller: Caller) -> Record:
        """Read the record of an id, if it is sure that no other payload has the id."""
        shared = self._records.read_shared_slots(order_id)
        own = self._records.read_own_slots(order_id, submission_id, LISTED_PAYLOADS)
        records, unreadable = parted(filter(caller.sees, [*shared, *_verified(own)]))
        found = [each for each in records if each.submission_id == submission_id]
        payloads = list(dict.fromkeys(each.payload_sha256 for each in found))
        if len(payloads) > 1:
            raise SubmissionAmbiguous(submission_id, payloads)
        if unreadable or not found:
            _raise_not_found(order_id, submission_id, unreadable)
        return _best(found)

    def _with_payload(self, listed: Record) -> Record:
        """Read a rejected submission's own item: no list has the payload."""
        item = self._records.read_slot(listed.order_id, listed.record_id)
        if isinstance(item, UnreadableRecord):
            raise item
        payload = item.payload if item else None
        if payload is None or sha256_of(payload) != listed.payload_sha256:
            raise _unreadable(listed, "its payload is not what was received")
        return listed._replace(payload=payload)


def _identity(record: Record) -> tuple[str, str]:
    return record.submission_id, record.payload_sha256


def _verified(own: Sequence[Listed]) -> list[Listed]:
    """Compare each record with its key: one that bears another identity was put by hand."""
    return [
        _unreadable(each, "it is not the record of the submission that its key names")
        if isinstance(each, Record) and each.record_id != own_slot(*_identity(each))
        else each
        for each in own
    ]


def _best(found: Sequence[Record]) -> Record:
    """
    Choose a submission's record: it has one.

    But a change of the rules between two deliveries may have left a rejected one beside it.
    """
    return max(found, key=lambda record: record.valid)


def _unreadable(record: Record, problem: str) -> UnreadableRecord:
    return UnreadableRecord(record.order_id, record.record_id, record.audit_position, problem)


def _raise_not_found(
    order_id: str, submission_id: str, unreadable: Sequence[UnreadableRecord]
) -> NoReturn:
    if unreadable:
        raise unreadable[0]
    raise SubmissionNotFound(order_id, submission_id)
