"""The items of the table as verifying reads them: with their leaves by days, and by their keys."""

from __future__ import annotations

from datetime import date
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.aws.items import audit_partition
from chalicelib.aws.seal_items import (
    INDEXED,
    PARTITION,
    POSITION,
    SealItems,
    canonical,
    entry_leaf,
    record_leaf,
)
from chalicelib.orders.record import POSITION_DIGITS
from chalicelib.services.leaves import DAY_CHARACTERS
from ops.desk.hidden_records import WHERE_LISTED, hidden_among
from ops.desk.table_scan import scan_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from chalicelib.aws.items import Item
    from chalicelib.services.leaves import Leaf, Place
    from ops.desk.hidden_records import Hidden
    from ops.desk.order_table import OrderTable
    from ops.desk.seal_findings import SealCounts


class LeafItem(NamedTuple):
    """An item of the table with its leaf, in the order of their places."""

    place: Place
    leaf: Leaf
    item: Item


class VerifiedItems(SealItems):
    """The sealed items of a table, with what a sealer need not know of them."""

    def __init__(self, client: DynamoDBClient, table: OrderTable, audit_shards: int) -> None:
        super().__init__(client, table.name, audit_shards)
        self._by_keys = table
        self._shards = audit_shards

    def of_day(self, day: date) -> Iterator[LeafItem]:
        """Yield the items of a day in the order of their leaves, as the index has them."""
        return merge(
            *(_in_order(record_leaf, pages) for pages in self._records(day)),
            _in_order(entry_leaf, self._entries(day)),
        )

    def read(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Item]:
        """Read items by their keys from the table itself, as far as there are any."""
        return {
            (item["orderId"]["S"], item["recordId"]["S"]): item
            for item in self._by_keys.items(dict.fromkeys(keys))
        }

    def leaf(self, item: Item) -> Leaf | None:
        """Make the leaf of a record's item; None if the index can't have it."""
        return record_leaf(item) if "S" in item.get(POSITION, {}) else None

    def hidden(self, counts: SealCounts) -> Iterator[Hidden]:
        """Yield the records that no list shows, or not where they belong: by the whole table."""
        pages = scan_pages(
            self._client,
            self._table,
            FilterExpression="NOT begins_with(orderId, :ours)",
            ExpressionAttributeValues={":ours": {"S": "#"}},
            ProjectionExpression=", ".join(WHERE_LISTED),
            ConsistentRead=True,
        )
        for page in pages:
            counts.table += len(page)
            counts.on_change()
            yield from hidden_among(page, self._shards)

    def text(self, item: Item) -> str:
        """Write a record's item as it is hashed."""
        return canonical({name: value for name, value in item.items() if name in INDEXED})

    def listed(self, item: Item, position: str) -> Item:
        """Give an item the attributes by which the index had it at a position."""
        try:
            shard = int(position[-POSITION_DIGITS:], 16) % self._shards
            partition = audit_partition(date.fromisoformat(position[:DAY_CHARACTERS]), shard)
        except ValueError:  # somebody else's item had it
            return item
        return {**item, POSITION: {"S": position}, PARTITION: {"S": partition}}


def _in_order(leaf_of: Callable[[Item], Leaf], pages: Iterable[list[Item]]) -> Iterator[LeafItem]:
    leaves = ((leaf_of(item), item) for page in pages for item in page)
    found = (LeafItem(leaf.name, leaf, item) for leaf, item in leaves)
    # DynamoDB promises no order among what shares a position.
    for _, same in groupby(found, key=attrgetter("leaf.position")):
        yield from sorted(same)
