"""
Reconciling: the archive against the table, both ways, by day.

Two streams in the order of the keys, one of S3's objects and one of the table's records that have
an object, are run through side by side: what is in one only is a candidate. Objects of an order
that is being processed just now, and an index that lags, make candidates too, so each one is
looked up by its key before it is called a finding. Memory does not grow with the number of orders:
S3 lists in order of the keys, and the table's keys are sorted through temporary files.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from chalicelib.orders.times import iso
from ops.desk.external_sort import LINES_IN_MEMORY, sorted_lines
from ops.desk.findings import Finding, Kind, Outcome, Progress
from ops.desk.order_bucket import ArchivedObject, ObjectMissing, identity_of
from ops.desk.order_table import ArchivedRecord, Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from chalicelib.orders.record import Record
    from ops.desk.audit_trail import AuditTrail

# A message that fails is tried five times, six minutes apart, before it is a dead letter: until
# then an object without a record is an order on its way.
IN_PROGRESS = timedelta(minutes=30)
CANDIDATES_AT_ONCE = 30


class Table(Protocol):
    """The table, as far as reconciling needs it."""

    def archived(
        self, first_day: date | None = None, last_day: date | None = None
    ) -> Iterator[ArchivedRecord]: ...
    def find(self, identities: Iterable[Identity]) -> dict[Identity, Record]: ...


class Bucket(Protocol):
    """The archive, as far as reconciling needs it."""

    def objects(self) -> Iterator[ArchivedObject]: ...
    def exists(self, key: str) -> bool: ...
    def payload(self, key: str) -> bytes: ...
    def restore(self, key: str) -> bool: ...


class Queue(Protocol):
    """The orders' queue, as far as reconciling needs it."""

    def send(self, payload: str, attributes: dict[str, str | None]) -> None: ...


class Reconciliation:
    """Compares archive and table, and mends the findings that can be mended."""

    def __init__(
        self,
        table: Table,
        bucket: Bucket,
        queue: Queue,
        trail: AuditTrail,
        *,
        clock: Callable[[], datetime],
        lines_in_memory: int = LINES_IN_MEMORY,
    ) -> None:
        self._table = table
        self._bucket = bucket
        self._queue = queue
        self._trail = trail
        self._clock = clock
        self._lines_in_memory = lines_in_memory

    def findings(
        self,
        progress: Progress,
        first_day: date | None = None,
        last_day: date | None = None,
        *,
        in_progress: timedelta = IN_PROGRESS,
    ) -> Iterator[Finding]:
        """
        Yield what is wrong, in the order of the keys; `progress` is kept up to date meanwhile.

        With both days: what was archived or recorded on them (in UTC, both included). Without:
        all there is. An object younger than `in_progress` is counted as that, not as an orphan.
        """
        candidates = self._candidates(progress, first_day, last_day)
        while batch := list(islice(candidates, CANDIDATES_AT_ONCE)):
            for finding in self._confirmed(batch, progress, in_progress):
                progress.count(finding)
                yield finding

    def repair(self, finding: Finding) -> Outcome:
        """
        Mend a finding, and say what was done.

        An orphan is handed in again through the queue, as the submission that its key names: the
        processor finds its object there, and makes its record as it always would have. A missing
        object is restored from the version that the bucket keeps of it. A foreign one stays.

        The audit trail gets an entry before anything is changed.
        """
        match finding.kind:
            case Kind.ORPHAN:
                return self._hand_in_again(finding)
            case Kind.MISSING:
                self._trail.write("reconcile.restore", key=finding.key)
                if self._bucket.restore(finding.key):
                    return Outcome(True, "restored from the version that was kept")
                return Outcome(False, "can't be restored: the bucket keeps no version of it")
            case Kind.FOREIGN:
                return Outcome(False, "left alone: no order has this key")

    def _hand_in_again(self, finding: Finding) -> Outcome:
        identity = finding.identity
        if identity is None or finding.modified_at is None:
            return Outcome(False, "left alone: no order has this key")
        try:
            payload = self._bucket.payload(finding.key)
        except ObjectMissing:
            return Outcome(False, "left alone: it is gone")
        if sha256(payload).hexdigest() != identity.payload_sha256:
            return Outcome(False, "left alone: its bytes are not those that its key names")
        self._trail.write("reconcile.hand_in", key=finding.key, order=identity.order_id)
        attributes = {
            "submissionId": identity.submission_id,
            "receivedAt": iso(finding.modified_at),
        }
        self._queue.send(payload.decode(), {**attributes})
        return Outcome(True, "handed in again")

    def _candidates(
        self, progress: Progress, first_day: date | None, last_day: date | None
    ) -> Iterator[Finding]:
        objects = self._objects(progress, first_day, last_day)
        records = self._records(progress, first_day, last_day)
        a_object, a_record = next(objects, None), next(records, None)
        while a_object or a_record:
            if a_record is None or (a_object and a_object.key < a_record.key):
                assert a_object  # noqa: S101 (one of the two is there)
                yield _of_object(a_object)
                a_object = next(objects, None)
            elif a_object is None or a_record.key < a_object.key:
                yield _of_record(a_record)
                a_record = next(records, None)
            else:
                a_object, a_record = next(objects, None), next(records, None)

    def _objects(
        self, progress: Progress, first_day: date | None, last_day: date | None
    ) -> Iterator[ArchivedObject]:
        for each in self._bucket.objects():
            progress.count_read(objects=1)
            day = each.modified_at.date()
            if first_day and last_day and not first_day <= day <= last_day:
                continue
            progress.day(day).objects += 1
            yield each

    def _records(
        self, progress: Progress, first_day: date | None, last_day: date | None
    ) -> Iterator[ArchivedRecord]:
        def lines() -> Iterator[str]:
            for each in self._table.archived(first_day, last_day):
                progress.count_read(records=1)
                progress.day(each.processed_on).records += 1
                yield f"{each.key}\t{each.processed_on.isoformat()}"

        for line in sorted_lines(lines(), self._lines_in_memory):
            key, _, day = line.rpartition("\t")
            yield ArchivedRecord(key, date.fromisoformat(day))

    def _confirmed(
        self, candidates: list[Finding], progress: Progress, in_progress: timedelta
    ) -> Iterator[Finding]:
        recorded = self._table.find(
            candidate.identity
            for candidate in candidates
            if candidate.identity and candidate.kind is Kind.ORPHAN
        )
        young = self._clock() - in_progress
        for candidate in candidates:
            if candidate.kind is Kind.FOREIGN:
                yield candidate
            elif candidate.kind is Kind.MISSING:
                if not self._bucket.exists(candidate.key):
                    yield candidate
            elif candidate.identity not in recorded:
                if candidate.modified_at and candidate.modified_at > young:
                    progress.day(candidate.day).in_progress += 1
                else:
                    yield candidate


def _of_object(found: ArchivedObject) -> Finding:
    identity = identity_of(found.key)
    kind = Kind.ORPHAN if identity else Kind.FOREIGN
    return Finding(kind, found.key, found.modified_at.date(), identity, found.modified_at)


def _of_record(found: ArchivedRecord) -> Finding:
    return Finding(Kind.MISSING, found.key, found.processed_on, identity_of(found.key))
