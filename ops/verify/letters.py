"""The dead letters of these checks: taken off the queue again by their own ids, and no others."""

from __future__ import annotations

import re
import threading
from contextlib import closing
from typing import TYPE_CHECKING

from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.letters import Plan, Selection
from ops.verify.check import Interrupted, Skipped

if TYPE_CHECKING:
    from collections.abc import Collection

    from ops.desk.dead_letters import DeadLetters
    from ops.desk.letters import DeadLetter

MARK = "verify"
# An order id of a run, or the beginning of a text that holds no order.
OWN = re.compile(rf"({MARK}-\d{{8}}T\d{{6}}Z-[0-9a-f]{{6}})-[a-z0-9-]{{1,32}}")
NO_ORDER = ": this is no order"
# A look hides every letter for its length. Among so many, one of ours is not worth it.
MOST_LETTERS = 500
# A look that is going on ends after the ten letters at hand.
CLOSE_LIMIT_SECONDS = 10.0


class Letters:
    """
    Finds and takes away the dead letters of this run, and those that an earlier one left.

    One look at a time: two would hide letters from each other.
    """

    def __init__(self, dead_letters: DeadLetters, mark: str) -> None:
        self._dead_letters = dead_letters
        self._mark = mark
        self._looking = threading.Lock()
        self._closed = threading.Event()
        self._taken: dict[str, DeadLetter] = {}

    def poison(self, name: str) -> str:
        """Make a text that holds no order, and that tells whose it is."""
        return f"{self._mark}-{name}{NO_ORDER}"

    def find(self, message_ids: Collection[str]) -> dict[str, DeadLetter]:
        """
        Return the letters of those of these messages that became one, by the messages' ids.

        They are off the queue then. The ids are those that SQS gave when they were sent.
        """
        self._require_few()
        self.take_own(unless_taken=message_ids)
        return {name: letter for name, letter in self._taken.items() if name in message_ids}

    def take_own(self, unless_taken: Collection[str] = ()) -> int:
        """
        Take every letter of these checks off the queue: how many were left by another run.

        Raises:
            StoreUnavailable: one could not be taken.
        """
        with self._looking:
            if unless_taken and set(unless_taken) <= self._taken.keys():
                return 0
            own = self._look()
            plan = Plan(Selection(frozenset(own)), frozenset(own), {}, {})
            why = f"sent by ops verify, {self._mark}"
            for handled in self._dead_letters.discard(plan, why=why):
                if handled.error:
                    raise StoreUnavailable(handled.error)
            self._taken |= {origin_of(letter): letter for letter in own.values()}
            return sum(owner_of(letter) != self._mark for letter in own.values())

    def tidy(self) -> str:
        """
        Take away what can be taken away, and say what there is to say of it.

        Whoever may not look at dead letters can still make all the other checks.
        """
        try:
            left_by_others = self.take_own() if self.are_few() else 0
        except StoreUnavailable as error:
            return f"The dead letters of these checks can't be taken away: {error}"
        if not left_by_others:
            return ""
        return f"Dead letters of an earlier run, taken away: {left_by_others}"

    def are_few(self) -> bool:
        """Tell whether the queue has so few letters that it may be looked through."""
        return self._dead_letters.depths()["deadLetters"] <= MOST_LETTERS

    def close(self) -> None:
        """End the look that is going on, so that it gives back what it holds."""
        self._closed.set()
        if self._looking.acquire(timeout=CLOSE_LIMIT_SECONDS):
            self._looking.release()

    def _require_few(self) -> None:
        if not self.are_few():
            raise Skipped(
                f"the dead-letter queue has more than {MOST_LETTERS} letters, and a look for one "
                "would hide them all from others"
            )

    def _look(self) -> dict[str, DeadLetter]:
        own = {}
        with closing(self._dead_letters.look()) as letters:
            for letter in letters:
                if self._closed.is_set():
                    raise Interrupted
                if owner_of(letter):
                    own[letter.message_id] = letter
        return own


def owner_of(letter: DeadLetter) -> str | None:
    """Return the mark of the run that sent a letter; None if it is not of these checks."""
    body = letter.message.body
    text = letter.order_id or (body.removesuffix(NO_ORDER) if body.endswith(NO_ORDER) else "")
    found = OWN.fullmatch(text)
    return found[1] if found else None


def origin_of(letter: DeadLetter) -> str:
    """Return the id that a letter's message had on the orders' queue."""
    return letter.message.attribute("originalMessageId") or letter.message_id
