"""Submissions, followed until it is known what became of them: a record, or a dead letter."""

from __future__ import annotations

import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from chalicelib.orders.record import Record
    from ops.desk.hidden_letters import LettersInSight
    from ops.desk.letters import DeadLetter
    from ops.desk.order_table import Identity

# Three keys each, and BatchGetItem takes a hundred: a look makes three calls at most.
LOOKED_UP_AT_ONCE = 99
# To look at the dead letters hides them from others for that moment, and counts as a receive. So
# what is hardly ever among them is sought there late, and each time after twice as long.
LETTER_AFTER_SECONDS = 20.0
UNREADABLE_AFTER_SECONDS = 1.0
LETTERS_AT_MOST = 1_000


@dataclass(eq=False)
class Followed:
    """
    A submission. `identity` is None if no order can be read from it: it becomes a dead letter.

    `outcome` is None until it is known.
    """

    submission_id: str
    identity: Identity | None
    since: float
    outcome: Record | DeadLetter | None = None
    letter_looks: int = 0

    def may_be_a_letter(self, now: float) -> bool:
        """Tell whether it is time to seek it among the dead letters."""
        first = LETTER_AFTER_SECONDS if self.identity else UNREADABLE_AFTER_SECONDS
        return self.outcome is None and now - self.since >= first * 2**self.letter_looks


class Following:
    """
    The submissions that are followed.

    However many wait, a look makes few calls: it takes those that were looked up the longest ago.
    """

    def __init__(
        self,
        recorded: Callable[[Iterable[Identity]], Mapping[Identity, Record]],
        letters: Callable[[], LettersInSight],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._recorded = recorded
        self._letters = letters
        self._monotonic = monotonic
        self._waiting: deque[Followed] = deque()

    @property
    def waiting(self) -> int:
        """How many have no known outcome."""
        return len(self._waiting)

    def follow(self, submission_id: str, identity: Identity | None) -> Followed:
        """Follow a submission from now on."""
        followed = Followed(submission_id, identity, self._monotonic())
        self._waiting.append(followed)
        return followed

    def look(self) -> bool:
        """
        Look what became of some of them, and return whether anything is known now that was not.

        Raises:
            StoreUnavailable: look again. Whatever has come out by then is kept.
        """
        some = [self._waiting.popleft() for _ in range(min(self.waiting, LOOKED_UP_AT_ONCE))]
        try:
            self._look_up([each for each in some if each.identity])
            self._seek_letters(some)
        finally:
            self._waiting.extend(each for each in some if each.outcome is None)
        return any(each.outcome for each in some)

    def _look_up(self, some: Sequence[Followed]) -> None:
        found = self._recorded(each.identity for each in some if each.identity) if some else {}
        for each in some:
            each.outcome = found.get(each.identity) if each.identity else None

    def _seek_letters(self, some: Sequence[Followed]) -> None:
        now = self._monotonic()
        sought = [each for each in some if each.may_be_a_letter(now)]
        if not sought:
            return
        for each in sought:
            each.letter_looks += 1
        with closing(self._letters()) as letters:
            for letter in islice(letters, LETTERS_AT_MOST):
                for each in sought:
                    if each.submission_id == letter.submission_id:
                        each.outcome = letter
                if all(each.outcome for each in sought):
                    return
