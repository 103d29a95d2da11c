"""
Records that stand in the table, and that no list shows.

Whoever asks for an order by its id gets them, and a seal can't know of them: it reads the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.aws.items import audit_partition
from chalicelib.aws.seal_items import PARTITION, POSITION
from chalicelib.orders.record import FIRST_SLOT
from chalicelib.orders.times import parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

PROCESSED_AT, HISTORY = "processedAt", "historyPosition"
WHERE_LISTED = ("orderId", "recordId", PROCESSED_AT, POSITION, PARTITION, HISTORY)


class Hidden(NamedTuple):
    """A record that is not listed where it belongs, and why. It may name no day."""

    order_id: str
    record_id: str
    day: date | None
    why: str


def hidden_among(items: Iterable[Mapping[str, Any]], audit_shards: int) -> Iterator[Hidden]:
    """Yield those of some items of records that are not where the lists look for them."""
    for item in items:
        moment = parse_iso(_text(item, PROCESSED_AT))
        day = moment and moment.date()
        why = _why_hidden(item, day, audit_shards)
        if why:
            yield Hidden(item["orderId"]["S"], item["recordId"]["S"], day, why)


def _why_hidden(item: Mapping[str, Any], day: date | None, audit_shards: int) -> str | None:
    position = _text(item, POSITION)
    partitions = [audit_partition(day, shard) for shard in range(audit_shards)] if day else []
    if _text(item, PARTITION) not in partitions or not position.startswith(
        f"{_text(item, PROCESSED_AT)}#"
    ):
        return "no list of its day shows it, and no seal of its day can hold it"
    # An order's first record is read by its key, the others by the index of its history.
    further = _text(item, "recordId") != FIRST_SLOT
    if item.get(HISTORY) != ({"S": position} if further else None):
        return "the history of its order does not show it at its place"
    return None


def _text(item: Mapping[str, Any], name: str) -> str:
    return str(item.get(name, {}).get("S", ""))
