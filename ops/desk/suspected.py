"""
Orders that look like one that was handed in twice under two ids, as by a double click.

They are accepted, have the same terms but for the channel, and were handed in within a window of
each other. That is a finding and no verdict: somebody may well pay the same twice.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.orders.terms import TERMS, Terms, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from chalicelib.orders.record import Record

DEFAULT_WINDOW = timedelta(minutes=10)
LONGEST_WINDOW = timedelta(days=1)
# Whoever clicks again may do so in another app of the bank's.
NOT_COMPARED = "channel"
# A script that goes wrong makes thousands of one kind: a finding names the newest of them.
MOST_NAMED = 20

Key = tuple[Value, ...]


class Sighting(NamedTuple):
    """One of the orders of a finding."""

    order_id: str
    submission_id: str
    channel: str | None
    received_at: datetime
    processed_at: datetime


@dataclass(slots=True)
class Suspicion:
    """
    Orders of which each was handed in within the window of the next one.

    `orders` names the first of them that were found, `count` says how many there are: 0 once it is
    a part of another one.
    """

    key: Key
    first_at: datetime
    last_at: datetime
    count: int = 1
    orders: list[Sighting] = field(default_factory=list)

    @property
    def terms(self) -> Terms:
        """The terms that all of the orders have."""
        return Terms(dict(zip(compared_terms(), self.key, strict=True)))

    @property
    def in_order(self) -> list[Sighting]:
        """The orders that are named, in the order in which they were handed in."""
        return sorted(self.orders, key=attrgetter("received_at"))

    def take_in(self, other: Suspicion) -> None:
        """Make one of two that are within the window of each other."""
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)
        self.count += other.count
        self.orders = [*self.orders, *other.orders][:MOST_NAMED]
        other.count = 0


def compared_terms() -> list[str]:
    """Name the terms that two orders must share to be suspected."""
    return [name for name in TERMS if name != NOT_COMPARED]


def suspected(newest_first: Iterable[Record], window: timedelta) -> Iterator[Suspicion]:
    """
    Find them in accepted records, newest first, and yield each finding once it is complete.

    An order is processed after it is handed in. So once the records have come to a time before a
    group by more than the window, no older record can belong to it, and it is let go: memory holds
    the orders of a window, and those that were processed late.
    """
    groups = _OpenGroups(window)
    for record in newest_first:
        yield from groups.closed_by(record.processed_at)
        groups.add(record)
    yield from groups.closed_by(None)


class _OpenGroups:
    """Groups, also of one order, that an older record may belong to."""

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._by_key: dict[Key, list[Suspicion]] = {}
        # The group whose oldest order is the newest of all is on top: it is the first to be closed.
        self._by_age: list[_Place] = []
        self._numbers = count()

    def add(self, record: Record) -> None:
        """Add a record: to a group that it is near, or to several, which are one from now."""
        new = group = _group_of(record)
        apart = []
        for each in self._by_key.get(new.key, ()):
            if self._are_near(group, each):
                each.take_in(group)
                group = each
            else:
                apart.append(each)
        self._by_key[new.key] = [*apart, group]
        if group is new:
            self._put(group)

    def closed_by(self, moment: datetime | None) -> Iterator[Suspicion]:
        """Yield the groups that nothing processed until then can belong to; None: all groups."""
        while self._by_age and (moment is None or self._by_age[0].first_at - self._window > moment):
            place = heapq.heappop(self._by_age)
            group = place.group
            if not group.count:
                continue  # It is a part of another one.
            if group.first_at < place.first_at:
                self._put(group)
                continue
            self._drop(group)
            if group.count > 1:
                yield group

    def _are_near(self, one: Suspicion, other: Suspicion) -> bool:
        between = max(one.first_at - other.last_at, other.first_at - one.last_at)
        return between <= self._window

    def _put(self, group: Suspicion) -> None:
        order = (-group.first_at.timestamp(), next(self._numbers))
        heapq.heappush(self._by_age, _Place(order, group.first_at, group))

    def _drop(self, group: Suspicion) -> None:
        left = [each for each in self._by_key[group.key] if each is not group]
        if left:
            self._by_key[group.key] = left
        else:
            del self._by_key[group.key]


class _Place(NamedTuple):
    """The place of a group in a heap. `order` is unlike every other one."""

    order: tuple[float, int]
    first_at: datetime
    group: Suspicion


def _group_of(record: Record) -> Suspicion:
    # A sender may claim to have handed in an order later than it was processed.
    handed_in = min(record.received_at, record.processed_at)
    order = Sighting(
        record.order_id,
        record.submission_id,
        record.channel,
        record.received_at,
        record.processed_at,
    )
    key = tuple(record.terms[name] for name in compared_terms())
    return Suspicion(key, handed_in, handed_in, orders=[order])
