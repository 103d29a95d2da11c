"""Findings about seals, and about what they have sealed: what is wrong, where, and the counts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from chalicelib.orders.order import is_order_id
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date


class SealFault(StrEnum):
    """A fault of a seal, or of an item that is sealed or should be."""

    NO_SEAL = "no_seal"
    BAD_SEAL = "bad_seal"
    OTHER_SEAL = "other_seal"
    SIGNATURE = "signature"
    REWRITTEN = "rewritten"
    CHAIN = "chain"
    CHUNK = "chunk"
    EXPECTED = "expected"
    CHANGED = "changed"
    REMOVED = "removed"
    HIDDEN = "hidden"
    ADDED = "added"
    PAYLOAD = "payload"
    OBJECT = "object"
    UNREAD = "unread"
    """Nothing is known to be wrong: S3 or DynamoDB does not give it."""


@dataclass(frozen=True, slots=True)
class SealFinding:
    """A finding of a day. Those about an item name it by its keys."""

    fault: SealFault
    day: date
    note: str
    order_id: str = ""
    record_id: str = ""

    @property
    def masked(self) -> Self:
        """Mask accounts in ids: an item by another hand has any text for an id."""
        order_id = self.order_id if is_order_id(self.order_id) else masked_text(self.order_id)
        record_id, note = masked_text(self.record_id), masked_text(self.note)
        return replace(self, order_id=order_id, record_id=record_id, note=note)


@dataclass
class SealCounts:
    """The counts of a run, which tell how far it is while it runs."""

    days: int = 0
    records: int = 0
    entries: int = 0
    payloads: int = 0
    objects: int = 0
    table: int = 0
    """Records of the whole table, if it was read."""
    uncompared: int = 0
    """Items whose sealed leaves can't be read."""
    found: dict[SealFault, int] = field(default_factory=dict)
    on_change: Callable[[], None] = lambda: None

    def count(self, finding: SealFinding) -> SealFinding:
        """Count a finding, and return it."""
        self.found[finding.fault] = self.found.get(finding.fault, 0) + 1
        return finding

    @property
    def findings(self) -> int:
        """Tell how much is known to be wrong."""
        return sum(count for fault, count in self.found.items() if fault is not SealFault.UNREAD)

    @property
    def unread(self) -> int:
        return self.found.get(SealFault.UNREAD, 0)
