"""
The audit trail: who did what, when and why, in the table beside the orders.

An entry's `orderId` is `#audit/` and its day. No order can have such an id, and an entry has none
of the attributes that the indexes are made of, so no list of orders ever shows one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, Self

from chalicelib.aws.items import unreadable_item
from chalicelib.orders.times import iso, parse_iso
from ops.audit_keys import PREFIX
from ops.desk.days import Days, latest_day
from ops.desk.masked_records import masked_key
from ops.desk.masking import mask, masked_payload, masked_text
from ops.desk.search import masked_kinds
from ops.desk.unreadable_records import UnreadableRecords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date, datetime

    from chalicelib.aws.items import Item

# An item of the table may have 400 KB. Whoever has more to keep writes several entries. What is
# only told, as the ids of a selection, is cut.
MAX_DETAILS_BYTES = 380_000
# Counts, and the system's own words about an order by its id.
OWN_DETAILS = frozenset({"letters", "planned", "done", "failed", "order", "where", "pausedAt"})


@dataclass(frozen=True, slots=True)
class Action:
    """
    An action of an operator.

    `what` is a stable name (`dlq.redrive`, `accounts.shown`), `details` are texts by their names.
    """

    at: datetime
    who: str
    what: str
    stage: str
    why: str = ""
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def masked(self) -> Self:
        """The action with the accounts masked: in its reason too, and in a discarded text."""
        details = {name: _masked(name, value) for name, value in self.details.items()}
        who, why = masked_text(self.who), masked_text(self.why)
        return replace(self, who=who, why=why, details=details)


class Table(Protocol):
    """The table, as far as the audit trail needs it."""

    def put_new(self, item: Item) -> None: ...
    def newest_of(self, order_id: str) -> Iterator[Item]: ...
    def days_of(self, prefix: str) -> Iterator[Iterable[date]]: ...


class AuditTrail:
    """The operators' actions. An entry, once written, is never changed."""

    def __init__(
        self,
        table: Table,
        *,
        stage: str,
        who: Callable[[], str],
        clock: Callable[[], datetime],
        unreadable: UnreadableRecords | None = None,
    ) -> None:
        """`unreadable` is given what can't be read as an entry."""
        self._table = table
        self._stage = stage
        self._who = who
        self._clock = clock
        self._unreadable = UnreadableRecords() if unreadable is None else unreadable

    def write(self, what: str, *, why: str = "", **details: object) -> Action:
        """
        Write down an action: before it is done, so that none goes unseen. None is left out.

        Raises:
            StoreUnavailable: it is not known to be written: do not act.
        """
        texts = {name: str(value) for name, value in details.items() if value is not None}
        action = Action(self._clock(), self._who(), what, self._stage, why, _bounded(texts))
        self._table.put_new(_to_item(action))
        return action

    def newest_first(self, first_day: date, last_day: date) -> Iterator[Action]:
        """Yield the actions of a period (days in UTC, both included), newest first."""
        last_day = latest_day(last_day, self._clock().date())
        days = Days(first_day, last_day, lambda: self._table.days_of(PREFIX))
        for day in days:
            for item in self._table.newest_of(f"{PREFIX}{day.isoformat()}"):
                days.found()
                action = _from_item(item)
                if action:
                    yield action
                else:
                    self._unreadable.add(unreadable_item(item, "it is no audit entry"))


def _bounded(texts: dict[str, str]) -> dict[str, str]:
    """Cut the longest text, if all of them are more than an item takes."""
    sizes = {name: len(text.encode("utf-8", "replace")) for name, text in texts.items()}
    too_many = sum(sizes.values()) - MAX_DETAILS_BYTES
    if too_many <= 0:
        return texts
    longest = max(sizes, key=lambda name: sizes[name])
    ending = f" ... ({sizes[longest]:,} bytes)"
    left = max(0, sizes[longest] - too_many - len(ending))
    start = texts[longest].encode("utf-8", "replace")[:left].decode("utf-8", "ignore")
    return {**texts, longest: start + ending}


def _masked(name: str, value: str) -> str:
    match name:
        case "payload":
            return masked_payload(value)
        case "key":
            return masked_key(value)
        case "selection":
            parts = value.split(", ")
            return ", ".join(it if it.startswith("order ") else masked_text(it) for it in parts)
        # However short: an operator has said that it is an account.
        case _ if name in masked_kinds():
            return mask(value)
        case _:
            return value if name in OWN_DETAILS else masked_text(value)


def _to_item(action: Action) -> Item:
    return {
        "orderId": {"S": f"{PREFIX}{action.at.date().isoformat()}"},
        "recordId": {"S": f"{iso(action.at)}#{uuid.uuid4()}"},
        "at": {"S": iso(action.at)},
        "who": {"S": action.who},
        "what": {"S": action.what},
        "stage": {"S": action.stage},
        "why": {"S": action.why},
        "details": {"M": {name: {"S": value} for name, value in action.details.items()}},
    }


def _from_item(item: Item) -> Action | None:
    """Read an entry; None if it is something else, or was changed."""
    try:
        at = parse_iso(item["at"]["S"])
        texts = {name: str(item[name]["S"]) for name in ("who", "what", "stage", "why")}
        details = {name: str(value["S"]) for name, value in item["details"]["M"].items()}
    except (AttributeError, KeyError, TypeError):
        return None
    return Action(at, **texts, details=details) if at else None
