"""Fakes of what sealing needs. Each passes the contract suite that its adapter passes."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from hashlib import sha256

from chalicelib.aws.items import audit_partition
from chalicelib.aws.seal_items import entry_leaf, record_leaf
from chalicelib.services.leaves import ENTRIES_PREFIX, Leaf, Place
from chalicelib.services.seal import SEALS_PREFIX
from chalicelib.services.unavailable import StoreConflict
from tests.fakes import FakeRecordStore, Outages


class FakeSealItems(Outages):
    """
    The sealed items of a fake record store. An entry of operators is put there by hand.

    `unindexed`: the orderIds of records that the index does not have yet.
    """

    def __init__(self, store: FakeRecordStore) -> None:
        super().__init__()
        self._store = store
        self.unindexed: set[str] = set()
        # The days whose leaves were read, and of which the places alone.
        self.read: list[date] = []
        self.placed: list[date] = []

    def leaves(self, day: date) -> Iterator[Leaf]:
        self.read.append(day)
        yield from self._leaves(day)

    def places(self, day: date) -> Iterator[Place]:
        self.placed.append(day)
        for leaf in self._leaves(day):
            yield leaf.name

    def first_day(self) -> date | None:
        self._fail_if_down("Scan")
        days = set()
        for item in self._store._items.values():
            text = item.get("auditPartition", item["orderId"])["S"].removeprefix(ENTRIES_PREFIX)
            with suppress(ValueError):
                days.add(date.fromisoformat(text[:10]))
        return min(days, default=None)

    def _leaves(self, day: date) -> Iterator[Leaf]:
        self._fail_if_down("Query")
        partitions = [
            {"S": audit_partition(day, shard)} for shard in range(self._store.audit_shards)
        ]
        found = []
        for item in self._store._items.values():
            if item.get("auditPartition") in partitions:
                found += [record_leaf(item)] * (item["orderId"]["S"] not in self.unindexed)
            elif item["orderId"] == {"S": f"{ENTRIES_PREFIX}{day}"}:
                found.append(entry_leaf(item))
        yield from sorted(found)


class FakeSealStore(Outages):
    """
    Objects that are written once, in memory.

    `before_call` is called before each call, with its name. So many `conflicts` meet the next puts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.contents: dict[str, bytes] = {}
        self.before_call: Callable[[str], None] = lambda _: None
        self.conflicts = 0

    def put_new(self, key: str, content: bytes) -> bool:
        self._begin("PutObject")
        if self.conflicts:
            self.conflicts -= 1
            raise StoreConflict("S3 PutObject of a seal: ConditionalRequestConflict")
        return self.contents.setdefault(key, content) is content

    def read(self, key: str) -> bytes | None:
        self._begin("GetObject")
        return self.contents.get(key)

    def days(self) -> list[date]:
        self._begin("ListObjectsV2")
        found = set()
        for key in self.contents:
            folder, _, rest = key.removeprefix(SEALS_PREFIX).partition("/")
            if rest and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", folder):
                found.add(date.fromisoformat(folder))
        return sorted(found)

    def _begin(self, operation: str) -> None:
        self.before_call(operation)
        self._fail_if_down(operation)


class FakeSigner:
    """A key of which no two signatures are the same, as ECDSA's are not."""

    key_id = "arn:aws:kms:us-east-1:000000000000:key/fake"

    def __init__(self) -> None:
        self.signed: list[bytes] = []
        self.before_call: Callable[[str], None] = lambda _: None

    def sign(self, digest: bytes) -> bytes:
        self.before_call("Sign")
        self.signed.append(digest)
        return sha256(digest).digest() + len(self.signed).to_bytes(4)
