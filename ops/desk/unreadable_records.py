"""Items that can't be read as records: kept aside, so that no list ends at one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.orders.record import parted
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chalicelib.orders.record import Listed, Record, UnreadableRecord

MOST_KEPT = 100


def named(unreadable: UnreadableRecord) -> str:
    """Name such an item: by its order, as it is, and its record, of which a sender chose a part."""
    record_id = masked_text(unreadable.record_id)
    return f"{unreadable.order_id}, {record_id}: {unreadable.problem}"


class UnreadableRecords:
    """
    Items that a desk has met, and that can't be read as records: each once, by its key.

    At most 100 are kept: an operator looks at the first ones, and then at where they come from.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], UnreadableRecord] = {}

    def __iter__(self) -> Iterator[UnreadableRecord]:
        return iter(list(self._found.values()))

    def __len__(self) -> int:
        return len(self._found)

    def add(self, unreadable: UnreadableRecord) -> None:
        if len(self._found) < MOST_KEPT:
            self._found[unreadable.order_id, unreadable.record_id] = unreadable

    def kept_from(self, listed: Iterable[Listed]) -> list[Record]:
        """Return the records of a list, and keep the rest aside."""
        records, unreadable = parted(listed)
        for each in unreadable:
            self.add(each)
        return records
