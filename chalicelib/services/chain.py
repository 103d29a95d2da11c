"""
The chain: the seals that there are, and the leaves that each holds.

The seal of a day stays as it was first written, and names the day before's by its SHA-256.
"""

import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Protocol

from chalicelib.services.leaves import BadSeal, Leaf, leaf_of, lines_of
from chalicelib.services.seal import Seal, Statement, chunk_key, seal_key
from chalicelib.services.unavailable import StoreConflict

# The other put of the same object uploads 1.5 MB at most.
CONFLICT_PAUSES_SECONDS = (0.1, 0.5, 2.0)


class Store(Protocol):
    """The objects of seals. One that is written stays as it is."""

    def put_new(self, key: str, content: bytes) -> bool: ...
    def read(self, key: str) -> bytes | None: ...
    def days(self) -> list[date]: ...


class ChainBroken(Exception):
    """A seal or a chunk is gone or changed: the message names it."""


class Chain:
    """The seals of one stage."""

    def __init__(self, store: Store, sleep: Callable[[float], None] = time.sleep) -> None:
        self._store = store
        self._sleep = sleep

    def days(self) -> list[date]:
        """List the days that have anything, oldest first. The last may have no seal yet."""
        return self._store.days()

    def last_day(self, through: date) -> date | None:
        """Find the last day up to this one that has a seal."""
        days = (day for day in reversed(self.days()) if day <= through)
        return next((day for day in days if self.seal_of(day)), None)

    def seal_of(self, day: date) -> Seal | None:
        """
        Read a day's seal; None if it has none. Its signature is not checked.

        Raises:
            ChainBroken: the object is none, or of another day.
        """
        content = self._store.read(seal_key(day))
        if content is None:
            return None
        try:
            seal = Seal.from_json(content)
            is_of_day = seal.statement.day == day
        except BadSeal as error:
            raise ChainBroken(f"the seal of {day} can't be read: {error}") from error
        if not is_of_day:
            raise ChainBroken(f"the seal of {day} is another day's")
        return seal

    def before(self, statement: Statement) -> Seal | None:
        """
        Read the seal that a statement is chained to; None if it is the first.

        Raises:
            ChainBroken: the seal is gone, or is another one.
        """
        day = statement.previous_day
        if day is None:
            return None
        seal = self.seal_of(day)
        if seal is None:
            raise ChainBroken(f"the seal of {day} is gone")
        if seal.digest.hex() != statement.previous:
            raise ChainBroken(f"the seal of {statement.day} is not chained to the one of {day}")
        return seal

    def leaves_of(self, statement: Statement) -> Iterator[Leaf]:
        """
        Yield the leaves of a seal in their order, with one chunk in memory.

        Raises:
            ChainBroken: a chunk is gone, or was changed.
        """
        for chunk in statement.chunks:
            key = chunk_key(statement.day, chunk)
            content = self._store.read(key)
            if content is None:
                raise ChainBroken(f"{key} is gone")
            try:
                yield from map(leaf_of, lines_of(chunk, content))
            except BadSeal as error:
                raise ChainBroken(f"{key} can't be read: {error}") from error

    def put_new(self, key: str, content: bytes) -> bool:
        """
        Put an object if there is none yet: whether it was put.

        Raises:
            StoreUnavailable: it may or may not be there; try again.
        """
        for pause_seconds in CONFLICT_PAUSES_SECONDS:
            try:
                return self._store.put_new(key, content)
            except StoreConflict:
                self._sleep(pause_seconds)
        return self._store.put_new(key, content)
