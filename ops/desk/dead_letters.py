"""
Dead letters: look at them, redrive them, discard them.

A letter is redriven by receive -> send -> delete, in this order, with its submission id. A process
that ends between send and delete leaves the letter in both queues; sent once more, it is the same
submission again, which changes nothing. So a redrive that was broken off is simply begun again.

What a discard or a resubmission has put away is never redriven: see `decisions.py`.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

from chalicelib.orders.times import iso
from chalicelib.services.message_attributes import REASON_ATTRIBUTES, string_attribute
from chalicelib.services.processed import received_at_of
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.decisions import DecisionStands
from ops.desk.hidden_letters import LettersHidden, LettersInSight
from ops.desk.kept_letters import PART, details_of, parts_of
from ops.desk.letter_decisions import LetterDecisions
from ops.desk.letter_reader import LetterReader
from ops.desk.letters import DeadLetter, Handled, Plan, Selection
from ops.desk.look import Look, LookQueue
from ops.desk.reasons import reason_of
from ops.roles.denial import denial_in

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime

    from chalicelib.services.message import Message
    from chalicelib.services.message_attributes import Attributes
    from ops.desk.audit_trail import AuditTrail
    from ops.desk.decision_log import Decisions
    from ops.desk.decisions import Decision
    from ops.desk.letter_reader import Records

DEFAULT_PER_SECOND = 20.0


class Queue(LookQueue, Protocol):
    """The two queues: `DeadLetterQueue` documents each method."""

    def send_back(self, message: Message, attributes: Attributes) -> None: ...
    def delete(self, message: Message) -> None: ...
    def depths(self) -> dict[str, int]: ...


class DeadLetters:
    """The dead letters of a stage."""

    def __init__(
        self,
        queue: Queue,
        records: Records,
        trail: AuditTrail,
        decisions: Decisions,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._reader = LetterReader(records)
        self._trail = trail
        self._decisions = LetterDecisions(decisions)
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic

    def depths(self) -> dict[str, int]:
        """Count messages, about: `queue`, `inFlight`, `deadLetters`, `deadLettersHidden`."""
        return self._queue.depths()

    def look(self, selection: Selection | None = None) -> LettersInSight:
        """
        Yield letters as they are received: ten at a time, in no order.

        Each is hidden from others until the iterator ends or is closed, and then returned.
        """
        look = self._begin_look()
        return LettersInSight(look, selection or Selection(), self._queue.depths, self._clock)

    def find(self, message_id: str) -> DeadLetter | None:
        """
        Find one letter, which means to look through the queue until it comes.

        Raises:
            LettersHidden: it is not in sight, but some letters are not.
        """
        with closing(self.look(Selection(frozenset({message_id})))) as letters:
            letter = next(letters, None)
        if letter is None and letters.hidden.count:
            raise LettersHidden(letters.hidden)
        return letter

    def plan(
        self, selection: Selection, on_letter: Callable[[DeadLetter], None] = lambda _: None
    ) -> Plan:
        """Look at all that a selection takes, and change nothing else. `on_letter` gets each."""
        ids: set[str] = set()
        reasons: Counter[str] = Counter()
        known: Counter[str] = Counter()
        with closing(self.look(selection)) as letters:
            for letter in letters:
                ids.add(letter.message_id)
                reasons[letter.reason] += 1
                known[letter.known.value] += 1
                on_letter(letter)
        return Plan(selection, frozenset(ids), reasons, known, letters.hidden)

    def redrive(
        self, plan: Plan, *, why: str = "", per_second: float = DEFAULT_PER_SECOND
    ) -> Generator[Handled, None, None]:
        """
        Send the planned letters back to the orders' queue, at most so many a second.

        Closing the iterator stops it after the letter at hand. The audit trail gets an entry
        before the first letter, and one with the numbers when it ends. A letter whose submission
        was put away stays where it is.

        Raises:
            BadReason: the reason can't be kept. Nothing has begun.
        """
        return self._redrive(plan, reason_of(why), per_second)

    def discard(self, plan: Plan, *, why: str) -> Generator[Handled, None, None]:
        """
        Take the planned letters off the queue for good.

        The audit trail gets an entry for each before it is deleted, with its text and attributes
        as they were, so that nothing is ever lost: several entries, if it is larger than one. If
        the letter's submission is not recorded, the decision is written down too, which puts it
        away. One that may be on the orders' queue again stays.

        Raises:
            BadReason: no reason is given, or it can't be kept. Nothing has begun.
        """
        return self._discard(plan, reason_of(why, needed=True))

    def _redrive(self, plan: Plan, why: str, per_second: float) -> Generator[Handled, None, None]:
        self._trail.write("dlq.redrive", why=why, selection=plan.selection, letters=plan.count)

        def redrive(letter: DeadLetter) -> None:
            self._decisions.hand_in(letter, why)
            self._send_back(letter)

        yield from self._handle(plan, redrive, "dlq.redrive", why, per_second)

    def _discard(self, plan: Plan, why: str) -> Generator[Handled, None, None]:
        def discard(letter: DeadLetter) -> None:
            self._decisions.allow_discard(letter)
            # The text first: where the table is gone, a discard fails and decides nothing.
            self._keep_text(letter, why)
            self._decisions.discard(letter, why)
            self._queue.delete(letter.message)

        yield from self._handle(plan, discard, "dlq.discard", why, per_second=None)

    def decision_on(self, letter: DeadLetter) -> Decision | None:
        """Read the decision that stands about a letter's submission, if there is one."""
        return self._decisions.last(letter)

    def _begin_look(self, extra_seconds: int = 0) -> Look:
        return Look(self._queue, self._reader.read, self._clock(), extra_seconds)

    def _handle(
        self,
        plan: Plan,
        action: Callable[[DeadLetter], None],
        what: str,
        why: str,
        per_second: float | None,
    ) -> Generator[Handled, None, None]:
        if not plan.count:
            return
        counts = Counter[str]()
        interval = 1 / per_second if per_second else 0.0
        # The ten of one receive must still be ours when the last of them is sent.
        look = self._begin_look(extra_seconds=int(20 * interval))
        started = self._monotonic()
        try:
            with closing(look.letters(Selection(plan.message_ids), plan.count)) as letters:
                for letter in letters:
                    due = started + counts.total() * interval
                    self._sleep(max(0.0, due - self._monotonic()))
                    handled = _attempt(action, letter)
                    counts["done" if handled.error is None else "failed"] += 1
                    if handled.error is None:
                        look.let_go(letter)
                    yield handled
        finally:
            self._trail.write(
                f"{what}.ended",
                why=why,
                planned=plan.count,
                done=counts["done"],
                failed=counts["failed"],
            )

    def _send_back(self, letter: DeadLetter) -> None:
        message = letter.message
        attributes = {
            name: value
            for name, value in message.message_attributes.items()
            if name not in REASON_ATTRIBUTES
        }
        # A message that is sent again gets a new id and a new time; its order has the old ones.
        attributes["submissionId"] = string_attribute(letter.submission_id)
        if received_at := received_at_of(message):
            attributes["receivedAt"] = string_attribute(iso(received_at))
        # Send before delete: a crash between them makes a redelivery, which changes nothing. The
        # reverse would lose the order.
        self._queue.send_back(message, attributes)
        self._queue.delete(message)

    def _keep_text(self, letter: DeadLetter, why: str) -> None:
        for part in parts_of(letter):
            self._trail.write(PART, why=why, **part)
        self._trail.write("dlq.discard", why=why, **details_of(letter))


def _attempt(action: Callable[[DeadLetter], None], letter: DeadLetter) -> Handled:
    try:
        action(letter)
    except (StoreUnavailable, DecisionStands) as error:
        return Handled(letter, str(error), denial_in(error))
    return Handled(letter)
