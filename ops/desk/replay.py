"""
Replaying: an empty table's records built anew from S3, and the proof that they are equal.

Every object goes the processor's own way: read, checked against the SHA-256 in its key, and
settled, the objects of an order in the order in which they were archived. What S3 does not hold
can't come back:

- invalid orders, which have no object, and with them that a correction came after one of them;
- when an order was handed in and recorded, how often it was received, and what its message's
  attributes said: a rebuilt record has the object's own time twice, a receive count of 0, no
  submitter and no channel but the order's own;
- which of several submissions of an order was recorded first, if that is not the one archived
  first: they can change places when they are processed at the same moment.

What operators discarded has an object, and is left out: see `decisions.py`.

So equality is proven over what S3 holds: that exactly the same submissions are recorded, with the
same content. Verdicts are compared as well, and those that came out otherwise are counted apart.
"""

from __future__ import annotations

import json
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Protocol

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import parse_order
from chalicelib.orders.record import Record, UnreadableRecord
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from chalicelib.orders.times import iso
from ops.desk.external_sort import LINES_IN_MEMORY, sorted_lines
from ops.desk.object_failures import ObjectMissing, ObjectUnreadable
from ops.desk.order_bucket import ArchivedObject, identity_of
from ops.desk.proof import (
    UNUSABLE,
    Difference,
    Line,
    Progress,
    Unequal,
    compare,
    line_of,
    unusable_line,
)
from ops.desk.put_away import without_put_away

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ops.desk.audit_trail import AuditTrail
    from ops.desk.decision_log import Decisions
    from ops.desk.decisions import Decision

OBJECTS_AT_ONCE = 256
WORKERS = 16
UNKNOWN_RECEIVE_COUNT = 0


class TableNotEmpty(Exception):
    """The table to rebuild into has records already: the message names the choices."""


class RecordSource(Protocol):
    """A table of records, as far as the proof needs it."""

    name: str

    def valid_records(self) -> Iterator[Record]: ...


class Target(RecordSource, Protocol):
    """The table to rebuild into."""

    def has_records(self) -> bool: ...


class Bucket(Protocol):
    """The archive, as far as a replay needs it."""

    def objects(self) -> Iterator[ArchivedObject]: ...
    def payload(self, key: str) -> bytes: ...


class Replay:
    """Rebuilds records from the archive."""

    def __init__(
        self,
        bucket: Bucket,
        trail: AuditTrail,
        decisions: Decisions,
        *,
        executor: Callable[[], Executor] = lambda: ThreadPoolExecutor(WORKERS),
        lines_in_memory: int = LINES_IN_MEMORY,
    ) -> None:
        self._bucket = bucket
        self._trail = trail
        self._decisions = decisions
        self._executor = executor
        self._lines_in_memory = lines_in_memory

    def rebuild(
        self,
        progress: Progress,
        target: Target,
        take: Callable[[Record], Record | None],
        *,
        resume: bool = False,
        why: str = "",
    ) -> Iterator[Unequal]:
        """
        Write a record for every object into the table that `take` writes to.

        Yields the objects that no record is made of. Safe to repeat: a replay that was broken
        off is begun again with `resume`, and finds what it has written.

        Raises:
            TableNotEmpty: it has records, and this is not to resume.
        """
        if not resume and target.has_records():
            raise TableNotEmpty(
                f"Table {target.name} has records: replay into an empty table, or go on with a "
                "replay that was broken off by --resume."
            )
        self._trail.write("replay", why=why, into=target.name)
        left_out: list[Unequal] = []

        def leave_out(found: ArchivedObject, decision: Decision) -> None:
            left_out.append(Unequal(Difference.DISCARDED, found.key, decision=decision))

        with self._executor() as executor:
            wanted = without_put_away(
                self._bucket.objects(), self._decisions, executor.map, leave_out
            )
            objects = self._in_order(progress, wanted)
            while wave := list(islice(objects, OBJECTS_AT_ONCE)):
                # An order's objects stand together: each is settled after the one before.
                submissions = list(executor.map(self._submission, wave))
                readable = [each for each in submissions if isinstance(each, Submission)]
                groups = [list(group) for _, group in groupby(readable, lambda s: s.order.id)]
                progress.on_change()
                unsettled = chain.from_iterable(
                    executor.map(lambda group: _unsettled(group, take), groups)
                )
                failed = [each for each in submissions if isinstance(each, Unequal)] + [*unsettled]
                progress.rebuilt += len(wave) - len(failed)
                for each in failed:
                    progress.count(each)
                    yield each
        for each in left_out:
            progress.count(each)
            yield each

    def prove(
        self, progress: Progress, original: RecordSource, rebuilt: RecordSource
    ) -> Iterator[Unequal]:
        """
        Compare two tables over all records that have an object: yields every difference.

        When it ends, `progress.is_equal` is the answer, and `progress.compared` how many it is of.
        """
        yield from compare(progress, self._lines(original), self._lines(rebuilt))

    def prove_against_archive(
        self, progress: Progress, rebuilt: RecordSource, *, after_rebuild: bool = False
    ) -> Iterator[Unequal]:
        """
        Compare a table with the objects themselves: each must have its record, and no more.

        One that was put away must have none. Yields the objects that no record can be made of,
        too, unless `rebuild` has told them.
        """
        wanted = without_put_away(self._bucket.objects(), self._decisions, map, lambda *_: None)
        expected = (self._expected(each) for each in wanted)
        # Nothing but the records knows the verdicts.
        lines = (line._replace(verdict="") for line in expected)
        found = (line._replace(verdict="") for line in self._lines(rebuilt))
        told = UNUSABLE if after_rebuild else frozenset[Difference]()
        yield from compare(progress, lines, found, told)

    def _in_order(
        self, progress: Progress, objects: Iterable[ArchivedObject]
    ) -> Iterator[ArchivedObject]:
        """Yield the objects, order by order; each order's in the order of their archiving."""
        for _, group in groupby(objects, lambda each: each.key.rsplit("/", 1)[0]):
            # As JSON: a key may hold any character, a tab or a line break too.
            lines = (json.dumps([iso(each.archived_at), each.key]) for each in group)
            for line in sorted_lines(lines, self._lines_in_memory):
                moment, key = json.loads(line)
                progress.objects += 1
                yield ArchivedObject(key, datetime.fromisoformat(moment))

    def _submission(self, found: ArchivedObject) -> Submission | Unequal:
        """Make the submission that an object is of, or say why there is none."""
        identity = identity_of(found.key)
        if identity is None:
            return Unequal(Difference.UNREADABLE, found.key, "no order has this key")
        try:
            payload = self._bucket.payload(found.key)
            if sha256(payload).hexdigest() != identity.payload_sha256:
                return Unequal(Difference.ALTERED, found.key)
            order = parse_order(payload)
        except ObjectMissing:
            return Unequal(Difference.UNREADABLE, found.key, "it was deleted since it was listed")
        except ObjectUnreadable as error:
            return Unequal(Difference.UNREADABLE, found.key, str(error))
        except UnreadableOrder:
            return Unequal(Difference.UNREADABLE, found.key, "it is no order")
        if not order.valid or order.id != identity.order_id:
            note = "it is no valid order" if not order.valid else "it is another order's"
            return Unequal(Difference.UNREADABLE, found.key, note)
        return Submission(
            order=order,
            submission_id=identity.submission_id,
            received_at=found.archived_at,
            receive_count=UNKNOWN_RECEIVE_COUNT,
        )

    def _lines(self, table: RecordSource) -> Iterator[Line]:
        lines = (json.dumps(line_of(record)) for record in table.valid_records())
        return (Line(*json.loads(line)) for line in sorted_lines(lines, self._lines_in_memory))

    def _expected(self, found: ArchivedObject) -> Line:
        submission = self._submission(found)
        if isinstance(submission, Unequal):
            return unusable_line(submission)
        return line_of(Record.of_first(submission, submission.received_at))


def _unsettled(group: list[Submission], take: Callable[[Record], Record | None]) -> list[Unequal]:
    """Record the submissions of an order. Return those whose place something else has taken."""
    unsettled = []
    for submission in group:
        try:
            # The object's own time, so that a replay that is begun again makes the same record.
            settle(submission, take, submission.received_at)
        except UnreadableRecord:
            unsettled.append(Unequal(Difference.UNREADABLE, submission.archive_key))
    return unsettled
