"""
Dead letters that a look can't see: someone else holds them, or did when its process was killed.

They are on the queue, and SQS gives them to nobody until they are returned or their time is over.
So "there are none" is true only where none is hidden.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from ops.desk.look import LONGEST_HOLD_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from datetime import datetime

    from ops.desk.letters import DeadLetter, Selection
    from ops.desk.look import Look


@dataclass(frozen=True, slots=True)
class Hidden:
    """
    How many letters are hidden, about, and when they are back if nobody holds them any more.

    `until` is the latest moment for what a command or a console holds, or held when it was killed.
    """

    count: int
    until: datetime


class LettersHidden(Exception):
    """A letter was not found, and may be one of those that are hidden."""

    def __init__(self, hidden: Hidden) -> None:
        super().__init__(f"{hidden.count} letters are hidden")
        self.hidden = hidden


class LettersInSight:
    """
    The letters of one look, as an iterator, and afterwards how many it could not see.

    Closing it returns the letters that it holds.
    """

    def __init__(
        self,
        look: Look,
        selection: Selection,
        depths: Callable[[], Mapping[str, int]],
        clock: Callable[[], datetime],
    ) -> None:
        self._look = look
        self._clock = clock
        self._before: Mapping[str, int] = {}
        self._letters = self._begin(selection, depths)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> DeadLetter:
        return next(self._letters)

    def close(self) -> None:
        self._letters.close()

    @property
    def hidden(self) -> Hidden:
        """
        Tell how many letters were hidden from this look.

        SQS counts with a delay of a minute: a letter that was just returned may count as hidden
        still. One that the look has seen was not.
        """
        hidden = self._before.get("deadLettersHidden", 0)
        counted = hidden + self._before.get("deadLetters", 0)
        unseen = max(0, counted - self._look.seen)
        return Hidden(min(hidden, unseen), hidden_until(self._clock()))

    @property
    def unreturned(self) -> Hidden:
        """Tell how many letters this look holds although it has ended: SQS did not answer."""
        return Hidden(self._look.unreturned, hidden_until(self._clock()))

    def _begin(
        self, selection: Selection, depths: Callable[[], Mapping[str, int]]
    ) -> Generator[DeadLetter]:
        # Before the look, which hides letters itself.
        self._before = depths()
        with closing(self._look.letters(selection)) as letters:
            yield from letters


def hidden_until(now: datetime) -> datetime:
    """Tell when a letter is back at the latest that some process held until now."""
    return now + timedelta(seconds=LONGEST_HOLD_SECONDS)
