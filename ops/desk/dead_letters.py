"""
Dead letters: what is in the dead-letter queue, why, and what can be done with it.

SQS has no way to look into a queue. To look is to receive: a message that is looked at is hidden
from everyone else until it is returned, and its receive count rises by one for good. Here each is
returned as soon as the look ends; if the looking process dies, SQS returns them by itself after
`LOOK_SECONDS`.

A letter is redriven by receive -> send -> delete, in this order, with its submission id. A process
that ends between send and delete leaves the letter in both queues; sent once more, it is the same
submission again, which changes nothing. So a redrive that was broken off is simply begun again.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.orders import UnreadableOrder, parse_order, sha256_of
from chalicelib.submissions import (
    Record,
    Status,
    iso,
    parse_iso,
    well_formed_submission_id,
)
from chalicelib.unavailable import StoreUnavailable
from ops.desk.order_table import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from datetime import datetime

    from chalicelib.order_queue import Message
    from ops.desk.audit_trail import AuditTrail
    from ops.desk.dead_letter_queue import Received

LOOK_SECONDS = 300
# Asks all of SQS's servers: without it, an empty answer does not mean an empty queue.
WAIT_SECONDS = 1
DEFAULT_PER_SECOND = 20.0
# What the processor adds when it gives up on a message: stale once the message is sent again.
REASON_ATTRIBUTES = ("unreadableReason", "unreadableDetail", "unreadableAt", "originalMessageId")
GAVE_UP = "receives_exhausted"
"""The reason of a letter that SQS itself moved: every attempt to process it failed."""
REASONS = (
    GAVE_UP,
    "empty",
    "not_utf8",
    "not_json",
    "not_an_object",
    "missing_id",
    "bad_id",
    "repeated_key",
    "too_deep",
    "too_large",
    "forbidden_character",
)
"""All reasons that a letter can have."""
# A DynamoDB item may have 400 KB; the rest of an entry is small.
MAX_KEPT_BYTES = 360_000


class Known(StrEnum):
    """What the record store says of a letter's order."""

    UNREADABLE = "unreadable"
    NOTHING = "nothing"
    OTHER_SUBMISSION = "other submission"
    THIS_SUBMISSION = "this submission"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """
    A dead letter, decoded.

    `order_id` is None if no order can be read from it. `reason` is an unreadable order's code, or
    `receives_exhausted`. `last_seen_at` is when it was last known to be handled before this look.
    `known` and `status` are what the record store says now.
    """

    message: Message
    order_id: str | None
    submission_id: str
    reason: str
    detail: str | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    known: Known
    status: Status | None = None

    @property
    def message_id(self) -> str:
        return self.message.message_id


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters: those that meet every condition that is given. Without any, all."""

    message_ids: frozenset[str] = frozenset()
    reason: str | None = None
    order_id: str | None = None
    since: datetime | None = None

    def takes(self, letter: DeadLetter) -> bool:
        return (
            (not self.message_ids or letter.message_id in self.message_ids)
            and self.reason in (None, letter.reason)
            and self.order_id in (None, letter.order_id)
            and (self.since is None or _since(letter, self.since))
        )

    def __str__(self) -> str:
        conditions = {
            "message": ", ".join(sorted(self.message_ids)),
            "reason": self.reason,
            "order": self.order_id,
            "since": iso(self.since) if self.since else None,
        }
        return ", ".join(f"{name} {value}" for name, value in conditions.items() if value) or "all"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The letters that a redrive or a discard will take: these, and none that come later.

    Bound to their ids, so that a letter that fails again and comes back is not taken twice.
    """

    selection: Selection
    message_ids: frozenset[str]
    by_reason: Mapping[str, int]
    by_known: Mapping[str, int]

    @property
    def count(self) -> int:
        return len(self.message_ids)

    @property
    def missing(self) -> list[str]:
        """The letters that were named and can't be received, or don't meet what else is asked."""
        return sorted(self.selection.message_ids - self.message_ids)


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of one letter. `error` says why it is still there, or is None."""

    letter: DeadLetter
    error: str | None = None


class Queue(Protocol):
    """What is needed of the queues: `DeadLetterQueue` says what each does."""

    def receive(self, visibility_seconds: int, wait_seconds: int) -> list[Received]: ...
    def release(self, messages: Sequence[Message]) -> None: ...
    def send_back(self, message: Message, attributes: Mapping[str, Mapping[str, Any]]) -> None: ...
    def delete(self, message: Message) -> None: ...
    def depths(self) -> dict[str, int]: ...


class Records(Protocol):
    """What is needed of the table."""

    def find(self, identities: Iterable[Identity]) -> dict[Identity, Record]: ...
    def leading(self, order_ids: Iterable[str]) -> dict[str, Record]: ...


@dataclass
class _Seen:
    """The messages of one look, to return them at its end, and to tell when it has come round."""

    ids: set[str] = field(default_factory=set)
    held: dict[str, Message] = field(default_factory=dict)


class DeadLetters:
    """The dead letters of a stage."""

    def __init__(
        self,
        queue: Queue,
        records: Records,
        trail: AuditTrail,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._records = records
        self._trail = trail
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic

    def depths(self) -> dict[str, int]:
        """About how many messages: `queue`, `inFlight`, `deadLetters`, `deadLettersHidden`."""
        return self._queue.depths()

    def look(self, selection: Selection | None = None) -> Generator[DeadLetter, None, None]:
        """
        The letters, as they are received: ten at a time, in no order.

        Each is hidden from others until the iterator ends or is closed, and then returned.
        """
        yield from self._receive(selection or Selection(), _Seen(), LOOK_SECONDS)

    def find(self, message_id: str) -> DeadLetter | None:
        """One letter. It has to look through the queue until it meets it."""
        with closing(self.look(Selection(frozenset({message_id})))) as letters:
            return next(letters, None)

    def plan(
        self, selection: Selection, on_letter: Callable[[DeadLetter], None] = lambda _: None
    ) -> Plan:
        """Look at all that a selection takes, and change nothing else. `on_letter` gets each."""
        ids: set[str] = set()
        reasons: Counter[str] = Counter()
        known: Counter[str] = Counter()
        for letter in self.look(selection):
            ids.add(letter.message_id)
            reasons[letter.reason] += 1
            known[letter.known.value] += 1
            on_letter(letter)
        return Plan(selection, frozenset(ids), reasons, known)

    def redrive(
        self, plan: Plan, *, why: str = "", per_second: float = DEFAULT_PER_SECOND
    ) -> Generator[Handled, None, None]:
        """
        Send the planned letters back to the orders' queue, at most so many a second.

        Closing the iterator stops it after the letter at hand. The audit trail gets an entry
        before the first letter, and one with the numbers when it ends.
        """
        self._trail.write("dlq.redrive", why=why, selection=plan.selection, letters=plan.count)
        yield from self._handle(plan, self._send_back, "dlq.redrive", why, per_second)

    def discard(self, plan: Plan, *, why: str) -> Generator[Handled, None, None]:
        """
        Take the planned letters off the queue for good.

        The audit trail gets an entry for each before it is deleted, with its text as it was, so
        that nothing is ever lost.

        Raises:
            ValueError: no reason is given.
        """
        if not why.strip():
            raise ValueError("a discard needs a reason")

        def discard(letter: DeadLetter) -> None:
            self._keep_text(letter, why)
            self._queue.delete(letter.message)

        yield from self._handle(plan, discard, "dlq.discard", why, per_second=None)

    def _handle(
        self,
        plan: Plan,
        action: Callable[[DeadLetter], None],
        what: str,
        why: str,
        per_second: float | None,
    ) -> Generator[Handled, None, None]:
        wanted = Selection(plan.message_ids)
        done = failed = 0
        interval = 1 / per_second if per_second else 0.0
        # The ten of one receive must still be ours when the last of them is sent.
        seconds = min(43_200, LOOK_SECONDS + int(20 * interval))
        seen = _Seen()
        started = self._monotonic()
        if not plan.count:
            return
        try:
            with closing(self._receive(wanted, seen, seconds, plan.count)) as letters:
                for letter in letters:
                    self._sleep(max(0.0, started + (done + failed) * interval - self._monotonic()))
                    error = _attempt(action, letter)
                    if error is None:
                        done += 1
                        seen.held.pop(letter.message_id, None)
                    else:
                        failed += 1
                    yield Handled(letter, error)
        finally:
            self._trail.write(
                f"{what}.ended", why=why, planned=plan.count, done=done, failed=failed
            )

    def _send_back(self, letter: DeadLetter) -> None:
        message = letter.message
        attributes = {
            name: value
            for name, value in message.message_attributes.items()
            if name not in REASON_ATTRIBUTES
        }
        attributes["submissionId"] = _string(letter.submission_id)
        if message.sent_at:
            # A message sent again gets a new time; the order was handed in at the old one.
            attributes.setdefault("receivedAt", _string(iso(message.sent_at)))
        # Send before delete: a crash between them makes a redelivery, which changes nothing. The
        # reverse would lose the order.
        self._queue.send_back(message, attributes)
        self._queue.delete(message)

    def _keep_text(self, letter: DeadLetter, why: str) -> None:
        body = letter.message.body
        whole = len(body.encode("utf-8", "replace")) <= MAX_KEPT_BYTES
        self._trail.write(
            "dlq.discard",
            why=why,
            message=letter.message_id,
            order=letter.order_id,
            submission=letter.submission_id,
            reason=letter.reason,
            payload=body if whole else body[: MAX_KEPT_BYTES // 4],
            payloadSha256=sha256_of(body),
        )

    def _receive(
        self, selection: Selection, seen: _Seen, seconds: int, stop_after: int | None = None
    ) -> Generator[DeadLetter, None, None]:
        looked_at = self._clock()
        found = 0
        try:
            while True:
                received = self._queue.receive(seconds, WAIT_SECONDS)
                new = [each for each in received if each.message.message_id not in seen.ids]
                for each in received:
                    seen.ids.add(each.message.message_id)
                    seen.held[each.message.message_id] = each.message
                if not received:
                    return
                for letter in self._decode(new, looked_at):
                    if selection.takes(letter):
                        found += 1
                        yield letter
                        if found == stop_after:
                            return
        finally:
            self._return(list(seen.held.values()))

    def _return(self, messages: Sequence[Message]) -> None:
        try:
            self._queue.release(messages)
        except StoreUnavailable:
            # SQS returns them by itself when their visibility time-out is over.
            return

    def _decode(self, received: Sequence[Received], looked_at: datetime) -> list[DeadLetter]:
        read = [(each, _read(each.message)) for each in received]
        identities = [name for _, name in read if isinstance(name, Identity)]
        recorded = self._records.find(identities)
        leading = self._records.leading(name.order_id for name in identities)
        return [_letter(each, name, recorded, leading, looked_at) for each, name in read]


def submission_id_of(message: Message) -> str:
    """
    The submission that a dead letter is, however it came there.

    SQS moves a message with its id, and the processor notes the id that a message had before it
    passed it on: either is what the processor took for the submission, where nothing else was said.
    """
    own = message.attribute("submissionId") or message.attribute("originalMessageId")
    return well_formed_submission_id(own or message.message_id)


def _read(message: Message) -> Identity | UnreadableOrder:
    try:
        order = parse_order(message.body)
    except UnreadableOrder as error:
        return error
    return Identity(order.id, submission_id_of(message), order.payload_sha256)


def _letter(
    received: Received,
    read: Identity | UnreadableOrder,
    recorded: Mapping[Identity, Record],
    leading: Mapping[str, Record],
    looked_at: datetime,
) -> DeadLetter:
    message = received.message
    known, status = _known(read, recorded, leading)
    first, last = _times(received, looked_at)
    reason = message.attribute("unreadableReason")
    return DeadLetter(
        message=message,
        order_id=read.order_id if isinstance(read, Identity) else None,
        submission_id=submission_id_of(message),
        reason=reason or (GAVE_UP if isinstance(read, Identity) else read.reason),
        detail=message.attribute("unreadableDetail"),
        first_seen_at=first,
        last_seen_at=last,
        known=known,
        status=status,
    )


def _known(
    read: Identity | UnreadableOrder,
    recorded: Mapping[Identity, Record],
    leading: Mapping[str, Record],
) -> tuple[Known, Status | None]:
    if isinstance(read, UnreadableOrder):
        return Known.UNREADABLE, None
    if read in recorded:
        return Known.THIS_SUBMISSION, recorded[read].status
    if read.order_id in leading:
        return Known.OTHER_SUBMISSION, leading[read.order_id].status
    return Known.NOTHING, None


def _times(received: Received, looked_at: datetime) -> tuple[datetime | None, datetime | None]:
    message = received.message
    moments = [
        parse_iso(message.attribute("receivedAt")),
        parse_iso(message.attribute("unreadableAt")),
        message.sent_at,
        # Of a letter that SQS moved, the processor's first attempt; of another, an operator's look.
        None if message.attribute("unreadableAt") else received.first_received_at,
    ]
    known = [moment for moment in moments if moment and moment < looked_at]
    return (min(known), max(known)) if known else (message.sent_at, message.sent_at)


def _since(letter: DeadLetter, since: datetime) -> bool:
    return letter.last_seen_at is not None and letter.last_seen_at >= since


def _string(value: str) -> dict[str, str]:
    return {"dataType": "String", "stringValue": value}


def _attempt(action: Callable[[DeadLetter], None], letter: DeadLetter) -> str | None:
    try:
        action(letter)
    except StoreUnavailable as error:
        return str(error)
    return None
