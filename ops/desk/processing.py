"""
Pausing: the processor stops taking orders off the queue, and goes on when it is told to.

Orders are taken in meanwhile, and wait. None is lost until SQS's retention of the queue ends: so
whoever looks at a pause sees from when on that is.

Whoever pauses may do so because the table does not answer, and the audit trail is in the table. So
a note of who paused, when and why goes onto the queue first, as tags. Then the trail has its entry,
unless the table takes more than a few seconds: a pause is not kept waiting by what it is for. The
note says so, and a resume writes the pause down before anything goes on.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

from chalicelib.orders.times import iso
from chalicelib.services.unavailable import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.desk.audit_trail import AuditTrail
    from ops.processing_switch import Position, Switch

PAUSE, RESUME = "processing.pause", "processing.resume"
# Measured (docs/performance.md): a batch of ten usual orders.
BATCH_SECONDS = 0.1


class Waiting(NamedTuple):
    """The messages on the orders' queue, how old the oldest is, and how old one may become."""

    messages: int
    retention: timedelta
    oldest: timedelta | None = None


class Note(NamedTuple):
    """The note of a pause: by whom, when, why; and whether the audit trail has it."""

    at: datetime
    who: str
    why: str
    in_trail: bool


class Queue(Protocol):
    """The orders' queue, as far as pausing needs it."""

    def waiting(self) -> Waiting: ...
    def note(self) -> Note | None: ...
    def put_note(self, note: Note) -> None: ...
    def remove_note(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Look:
    """
    A look at the processing.

    `by` is the note of its pause; None if it runs, or was turned off by other means.
    `safe_until` is when SQS may begin to delete orders, `safe_for` how long that is from now on;
    None if none waits, or it runs.
    `own_maximum` is how many batches are processed at once by the stage's settings, while it runs.
    """

    position: Position
    waiting: Waiting
    by: Note | None = None
    safe_until: datetime | None = None
    safe_for: timedelta | None = None
    own_maximum: int | None = None

    @property
    def slowed(self) -> bool:
        """Tell whether fewer batches are processed at once than the stage's settings say."""
        now = self.position.maximum_concurrency
        return now is not None and self.own_maximum is not None and now < self.own_maximum

    @property
    def paused(self) -> bool:
        return not self.position.is_on

    @property
    def drain_seconds(self) -> int | None:
        """Estimate how long what waits takes; None where the concurrency isn't known."""
        batches, size = self.position.maximum_concurrency, self.position.batch_size
        if not batches or not size:
            return None
        return math.ceil(self.waiting.messages / (batches * size) * BATCH_SECONDS)


class Processing:
    """The processing of a stage: looked at, paused and resumed."""

    def __init__(
        self,
        switch: Switch,
        queue: Queue,
        trail: AuditTrail,
        *,
        hurried: AuditTrail,
        own_maximum: int | None = None,
        who: Callable[[], str],
        clock: Callable[[], datetime],
    ) -> None:
        """
        Take what it works with.

        `hurried` is the trail for a pause: it soon gives up. `own_maximum` is the concurrency by
        the stage's settings.
        """
        self._switch = switch
        self._queue = queue
        self._trail = trail
        self._hurried = hurried
        self._own_maximum = own_maximum
        self._who = who
        self._clock = clock

    def look(self) -> Look:
        """
        Look whether it is paused, by whom, and how long its orders may wait. The table is not read.

        Raises:
            SwitchMissing: there is nothing to pause.
            StoreUnavailable: AWS did not say.
        """
        position, waiting = self._switch.position(), self._queue.waiting()
        if position.is_on:
            return Look(position, waiting, own_maximum=self._own_maximum)
        by = self._queue.note()
        safe_until = self._safe_until(waiting, by)
        left = max(safe_until - self._clock(), timedelta(0)) if safe_until else None
        return Look(position, waiting, by, safe_until, left)

    def pause(self, why: str) -> Look:
        """
        Pause it, if it is not paused yet: written down first. Return a look afterwards.

        Raises:
            SwitchMissing, StoreUnavailable: as `look`. It may be paused.
        """
        if self._switch.position().is_on:
            note = Note(self._clock(), self._who(), why, in_trail=False)
            self._queue.put_note(note)
            # If the table is why it is paused, a resume writes the note down.
            with suppress(StoreUnavailable):
                self._hurried.write(PAUSE, why=why)
                self._queue.put_note(note._replace(in_trail=True))
            self._turn_off()
        return self.look()

    def resume(self, why: str = "", maximum_concurrency: int | None = None) -> Look:
        """
        Let it go on, if it does not: written down first. Return a look afterwards.

        Raises:
            SwitchMissing, StoreUnavailable: as `look`. It may go on, unless the table is why.
        """
        if not self._switch.position().is_on or maximum_concurrency is not None:
            note = self._queue.note()
            if note and not note.in_trail:
                # A table that wrote, and whose answer was lost, has it twice: rather than never.
                self._trail.write(PAUSE, why=note.why, pausedAt=iso(note.at), pausedBy=note.who)
                self._queue.put_note(note._replace(in_trail=True))
            self._trail.write(RESUME, why=why, maximumConcurrency=maximum_concurrency)
            self._switch.turn(on=True, maximum_concurrency=maximum_concurrency)
            self._queue.remove_note()
        return self.look()

    def _turn_off(self) -> None:
        try:
            self._switch.turn(on=False)
        except StoreUnavailable:
            # A note without its pause would name this operator for a later one of someone else.
            if self._switch.position().is_on:
                self._queue.remove_note()
            raise

    def _safe_until(self, waiting: Waiting, by: Note | None) -> datetime | None:
        """Take the earlier of both: SQS leaves failing messages out of the oldest one's age."""
        if not waiting.messages:
            return None
        since = [by.at] if by else []
        if waiting.oldest is not None:
            since.append(self._clock() - waiting.oldest)
        return min(since) + waiting.retention if since else None
