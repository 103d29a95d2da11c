"""
A stage in memory, with operators who recover it: each tool may be killed before any change.

The desk's own code and the processor run over fakes. A tool that is killed does nothing more: not
even what it has in `finally`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from chalicelib.orders.order import parse_order, sha256_of
from chalicelib.orders.record import Record, Status
from chalicelib.orders.submission import Submission
from chalicelib.services.claims import Claims
from chalicelib.services.intake import Receipt
from chalicelib.services.message import Message
from chalicelib.services.message_attributes import string_attribute
from chalicelib.services.processing import Processor
from ops.desk.audit_trail import AuditTrail
from ops.desk.dead_letters import DeadLetters
from ops.desk.decision_log import Decisions
from ops.desk.decisions import DecisionStands
from ops.desk.findings import Progress
from ops.desk.letters import Known, Selection
from ops.desk.order_table import Identity
from ops.desk.proof import Progress as ReplayProgress
from ops.desk.reconcile import Reconciliation
from ops.desk.replay import Replay
from ops.desk.resubmission import Resubmissions
from tests.builders import Clock, order_text
from tests.desk_fakes import (
    FakeDeadLetterQueue,
    FakeDecisionBucket,
    FakeOrderBucket,
    FakeOrderTable,
    Killed,
)
from tests.fakes import FakeQueue, FakeRecordStore, FakeReporter

# Longer than an order may be on its way, shorter than a message may be on the queue.
STEP = timedelta(minutes=40)
# To be killed at a call that only reads is to be killed before the next change.
CHANGES = {"put_new", "send_back", "send", "delete", "take", "restore"}


class Fuse:
    """Kills whoever calls through it, right before one of its calls that change anything."""

    def __init__(self) -> None:
        self._left: int | None = None

    @contextmanager
    def killing_before(self, change: int | None) -> Iterator[None]:
        """Kill the block before its change of this number, from 0; None lets it live."""
        self._left = change
        with suppress(Killed):
            yield
        self._left = None

    def burn(self) -> None:
        """Count a change that is about to be made. A process that was killed makes none."""
        if self._left is None:
            return
        if self._left == 0:
            raise Killed
        self._left -= 1


class Fused:
    """An object whose changing methods are called through a fuse."""

    def __init__(self, target: Any, fuse: Fuse) -> None:
        self._target = target
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        if name in CHANGES:
            self._fuse.burn()
        return getattr(self._target, name)


class Archive:
    """The archive, as the processor writes it."""

    def __init__(self, bucket: FakeOrderBucket, clock: Clock) -> None:
        self._bucket = bucket
        self._clock = clock

    def keep(self, submission: Submission) -> None:
        key = submission.archive_key
        if not self._bucket.exists(key):
            self._bucket.put(key, submission.order.payload.encode(), self._clock())


class DeadLetterQueue(FakeDeadLetterQueue):
    """The dead-letter queue: what is sent back is on the orders' queue, as a new message."""

    def __init__(self, put_on_queue: Callable[..., None]) -> None:
        super().__init__()
        self._put_on_queue = put_on_queue

    def send_back(self, message: Message, attributes: Any) -> None:
        self._put_on_queue(message.body, attributes)


class Stage:
    """Queues, archive, decisions and table, and the tools that work on them."""

    def __init__(self, decisions: type[Decisions] = Decisions) -> None:
        self.clock = Clock()
        self.fuse = Fuse()
        self.queue: list[Message] = []
        self.dead_letters = DeadLetterQueue(self._put_on_queue)
        self.bucket = FakeOrderBucket()
        self.table = FakeOrderTable()
        # Every submission that was on the queue, and the first one of those it was resubmitted for.
        self.handed_in: dict[Identity, str] = {}
        # Put away, and then handed in again by their channel: no tool can stop it.
        self.overtaken: set[Identity] = set()
        self._told: set[Identity] = set()
        self._texts: dict[Identity, str] = {}
        self._ids = itertools.count(1)
        self._store = FakeDecisionBucket(self.clock)
        self._decisions = decisions
        self.decisions = self._decisions_over(self._store)

    def hand_in(self, order_id: str) -> None:
        """Hand an order in, as a channel does."""
        self._submit(order_text(order_id), self._new_id("submission"), order_id)

    def hand_in_again(self, identity: Identity) -> None:
        """Hand a submission in once more under its own id, as only its channel does."""
        self.overtaken.add(identity)
        name = string_attribute(identity.submission_id)
        self._put_on_queue(self._texts[identity], {"submissionId": name})

    def process(self, message: Message) -> None:
        self.queue.remove(message)
        self._processor(self.table.records).process_batch([message])

    def fail(self, message: Message) -> None:
        """Try a message while the table is out of reach, and give it up after its last receive."""
        self.queue.remove(message)
        with self.table.records.outage():
            self._processor(self.table.records).process_batch([message])
        self.dead_letters.add(message)

    def redrive(self, message_id: str | None = None) -> None:
        letters = self._letters()
        list(letters.redrive(letters.plan(_only(message_id))))

    def discard(self, message_id: str) -> None:
        letters = self._letters()
        for each in letters.discard(letters.plan(_only(message_id)), why="not wanted"):
            letter = each.letter
            if each.error is None and letter.known is not Known.THIS_SUBMISSION:
                assert letter.identity
                self._told.add(letter.identity)

    def resubmit(self, message_id: str, order_id: str, note: str) -> None:
        """Hand a letter's order in anew, edited, as the console does."""
        letters = self._letters()
        letter = letters.find(message_id)
        if letter is None or letter.identity is None:
            return
        transfer = self.handed_in[letter.identity]

        def submit(body: bytes, submission_id: str, _claims: Claims) -> Receipt:
            self.fuse.burn()
            self._submit(body.decode(), submission_id, transfer)
            return Receipt(parse_order(body), submission_id)

        resubmissions = Resubmissions(submit, self._trail(), self._fused_decisions())
        with suppress(DecisionStands):
            resubmissions.hand_in(letter, order_text(order_id, note=note).encode())

    def repair(self) -> bool:
        """Repair all that is found. Return whether it came to its end."""
        bucket, queue = Fused(self.bucket, self.fuse), Fused(_Sending(self), self.fuse)
        reconciliation = Reconciliation(
            self._fused_table(),
            bucket,
            queue,
            self._trail(),
            self._fused_decisions(),
            clock=self.clock,
        )
        for finding in reconciliation.findings(Progress()):
            reconciliation.repair(finding)
        return True

    def lose_the_table(self) -> None:
        self.table = FakeOrderTable()

    def replay(self) -> bool:
        """Rebuild the table's records, or go on with it. Return whether it came to its end."""
        replay = Replay(
            Fused(self.bucket, self.fuse),
            self._trail(),
            self._fused_decisions(),
            executor=lambda: ThreadPoolExecutor(1),
        )

        def take(record: Record) -> Record | None:
            self.fuse.burn()
            return self.table.records.take(record)

        list(replay.rebuild(ReplayProgress(), self._fused_table(), take, resume=True))
        return True

    def rest(self) -> None:
        """Let time pass, so that nobody holds a letter any more."""
        self.clock.now += STEP
        self.dead_letters.pass_time()

    def order_of(self, message_id: str) -> str:
        """Return the id of a letter's order."""
        return parse_order(self.dead_letters.messages[message_id].body).id

    def records(self) -> dict[Identity, Record]:
        return {
            Identity(record.order_id, record.submission_id, record.payload_sha256): record
            for record in self.table.records.all()
        }

    def accepted(self) -> list[Identity]:
        return [name for name, record in self.records().items() if record.status is Status.ACCEPTED]

    def put_away(self) -> set[Identity]:
        """Return what was put away: as an operator was told, or as the log has it."""
        honest = Decisions(self._store, who=str, clock=self.clock, new_id=str)
        last = ((name, honest.last(name)) for name in self.handed_in)
        return self._told | {name for name, decision in last if decision and decision.puts_away}

    def _submit(self, text: str, submission_id: str, transfer: str) -> None:
        identity = Identity(parse_order(text).id, submission_id, sha256_of(text))
        self.handed_in[identity], self._texts[identity] = transfer, text
        self._put_on_queue(text, {"submissionId": string_attribute(submission_id)})

    def _put_on_queue(self, body: str, attributes: Any) -> None:
        message = Message(self._new_id("message"), "", body, 1, self.clock(), attributes)
        self.queue.append(message)

    def _new_id(self, what: str) -> str:
        return f"{what}-{next(self._ids)}"

    def _processor(self, records: FakeRecordStore) -> Processor:
        return Processor(
            records=records,
            archive=Archive(self.bucket, self.clock),
            queue=FakeQueue(),
            reporter=FakeReporter(),
            clock=self.clock,
        )

    def _decisions_over(self, store: Any) -> Decisions:
        ids = lambda: self._new_id("decision")  # noqa: E731
        return self._decisions(store, who=lambda: "ana", clock=self.clock, new_id=ids)

    def _fused_decisions(self) -> Decisions:
        return self._decisions_over(Fused(self._store, self.fuse))

    def _fused_table(self) -> Any:
        return Fused(self.table, self.fuse)

    def _trail(self) -> AuditTrail:
        return AuditTrail(self._fused_table(), stage="x", who=lambda: "ana", clock=self.clock)

    def _letters(self) -> DeadLetters:
        return DeadLetters(
            Fused(self.dead_letters, self.fuse),
            self._fused_table(),
            self._trail(),
            self._fused_decisions(),
            clock=self.clock,
            sleep=lambda _: None,
        )


class _Sending:
    """The orders' queue, as a repair sends to it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def send(self, payload: str, attributes: dict[str, str | None]) -> None:
        given = {name: string_attribute(value) for name, value in attributes.items() if value}
        self._stage._put_on_queue(payload, given)


def _only(message_id: str | None) -> Selection:
    return Selection(frozenset({message_id}) if message_id else frozenset())
