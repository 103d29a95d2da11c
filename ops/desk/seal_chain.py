"""
The chain of seals: each day's seal, read and verified by itself, and against the one before.

A seal is trusted once its signature is the key's, and it is the seal of this stage and day. What an
untrusted one says of its leaves is compared all the same, and called a finding in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Protocol

from chalicelib.services.leaves import BadSeal
from chalicelib.services.seal import ALGORITHM, ONE_DAY, Seal, Statement, seal_key
from chalicelib.services.sealing import LATE_DAYS
from ops.desk.seal_findings import SealFault, SealFinding

if TYPE_CHECKING:
    from collections.abc import Iterator

# A day's own seal, the day's before, and those that may hold leaves that came late.
KEPT = 8


class SealStore(Protocol):
    """The seals of the stage's bucket."""

    def read(self, key: str) -> bytes | None: ...
    def days(self) -> list[date]: ...


class Verifier(Protocol):
    """The public key that signatures are verified with."""

    def verify(self, signature: bytes, digest: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class SealRead:
    """
    A day's seal, as far as it can be read.

    `fault` says what is wrong with the seal by itself. Without a `statement` there are no leaves.
    """

    day: date
    seal: Seal | None = None
    statement: Statement | None = None
    fault: SealFinding | None = None

    @property
    def digest(self) -> str | None:
        return self.seal.digest.hex() if self.seal else None

    @property
    def is_there(self) -> bool:
        """Tell whether the day has any object for a seal."""
        return self.seal is not None or self.fault is not None

    @property
    def is_trusted(self) -> bool:
        return self.statement is not None and self.fault is None

    @property
    def is_comparable(self) -> bool:
        """Tell whether its leaves are this day's, whoever signed them."""
        other = self.fault is not None and self.fault.fault is SealFault.OTHER_SEAL
        return self.statement is not None and not other


class SealChain:
    """The seals of a stage, each read once as long as it is needed."""

    def __init__(self, store: SealStore, key: Verifier, stage: str) -> None:
        self._store = store
        self._key = key
        self._stage = stage
        self.at = lru_cache(KEPT)(self._read)
        """Read the seal of a day."""

    @cached_property
    def days(self) -> list[date]:
        """The days that have something, in order: without those that have no days beside."""
        most = (LATE_DAYS + 1) * ONE_DAY
        days = sorted(self._store.days())
        return [day for day in days if day - date.min > ONE_DAY and date.max - day > most]

    def findings(self, day: date, first: date, newest: date) -> Iterator[SealFinding]:
        """
        Find what is wrong with the seal of a day, and with its link to the day before.

        `first` and `newest` are the days of the chain's ends.
        """
        read = self.at(day)
        if not read.is_there:
            yield _missing(day, newest)
        if read.fault:
            yield read.fault
        if read.statement:
            yield from self._link(read.statement, first, newest)

    def _link(self, statement: Statement, first: date, newest: date) -> Iterator[SealFinding]:
        day, previous = statement.day, statement.previous
        if previous is None:
            if day != first:
                note = f"it says that it is the first seal, but {first} is sealed"
                yield SealFinding(SealFault.CHAIN, day, note)
            return
        before = self.at(day - ONE_DAY)
        if day == first and not before.is_there:
            # No other day says so: the chain goes on before its first seal that is there.
            yield _missing(before.day, newest)
        elif before.seal and before.digest != previous:
            note = f"it is chained to a seal of {before.day} with another digest: {previous}"
            yield SealFinding(SealFault.CHAIN, day, note)

    def _read(self, day: date) -> SealRead:
        content = self._store.read(seal_key(day))
        if content is None:
            return SealRead(day)
        try:
            seal = Seal.from_json(content)
        except BadSeal as error:
            return SealRead(day, fault=SealFinding(SealFault.BAD_SEAL, day, str(error)))
        try:
            statement = seal.statement
        except BadSeal as error:
            return SealRead(day, seal, None, SealFinding(SealFault.BAD_SEAL, day, str(error)))
        return SealRead(day, seal, statement, self._fault(day, seal, statement))

    def _fault(self, day: date, seal: Seal, statement: Statement) -> SealFinding | None:
        if (statement.stage, statement.day) != (self._stage, day):
            note = f"it is the seal of stage {statement.stage}, {statement.day}"
            return SealFinding(SealFault.OTHER_SEAL, day, note)
        if seal.algorithm != ALGORITHM or not self._key.verify(seal.signature, seal.digest):
            note = f"its signature is not this key's; it names key {seal.key_id}"
            return SealFinding(SealFault.SIGNATURE, day, note)
        return None


def _missing(day: date, newest: date) -> SealFinding:
    note = (
        f"there is no seal, and {newest} is sealed: it was removed"
        if day < newest
        else "there is no seal: it was not made yet, or the end of the chain was cut off"
    )
    return SealFinding(SealFault.NO_SEAL, day, note)
