"""
The leaves that are sealed of a day: from its own seal, and from later ones that took in late ones.

A list of leaves that is gone, or is another one, leaves a gap: nothing is known of its leaves.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, NamedTuple, Protocol

from chalicelib.services.leaves import DAY_CHARACTERS, BadSeal, leaf_of, lines_of
from chalicelib.services.seal import ONE_DAY, chunk_key
from chalicelib.services.sealing import LATE_DAYS
from ops.desk.seal_findings import SealFault, SealFinding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from chalicelib.services.leaves import Chunk, Leaf, Place
    from ops.desk.seal_chain import SealChain, SealRead


class Store(Protocol):
    """The lists of leaves in the stage's bucket."""

    def read(self, key: str) -> bytes | None: ...


class Sealed(NamedTuple):
    """A leaf, and the day of the seal that holds it. Of two for one item, the first seal's wins."""

    place: Place
    sealed_on: date
    leaf: Leaf


class DayLeaves:
    """The sealed leaves of one day, in their order, and the gaps between them."""

    def __init__(self, chain: SealChain, store: Store, day: date) -> None:
        self._chain = chain
        self._store = store
        self._day = day
        self.faults: list[SealFinding] = []
        self._gaps: list[Chunk] = []

    def __iter__(self) -> Iterator[Sealed]:
        """Yield the leaves. A gap is known before the first leaf behind it is yielded."""
        reads = [self._chain.at(self._day + days * ONE_DAY) for days in range(LATE_DAYS + 1)]
        own, *later = reads
        streams = [self._of_seal(own)] if own.statement else []
        # A later seal that nobody trusts vouches for nothing.
        streams += [self._of_seal(read) for read in later if read.is_trusted]
        yield from merge(*streams)

    def is_in_gap(self, position: str) -> bool:
        """Tell whether a leaf of this position may be sealed in a list that can't be read."""
        return any(gap.first <= position <= gap.last for gap in self._gaps)

    def _of_seal(self, read: SealRead) -> Iterator[Sealed]:
        assert read.statement  # noqa: S101 (see above)
        of_day = self._day.isoformat()
        for chunk in read.statement.chunks:
            if chunk.first[:DAY_CHARACTERS] > of_day:
                return
            if chunk.last[:DAY_CHARACTERS] < of_day:
                self._check_other(read, chunk)
                continue
            for leaf in self._leaves(read, chunk):
                if leaf.position[:DAY_CHARACTERS] == of_day:
                    yield Sealed(leaf.name, read.day, leaf)

    def _check_other(self, read: SealRead, chunk: Chunk) -> None:
        """Read a list of the day's own seal that has late leaves only: it must be whole too."""
        if read.day == self._day:
            self._leaves(read, chunk)

    def _leaves(self, read: SealRead, chunk: Chunk) -> list[Leaf]:
        key = chunk_key(read.day, chunk)
        content = self._store.read(key)
        try:
            if content is not None:
                return [leaf_of(line) for line in lines_of(chunk, content)]
            why = "it is gone"
        except BadSeal as error:
            why = str(error)
        self._gaps.append(chunk)
        note = f"{key}: {why}; its {chunk.leaves:,} leaves can't be compared"
        self.faults.append(SealFinding(SealFault.CHUNK, read.day, note))
        return []
