"""Making proofs: a record of the table, and its way to the root of the seal that holds it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.orders.times import iso
from chalicelib.services.leaves import (
    CHUNK_LEAVES,
    DAY_CHARACTERS,
    BadSeal,
    hashes_of,
    leaf_of,
    lines_of,
)
from chalicelib.services.merkle import path_of
from chalicelib.services.seal import ONE_DAY, chunk_key
from chalicelib.services.sealing import LATE_DAYS, over_at
from ops.desk.proof_file import Proof

if TYPE_CHECKING:
    from chalicelib.orders.record import Record
    from chalicelib.services.leaves import Chunk, Leaf
    from chalicelib.services.seal import Seal
    from ops.desk.seal_chain import SealChain, SealRead
    from ops.desk.seal_check import Items
    from ops.desk.sealed_leaves import Store


NO_PLACE = "its item has no place in the audit any more"


class NoProof(Exception):
    """There is no proof of a record: the message says why, without its full stop."""


class NotSealed(NoProof):
    """No seal holds the record yet."""


class _Found(NamedTuple):
    """A leaf's place in a seal."""

    seal: Seal
    chunks: tuple[Chunk, ...]
    number: int
    lines: list[str]
    place: int


class Proofs:
    """Proofs of a stage's records. `public_key` goes with each, in PEM."""

    def __init__(self, chain: SealChain, store: Store, items: Items, public_key: str) -> None:
        self._chain = chain
        self._store = store
        self._items = items
        self._public_key = public_key

    def of(self, record: Record) -> Proof:
        """
        Make the proof of a record, from its item as the table has it now.

        Raises:
            NotSealed: no seal holds it yet.
            NoProof: it is not as it was sealed, or its seal is not whole.
        """
        key = (record.order_id, record.record_id)
        item = self._items.read([key]).get(key)
        leaf = self._items.leaf(item) if item else None
        if item is None or leaf is None:
            raise NoProof(NO_PLACE)
        found = self._find(leaf)
        roots = [bytes.fromhex(chunk.root) for chunk in found.chunks]
        path = path_of(hashes_of(found.lines), found.place) + path_of(roots, found.number)
        return Proof(
            item=self._items.text(item),
            line=leaf.line,
            index=found.number * CHUNK_LEAVES + found.place,
            path=tuple(each.hex() for each in path),
            seal=found.seal,
            public_key=self._public_key,
        )

    def _find(self, leaf: Leaf) -> _Found:
        reads = [self._chain.at(day) for day in _days_of_seals(leaf)]
        for read in reads:
            if read.fault:
                raise NoProof(f"the seal of {read.day} is not right: {read.fault.note}")
            if not (read.seal and read.statement):
                continue
            chunks = read.statement.chunks
            for number, chunk in enumerate(chunks):
                if chunk.first <= leaf.position <= chunk.last:
                    lines = self._lines(read, chunk)
                    place = _place_of(leaf, lines)
                    if place is not None:
                        return _Found(read.seal, chunks, number, lines, place)
        if reads[0].seal is None:
            day = reads[0].day
            raise NotSealed(f"its day, {day}, is not sealed: it can be from {iso(over_at(day))} on")
        if any(read.seal is None for read in reads):
            raise NotSealed("seals of the next two days take in what came late, as it did")
        raise NoProof("it is in no seal, and came too late for any")

    def _lines(self, read: SealRead, chunk: Chunk) -> list[str]:
        key = chunk_key(read.day, chunk)
        content = self._store.read(key)
        try:
            return lines_of(chunk, content or b"")
        except BadSeal as error:
            what = error if content is not None else "it is gone"
            raise NoProof(f"the list of leaves {key} is not as it was sealed: {what}") from error


def _days_of_seals(leaf: Leaf) -> list[date]:
    """List the days whose seals may hold a leaf: its own, and those that take in what came late."""
    try:
        day = date.fromisoformat(leaf.position[:DAY_CHARACTERS])
        return [day + days * ONE_DAY for days in range(LATE_DAYS + 1)]
    # Somebody else's item may name any day, or none.
    except (OverflowError, ValueError) as error:
        raise NoProof(NO_PLACE) from error


def _place_of(leaf: Leaf, lines: list[str]) -> int | None:
    for place, line in enumerate(lines):
        if line == leaf.line:
            return place
        if leaf_of(line).name == leaf.name:
            raise NoProof("it is not as it was sealed: its item was changed since")
    return None
