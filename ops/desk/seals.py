"""The seals of a stage, for its operators and auditors: verified, listed, and proved by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chalicelib.services.seal import ONE_DAY
from chalicelib.services.sealing import LATE_DAYS
from ops.desk.proofs import Proofs
from ops.desk.seal_chain import SealChain
from ops.desk.seal_check import SealCheck
from ops.desk.seal_findings import SealFault, SealFinding
from ops.desk.seal_traces import hidden_records, rewritten_seals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from ops.desk.seal_chain import SealRead, SealStore
    from ops.desk.seal_check import Items, Objects
    from ops.desk.seal_findings import SealCounts
    from ops.desk.seal_keys import PublicKey


# Somebody's own object may be of any day: nobody waits until thousands without a seal are named.
MOST_OF_A_GAP = 366


class NothingSealed(Exception):
    """No day that is asked for is sealed: the message says so, without its full stop."""


class Ends(NamedTuple):
    """The first and the newest day of a chain that have a seal."""

    first: date
    newest: date


class Newest(NamedTuple):
    """The newest days of a chain, newest first, and the key that verified their seals."""

    reads: Sequence[SealRead]
    fingerprint: str
    has_more: bool


class Seals:
    """The seals of a stage. `own_key` tells the key by which the stage says that it signs."""

    def __init__(
        self,
        store: SealStore,
        items: Items,
        objects: Objects,
        own_key: Callable[[], PublicKey],
        stage: str,
    ) -> None:
        self._store = store
        self._items = items
        self._objects = objects
        self._own_key = own_key
        self._stage = stage

    def run(
        self,
        first: date | None = None,
        last: date | None = None,
        key: PublicKey | None = None,
    ) -> SealRun:
        """
        Prepare verifying the days of a period: of the whole chain, if no days are given.

        Raises:
            NothingSealed: there is no seal of these days.
        """
        key = key or self._key()
        chain = SealChain(self._store, key, self._stage)
        ends = _ends(chain)
        check = SealCheck(chain, self._store, self._items, self._objects)
        days = (first or ends.first, last or ends.newest)
        if max(days[0], ends.first) > days[1]:
            raise NothingSealed(f"{ends.first} to {ends.newest} are sealed, and no such day")
        return SealRun(check, days, ends, key.fingerprint)

    def proofs(self) -> Proofs:
        key = self._own_key()
        chain = SealChain(self._store, key, self._stage)
        return Proofs(chain, self._store, self._items, key.pem)

    def newest(self, most: int) -> Newest:
        """
        Read the newest days of the chain, newest first, each seal verified by itself.

        Raises:
            NothingSealed: there is no seal at all.
        """
        key = self._key()
        chain = SealChain(self._store, key, self._stage)
        ends = _ends(chain)
        days = (ends.newest - ends.first).days + 1
        reads = [chain.at(ends.newest - number * ONE_DAY) for number in range(min(most, days))]
        return Newest(reads, key.fingerprint, has_more=days > most)

    def _key(self) -> PublicKey:
        """Ask the stage for its key: one that has sealed nothing need not have any."""
        if not self._store.days():
            raise NothingSealed("no day is sealed")
        return self._own_key()


class SealRun:
    """A period whose seals are to be verified."""

    def __init__(
        self, check: SealCheck, days: tuple[date, date], ends: Ends, fingerprint: str
    ) -> None:
        self._check = check
        self._asked_from, self.last = days
        self.first = max(self._asked_from, ends.first)
        self._ends = ends
        self.fingerprint = fingerprint

    @property
    def newest(self) -> SealRead:
        """The newest seal of the chain: whoever notes its digest knows what must not go."""
        return self._check.chain.at(self._ends.newest)

    @property
    def unfinished(self) -> list[date]:
        """List the days after the newest seal that have lists of leaves, and no seal."""
        return [day for day in self._check.chain.days if day > self._ends.newest]

    def findings(
        self,
        counts: SealCounts,
        *,
        archive: bool = False,
        table: bool = False,
        expected: str | None = None,
    ) -> Iterator[SealFinding]:
        """
        Yield what is wrong, day by day. `expected`: the digest that one of the seals must have.

        `table`: read the whole table too, whatever the period, for records that no list shows.

        Raises:
            StoreUnavailable: it can't be judged.
        """
        digests: set[str | None] = set()
        for day in self._days():
            yield from self._check.findings(counts, day, self._ends, archive=archive)
            digests.add(self._check.chain.at(day).digest)
        yield from map(counts.count, self._of_the_rest())
        if table:
            yield from map(counts.count, hidden_records(self._check.items, counts, self.last))
        if expected and expected not in digests:
            note = f"no seal of these days has digest {expected}"
            yield counts.count(SealFinding(SealFault.EXPECTED, self.last, note))

    def _of_the_rest(self) -> Iterator[SealFinding]:
        """Yield what is wrong beside the days themselves."""
        chain, (first, newest) = self._check.chain, self._ends
        if self._asked_from < first:
            note = f"there is no seal: the chain begins with {first}"
            yield SealFinding(SealFault.NO_SEAL, self._asked_from, note)
        # What came late for the last days is in the seals of the next ones.
        for number in range(min((newest - self.last).days, LATE_DAYS)):
            yield from chain.findings(self.last + (number + 1) * ONE_DAY, *self._ends)
        yield from rewritten_seals(chain, self._check.objects, self._is_asked_for, newest)

    def _is_asked_for(self, day: date) -> bool:
        """Tell whether a day is in the period. A period up to the newest seal has no end."""
        return self.first <= day and (day <= self.last or self.last == self._ends.newest)

    def _days(self) -> Iterator[date]:
        """Yield the days; of those in a row that have nothing, the first so many."""
        have_some, without = set(self._check.chain.days), 0
        for number in range((self.last - self.first).days + 1):
            day = self.first + number * ONE_DAY
            without = 0 if day in have_some else without + 1
            if without <= MOST_OF_A_GAP:
                yield day


def _ends(chain: SealChain) -> Ends:
    days = chain.days
    sealed = (day for day in days if chain.at(day).is_there)
    first = next(sealed, None)
    if first is None:
        raise NothingSealed("no day is sealed")
    newest = next(day for day in reversed(days) if chain.at(day).is_there)
    return Ends(first, newest)
