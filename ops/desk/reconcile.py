"""
Reconciling: the archive against the table, both ways, by day.

Two streams in the order of the keys, one of S3's objects and one of the table's records that have
an object, are run through side by side: what is in one only is a candidate. Objects of an order
that is being processed just now, and an index that lags, make candidates too, so each one is
looked up by its key before it is called a finding. Memory does not grow with the number of orders:
S3 lists in order of the keys, and the table's keys are sorted through temporary files.

An object's key names the SHA-256 of its bytes. To read each one costs a call an object; so a usual
run reads only those that the two streams cast a doubt on: a key that has more than one version, or
an object that was written after its record. An object whose older versions were deleted and whose
time fits is found by a run that reads all.

An object whose submission an operator put away is no orphan: no repair hands it in again. If it is
recorded all the same, its sender handed it in again: a repair writes that down, for later replays.
"""

from __future__ import annotations

import json
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from chalicelib.orders.times import iso
from ops.desk.days import latest_day
from ops.desk.decisions import DecisionStands
from ops.desk.external_sort import LINES_IN_MEMORY, sorted_lines
from ops.desk.findings import Finding, Kind, Outcome, Progress
from ops.desk.object_failures import CannotRestore, ObjectMissing, ObjectUnreadable
from ops.desk.order_bucket import ArchivedObject, identity_of
from ops.desk.order_table import ArchivedRecord, Identity
from ops.desk.put_away import PutAway
from ops.roles.denial import denial_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from chalicelib.orders.record import Record
    from ops.desk.audit_trail import AuditTrail
    from ops.desk.decision_log import Decisions

# Until its message has had all the receives of infrastructure/resources.yaml, an object without a
# record is an order on its way.
IN_PROGRESS = timedelta(hours=3)
CANDIDATES_AT_ONCE = 30
# Candidates of these kinds are findings if their objects' bytes, or their absence, say so.
LOOKED_INTO = frozenset({Kind.MISSING, Kind.ALTERED})
WORKERS = 16
# An object is written before its record. S3 and the processor have clocks of their own.
CLOCKS_DIFFER = timedelta(minutes=1)


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
    def digest(self, key: str) -> str: ...
    def restore(self, key: str) -> None: ...


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
        decisions: Decisions,
        *,
        clock: Callable[[], datetime],
        executor: Callable[[], Executor] = lambda: ThreadPoolExecutor(WORKERS),
        lines_in_memory: int = LINES_IN_MEMORY,
    ) -> None:
        self._table = table
        self._bucket = bucket
        self._queue = queue
        self._trail = trail
        self._decisions = decisions
        self._clock = clock
        self._executor = executor
        self._lines_in_memory = lines_in_memory

    def findings(
        self,
        progress: Progress,
        first_day: date | None = None,
        last_day: date | None = None,
        *,
        in_progress: timedelta = IN_PROGRESS,
        deep: bool = False,
    ) -> Iterator[Finding]:
        """
        Yield what is wrong, in the order of the keys; `progress` is kept up to date meanwhile.

        With both days: what was archived or recorded on them (in UTC, both included). Without:
        all there is. An object younger than `in_progress` is counted as that, not as an orphan.
        `deep`: compare every object with the SHA-256 in its key, not only those in doubt.
        """
        if last_day:
            last_day = latest_day(last_day, self._clock().date())
        candidates = self._candidates(progress, first_day, last_day, deep=deep)
        with self._executor() as executor:
            while batch := list(islice(candidates, CANDIDATES_AT_ONCE)):
                for finding in self._confirmed(batch, progress, in_progress, executor):
                    progress.count(finding)
                    yield finding

    def repair(self, finding: Finding) -> Outcome:
        """
        Mend a finding, and say what was done.

        An orphan is handed in again through the queue, as the submission that its key names: the
        processor finds its object there, and makes its record as it always would have. A missing or
        an altered object is restored from the version of it that has the bytes its key names; no
        version is deleted. A foreign one stays, and one that can't be read; so does one that was
        discarded, even if that was decided after it was found. Of one that was discarded and has a
        record the log gets an entry, so that a replay takes it in.

        The audit trail gets an entry before anything is changed.
        """
        match finding.kind:
            case Kind.ORPHAN:
                return self._hand_in_again(finding)
            case Kind.MISSING | Kind.ALTERED:
                return self._restore(finding)
            case Kind.FOREIGN:
                return Outcome(False, "left alone: no order has this key")
            case Kind.UNREADABLE:
                return Outcome(False, f"left alone: {finding.note}")
            case Kind.DISCARDED:
                return Outcome(False, f"left alone: {finding.decision}")
            case Kind.PROCESSED:
                return self._write_down_processed(finding)

    def _restore(self, finding: Finding) -> Outcome:
        self._trail.write("reconcile.restore", key=finding.key, finding=finding.kind.value)
        try:
            self._bucket.restore(finding.key)
        except CannotRestore as error:
            return Outcome(False, f"can't be restored: {error}", denial_in(error))
        return Outcome(True, "restored from the version that has the bytes its key names")

    def _write_down_processed(self, finding: Finding) -> Outcome:
        identity = finding.identity
        if identity is None or identity not in self._table.find([identity]):
            return Outcome(False, "left alone: it has no record any more")
        self._trail.write("reconcile.processed", key=finding.key, order=identity.order_id)
        self._decisions.find_processed(identity)
        return Outcome(True, "written down as processed: a replay takes it in")

    def _hand_in_again(self, finding: Finding) -> Outcome:
        identity = finding.identity
        if identity is None or finding.modified_at is None:
            return Outcome(False, "left alone: no order has this key")
        try:
            payload = self._bucket.payload(finding.key)
        except ObjectMissing:
            return Outcome(False, "left alone: it is gone")
        except ObjectUnreadable as error:
            return Outcome(False, f"left alone: {error}", denial_in(error))
        if sha256(payload).hexdigest() != identity.payload_sha256:
            return Outcome(False, "left alone: its bytes are not those that its key names")
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            return Outcome(False, "left alone: it is no text, so no order")
        self._trail.write("reconcile.hand_in", key=finding.key, order=identity.order_id)
        try:
            self._decisions.hand_in(identity)
        except DecisionStands as error:
            return Outcome(False, f"left alone: {error}")
        attributes = {
            "submissionId": identity.submission_id,
            "receivedAt": iso(finding.modified_at),
        }
        self._queue.send(text, {**attributes})
        return Outcome(True, "handed in again")

    def _candidates(
        self, progress: Progress, first_day: date | None, last_day: date | None, *, deep: bool
    ) -> Iterator[Finding]:
        objects = self._objects(progress, first_day, last_day)
        records = self._records(progress, first_day, last_day)
        put_away = PutAway(self._decisions)
        a_object, a_record = next(objects, None), next(records, None)
        while a_object or a_record:
            if a_record is None or (a_object and a_object.key < a_record.key):
                assert a_object  # noqa: S101 (one of the two is there)
                candidate = replace(_of_object(a_object), log=put_away.end_of(a_object.key))
                if candidate.identity and (deep or not a_object.is_only_version):
                    yield _in_doubt(a_object)
                yield candidate
                a_object = next(objects, None)
            elif a_object is None or a_record.key < a_object.key:
                yield _of_record(a_record)
                a_record = next(records, None)
            else:
                if deep or _is_in_doubt(a_object, a_record):
                    yield _in_doubt(a_object)
                if log := put_away.end_of(a_object.key):
                    yield replace(_of_object(a_object), kind=Kind.PROCESSED, log=log)
                a_object, a_record = next(objects, None), next(records, None)

    def _objects(
        self, progress: Progress, first_day: date | None, last_day: date | None
    ) -> Iterator[ArchivedObject]:
        for each in self._bucket.objects():
            progress.count_read(objects=1)
            day = each.archived_at.date()
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
                # A record of somebody's hand may name any key, one with a line break too.
                key = json.dumps(each.key, ensure_ascii=False)[1:-1]
                yield f"{key}\t{each.processed_at.isoformat()}"

        for line in sorted_lines(lines(), self._lines_in_memory):
            key, _, moment = line.rpartition("\t")
            yield ArchivedRecord(json.loads(f'"{key}"'), datetime.fromisoformat(moment))

    def _confirmed(
        self,
        candidates: list[Finding],
        progress: Progress,
        in_progress: timedelta,
        executor: Executor,
    ) -> Iterator[Finding]:
        recorded = self._table.find(
            candidate.identity
            for candidate in candidates
            if candidate.identity and candidate.kind is Kind.ORPHAN
        )
        young = self._clock() - in_progress
        contents = executor.map(self._content, candidates)
        decided = executor.map(self._decided, candidates)
        for candidate, content, put_away in zip(candidates, contents, decided, strict=True):
            if candidate.kind in LOOKED_INTO:
                progress.compared += content is None or content.kind is Kind.ALTERED
                if content:
                    yield content
            elif candidate.kind is Kind.FOREIGN:
                yield candidate
            elif candidate.kind is Kind.PROCESSED or candidate.identity in recorded:
                if put_away:
                    yield replace(put_away, kind=Kind.PROCESSED)
            elif candidate.modified_at and candidate.modified_at > young:
                progress.day(candidate.day).in_progress += 1
            else:
                yield put_away or candidate

    def _decided(self, candidate: Finding) -> Finding | None:
        """Find that a submission was put away, and by whom; None: it was not."""
        decision = self._decisions.read(candidate.log) if candidate.log else None
        if decision is None or not decision.puts_away:
            return None
        return replace(candidate, kind=Kind.DISCARDED, decision=decision)

    def _content(self, candidate: Finding) -> Finding | None:
        """Compare an object's bytes with its key; None: they are those that it names."""
        if candidate.kind not in LOOKED_INTO:
            return None
        if candidate.kind is Kind.MISSING and not self._bucket.exists(candidate.key):
            return candidate
        if candidate.identity is None:
            return replace(candidate, kind=Kind.FOREIGN)
        try:
            same = self._bucket.digest(candidate.key) == candidate.identity.payload_sha256
        except ObjectMissing:
            note = "it was deleted since it was listed: reconcile again"
            return replace(candidate, kind=Kind.UNREADABLE, note=note)
        except ObjectUnreadable as error:
            return replace(candidate, kind=Kind.UNREADABLE, note=str(error))
        return None if same else replace(candidate, kind=Kind.ALTERED)


def _of_object(found: ArchivedObject) -> Finding:
    identity = identity_of(found.key)
    kind = Kind.ORPHAN if identity else Kind.FOREIGN
    return Finding(kind, found.key, found.archived_at.date(), identity, found.archived_at)


def _is_in_doubt(found: ArchivedObject, recorded: ArchivedRecord) -> bool:
    """Tell whether a listing alone can't show that an object is as it was recorded."""
    written_late = found.archived_at > recorded.processed_at + CLOCKS_DIFFER
    return written_late or not found.is_only_version or identity_of(found.key) is None


def _in_doubt(found: ArchivedObject) -> Finding:
    return replace(_of_object(found), kind=Kind.ALTERED)


def _of_record(found: ArchivedRecord) -> Finding:
    return Finding(Kind.MISSING, found.key, found.processed_on, identity_of(found.key))
