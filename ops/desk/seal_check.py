"""
Verifying seals: each day's seal and its chain, then its leaves against the table as it is now.

Two streams in the same order, the sealed leaves and the table's items, are run through side by
side, so memory does not grow with the day. The index that the items are read from follows the table
with a delay: what seems changed, removed or added is looked up in the table itself before it is
called so.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from hashlib import sha256
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from chalicelib.orders.record import Status
from ops.desk.object_failures import ObjectMissing, ObjectUnreadable
from ops.desk.seal_findings import SealFault, SealFinding
from ops.desk.sealed_leaves import DayLeaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from chalicelib.aws.items import Item
    from chalicelib.services.leaves import Leaf
    from ops.desk.hidden_records import Hidden
    from ops.desk.seal_chain import SealChain, SealRead
    from ops.desk.seal_findings import SealCounts
    from ops.desk.seal_items import LeafItem
    from ops.desk.sealed_leaves import Sealed, Store
    from ops.desk.seals import Ends

LOOKED_UP_AT_ONCE = 100
READERS = 32
Key = tuple[str, str]


class Items(Protocol):
    """The table, as far as verifying needs it."""

    def of_day(self, day: date) -> Iterator[LeafItem]: ...
    def read(self, keys: Iterable[Key]) -> Mapping[Key, Item]: ...
    def leaf(self, item: Item) -> Leaf | None: ...
    def text(self, item: Item) -> str: ...
    def listed(self, item: Item, position: str) -> Item: ...
    def hidden(self, counts: SealCounts) -> Iterator[Hidden]: ...


class Objects(Protocol):
    """The archive, as far as verifying needs it."""

    def digest(self, key: str) -> str: ...
    def versions_under(self, prefix: str, name: str) -> Mapping[str, int]: ...


class Doubt(NamedTuple):
    """An item to look at more closely: it seems to be at fault, or has more than its leaf shows."""

    fault: SealFault
    day: date
    leaf: Leaf
    """As it is sealed; as the table has it, of an item in no seal."""
    item: Item | None = None

    @property
    def key(self) -> Key:
        return self.leaf.order_id, self.leaf.record_id

    @property
    def is_to_be_read(self) -> bool:
        """Tell whether the table itself has the answer. An entry was read from there already."""
        return self.fault is not SealFault.OBJECT and not self.leaf.is_entry

    def found(self, note: str, fault: SealFault | None = None) -> SealFinding:
        return SealFinding(fault or self.fault, self.day, note, *self.key)


class SealCheck:
    """The seals of a stage against its table; with `archive`, against its objects too."""

    def __init__(self, chain: SealChain, store: Store, items: Items, objects: Objects) -> None:
        self.chain = chain
        self._store = store
        self.items = items
        self.objects = objects
        # A list of leaves may be needed for more than one day.
        self._told: set[SealFinding] = set()

    def findings(
        self, counts: SealCounts, day: date, ends: Ends, *, archive: bool
    ) -> Iterator[SealFinding]:
        """
        Yield what is wrong with a day, and count it.

        Raises:
            StoreUnavailable: what can't be read is not judged.
        """
        counts.days += 1
        for finding in self.chain.findings(day, *ends):
            yield counts.count(finding)
        read = self.chain.at(day)
        if read.is_comparable:
            for finding in self._of_items(counts, read, archive=archive):
                yield counts.count(finding)

    def _of_items(
        self, counts: SealCounts, read: SealRead, *, archive: bool
    ) -> Iterator[SealFinding]:
        leaves = DayLeaves(self.chain, self._store, read.day)
        doubts = self._doubts(counts, leaves, read.day, archive=archive)
        with ThreadPoolExecutor(READERS) as executor:
            while some := list(islice(doubts, LOOKED_UP_AT_ONCE)):
                yield from self._confirmed(counts, some, executor)
        for fault in leaves.faults:
            if fault not in self._told:
                self._told.add(fault)
                yield fault

    def _doubts(
        self, counts: SealCounts, leaves: DayLeaves, day: date, *, archive: bool
    ) -> Iterator[Doubt]:
        groups = (list(group) for _, group in groupby(leaves, itemgetter(0)))
        items = self._counted(counts, day)
        group, there = next(groups, None), next(items, None)
        while group or there:
            if there is None or (group and group[0].place < there.place):
                assert group  # noqa: S101 (one of the two is there)
                yield Doubt(SealFault.REMOVED, day, group[0].leaf)
                group = next(groups, None)
            elif group is None or there.place < group[0].place:
                if leaves.is_in_gap(there.leaf.position):
                    counts.uncompared += 1
                else:
                    yield Doubt(SealFault.ADDED, day, there.leaf)
                there = next(items, None)
            else:
                yield from _of_both(group, there, day, archive=archive)
                group, there = next(groups, None), next(items, None)

    def _counted(self, counts: SealCounts, day: date) -> Iterator[LeafItem]:
        for each in self.items.of_day(day):
            if each.leaf.is_entry:
                counts.entries += 1
            else:
                counts.records += 1
            counts.on_change()
            yield each

    def _confirmed(
        self, counts: SealCounts, doubts: list[Doubt], executor: Executor
    ) -> Iterator[SealFinding]:
        objects = (each for each in doubts if each.fault is SealFault.OBJECT)
        judged = executor.map(self._of_object, objects)
        found = self.items.read(each.key for each in doubts if each.is_to_be_read)
        for doubt in doubts:
            if doubt.fault is SealFault.OBJECT:
                counts.objects += 1
                finding = next(judged)
            elif doubt.is_to_be_read:
                counts.payloads += doubt.fault is SealFault.PAYLOAD
                finding = self._of_record(doubt, found.get(doubt.key))
            else:
                finding = doubt.found(NOTES[doubt.fault])
            if finding:
                yield finding

    def _of_record(self, doubt: Doubt, item: Item | None) -> SealFinding | None:
        if item is None:
            # What was added, and is gone by now, was never sealed.
            gone = SealFault.REMOVED
            return None if doubt.fault is SealFault.ADDED else doubt.found(NOTES[gone], gone)
        if doubt.fault is SealFault.ADDED:
            return doubt.found(NOTES[doubt.fault])
        if self.items.leaf(item) == doubt.leaf:
            return _of_payload(doubt, item) if doubt.fault is SealFault.PAYLOAD else None
        if self.items.leaf(self.items.listed(item, doubt.leaf.position)) == doubt.leaf:
            return doubt.found(NOTES[SealFault.HIDDEN], SealFault.HIDDEN)
        return doubt.found(NOTES[SealFault.CHANGED], SealFault.CHANGED)

    def _of_object(self, doubt: Doubt) -> SealFinding | None:
        assert doubt.item  # noqa: S101 (see `_of_both`)
        key, recorded = (_text(doubt.item, name) for name in ("s3Key", "payloadSha256"))
        try:
            if self.objects.digest(key) == recorded:
                return None
        except ObjectMissing:
            return doubt.found(f"its object is gone: {key}")
        except ObjectUnreadable as error:
            return doubt.found(f"its object can't be read: {error}", SealFault.UNREAD)
        return doubt.found(f"its object has other bytes: {key}")


NOTES = {
    SealFault.CHANGED: "it is not as it was sealed",
    SealFault.REMOVED: "it is gone from the table",
    SealFault.HIDDEN: "it is in the table as it was sealed, but no list shows it: its attributes "
    "for the index were changed or taken off",
    SealFault.ADDED: "it is in no seal. Seals of the next two days take in what comes late",
}


def _of_both(group: list[Sealed], there: LeafItem, day: date, *, archive: bool) -> Iterator[Doubt]:
    """Compare an item with the first seal that holds it: a later one may hold what it became."""
    sealed = group[0].leaf
    if sealed != there.leaf:
        yield Doubt(SealFault.CHANGED, day, sealed)
        return
    status, key = (_text(there.item, name) for name in ("status", "s3Key"))
    if status == Status.REJECTED:
        yield Doubt(SealFault.PAYLOAD, day, sealed)
    if archive and key:
        yield Doubt(SealFault.OBJECT, day, sealed, there.item)


def _of_payload(doubt: Doubt, item: Item) -> SealFinding | None:
    if "payload" not in item:
        return doubt.found("its text as received is gone")
    if sha256(_text(item, "payload").encode()).hexdigest() != _text(item, "payloadSha256"):
        return doubt.found("its text as received is another one")
    return None


def _text(item: Item, name: str) -> str:
    """Read an attribute. Somebody's own item that was sealed may have none, or another type."""
    return str(item.get(name, {}).get("S", ""))
