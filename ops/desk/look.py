"""
A look into the dead-letter queue.

SQS has no way to look into a queue. To look is to receive: a message that is looked at is hidden
from everyone else until it is returned, and its receive count rises by one for good. Here each is
returned as soon as the look ends; if the looking process dies, SQS returns them by itself after
`LOOK_SECONDS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from chalicelib.services.unavailable import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from datetime import datetime

    from chalicelib.services.message import Message
    from ops.desk.dead_letter_queue import Received
    from ops.desk.letters import DeadLetter, Selection

LOOK_SECONDS = 300
# The slowest redrive: the ten of one receive must still be its own when the last of them is sent.
SLOWEST_PER_SECOND = 0.1
LONGEST_HOLD_SECONDS = LOOK_SECONDS + int(20 / SLOWEST_PER_SECOND)
# SQS's most.
LONGEST_SECONDS = 43_200
# Asks all of SQS's servers: without it, an empty answer does not mean an empty queue.
WAIT_SECONDS = 1


class LookQueue(Protocol):
    """The dead-letter queue, as far as a look needs it."""

    def receive(self, visibility_seconds: int, wait_seconds: int) -> list[Received]: ...
    def release(self, messages: Sequence[Message]) -> None: ...


class Look:
    """One look: it holds the messages that it has received until it ends, and then returns them."""

    def __init__(
        self,
        queue: LookQueue,
        read: Callable[[Sequence[Received], datetime], list[DeadLetter]],
        began_at: datetime,
        extra_seconds: int = 0,
    ) -> None:
        """`extra_seconds` is how much longer than usual a message stays hidden."""
        self._queue = queue
        self._read = read
        self._began_at = began_at
        self._hidden_seconds = min(LONGEST_SECONDS, LOOK_SECONDS + extra_seconds)
        # A message that comes again: the look has come round.
        self._seen: set[str] = set()
        self._held: dict[str, Message] = {}
        # How many messages SQS would not take back when the look ended.
        self.unreturned = 0

    @property
    def seen(self) -> int:
        """How many messages were received, whether they were selected or not."""
        return len(self._seen)

    def letters(
        self, selection: Selection, stop_after: int | None = None
    ) -> Generator[DeadLetter, None, None]:
        """Yield the selected letters as they are received: ten at a time, in no order."""
        found = 0
        try:
            while received := self._queue.receive(self._hidden_seconds, WAIT_SECONDS):
                for letter in self._read(self._keep(received), self._began_at):
                    if selection.takes(letter):
                        found += 1
                        yield letter
                        if found == stop_after:
                            return
        finally:
            self._return()

    def let_go(self, letter: DeadLetter) -> None:
        """Don't return this letter: it is off the queue."""
        self._held.pop(letter.message_id, None)

    def _keep(self, received: Sequence[Received]) -> list[Received]:
        """Hold messages, and tell which of them are new."""
        new = [each for each in received if each.message.message_id not in self._seen]
        for each in received:
            self._seen.add(each.message.message_id)
            self._held[each.message.message_id] = each.message
        return new

    def _return(self) -> None:
        try:
            self._queue.release(list(self._held.values()))
        except StoreUnavailable:
            # SQS returns them by itself when their visibility time-out is over.
            self.unreturned = len(self._held)
