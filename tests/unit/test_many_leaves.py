"""A day of several lists of leaves: verified in flat memory, and each record proved."""

import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from unittest.mock import sentinel

import pytest

from chalicelib.aws.seal_items import canonical, record_leaf
from chalicelib.services.chain import Chain
from chalicelib.services.leaves import CHUNK_LEAVES, Leaf, Place
from chalicelib.services.sealing import Sealing
from ops.desk.hidden_records import Hidden
from ops.desk.seal_findings import SealCounts, SealFault
from ops.desk.seal_items import LeafItem
from ops.desk.seal_keys import PublicKey
from ops.desk.seals import Seals
from tests.desk_fakes import FakeOrderBucket
from tests.made_proofs import DAY, KEY, record_item
from tests.seal_fakes import FakeSealStore

COUNT = 2 * CHUNK_LEAVES + 3
# Three lists of leaves, of which one is held at a time.
MOST_BYTES = 15_000_000
PUBLIC = PublicKey.from_pem(KEY.pem.encode())


class ManyItems:
    """So many records of one day, made when they are asked for. Some may be gone, or others."""

    def __init__(self) -> None:
        self.gone: set[int] = set()
        self.others: dict[int, dict[str, Any]] = {}

    def item(self, number: int) -> dict[str, Any]:
        return record_item(number) | self.others.get(number, {})

    def of_day(self, day: date) -> Iterator[LeafItem]:
        for number in range(COUNT if day == DAY else 0):
            if number not in self.gone:
                item = self.item(number)
                leaf = record_leaf(item)
                yield LeafItem(leaf.name, leaf, item)

    def leaves(self, day: date) -> Iterator[Leaf]:
        return (each.leaf for each in self.of_day(day))

    def places(self, day: date) -> Iterator[Place]:
        return (each.place for each in self.of_day(day))

    def first_day(self) -> date:
        return DAY

    def read(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        numbers = {key: int(key[0].removeprefix("order-")) for key in keys}
        return {key: self.item(it) for key, it in numbers.items() if it not in self.gone}

    def leaf(self, item: dict[str, Any]) -> Leaf:
        return record_leaf(item)

    def text(self, item: dict[str, Any]) -> str:
        return canonical(item)

    def hidden(self, counts: SealCounts) -> Iterator[Hidden]:
        raise NotImplementedError(counts)

    def listed(self, item: dict[str, Any], position: str) -> dict[str, Any]:
        assert position
        return item


@pytest.fixture(scope="module")
def store() -> FakeSealStore:
    store = FakeSealStore()
    clock = datetime(2026, 3, 2, 1, tzinfo=UTC)
    sealing = Sealing(ManyItems(), Chain(store), KEY, stage="test", clock=lambda: clock)
    (seal,) = sealing.seal([DAY])
    assert [chunk.leaves for chunk in seal.statement.chunks] == [CHUNK_LEAVES, CHUNK_LEAVES, 3]
    return store


@pytest.fixture
def items() -> ManyItems:
    return ManyItems()


@pytest.fixture
def seals(store: FakeSealStore, items: ManyItems) -> Seals:
    return Seals(store, items, FakeOrderBucket(), lambda: PUBLIC, "test")


def test_a_day_is_verified_with_one_list_of_leaves_in_memory(seals: Seals) -> None:
    counts = SealCounts()
    tracemalloc.start()
    try:
        found = list(seals.run().findings(counts))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (found, counts.records) == ([], COUNT)
    assert peak < MOST_BYTES


def test_findings_are_named_wherever_they_are(seals: Seals, items: ManyItems) -> None:
    items.gone = {0, CHUNK_LEAVES - 1, CHUNK_LEAVES, COUNT - 1}
    items.others = {5: {"status": {"S": "DUPLICATE"}}}

    found = {(each.fault, each.order_id) for each in seals.run().findings(SealCounts())}

    gone = {(SealFault.REMOVED, f"order-{number:05d}") for number in items.gone}
    assert found == gone | {(SealFault.CHANGED, "order-00005")}


def test_a_list_of_leaves_that_is_gone_hides_no_finding_in_another(
    seals: Seals, store: FakeSealStore, items: ManyItems
) -> None:
    (name, *_) = (key for key in store.contents if key.endswith(".ndjson"))
    content = store.contents.pop(name)
    items.gone = {1, CHUNK_LEAVES + 1}
    counts = SealCounts()
    try:
        found = {(each.fault, each.order_id) for each in seals.run().findings(counts)}
    finally:
        store.contents[name] = content

    assert found == {
        (SealFault.CHUNK, ""),
        (SealFault.REMOVED, f"order-{CHUNK_LEAVES + 1:05d}"),
    }
    assert counts.uncompared == CHUNK_LEAVES - 1


@pytest.mark.parametrize(
    "number", [0, 1, CHUNK_LEAVES - 1, CHUNK_LEAVES, 2 * CHUNK_LEAVES, COUNT - 1]
)
def test_a_record_of_each_list_is_proved(seals: Seals, items: ManyItems, number: int) -> None:
    record: Any = sentinel.record
    record.order_id, record.record_id = f"order-{number:05d}", "0#FIRST"

    proof = seals.proofs().of(record)

    proved = proof.verify(PUBLIC)
    assert (proved.place, proved.leaf) == (number, record_leaf(items.item(number)))
