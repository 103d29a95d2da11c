"""
The days of a period, newest first, however long the period is.

DynamoDB has no way to ask for the first day that has records: a day is a part of a partition key.
So a period is walked day by day. Where a day has nothing and more than a month is left, a search
goes on beside the walk: it reads through the keys that there are, page by page, and makes as many
reads as the walk makes. One of the two ends first; the work is at most twice what that one takes.
Nothing is guessed, so no record is hidden: a table that was restored, imported or replicated is
younger than its records, and its own date of creation says nothing about them (docs/operators.md).
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice, repeat
from typing import TYPE_CHECKING

from chalicelib.services.unavailable import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# Walking so many empty days is cheap: a list of a week or a month never searches.
WALKED_DAYS = 31
# Records may still come in for the newest days while a search reads, so they are always walked.
NEWEST_DAYS = 2


class Days:
    """
    The days of a period to look at, newest first.

    Whoever iterates calls `found` when a day has something. `search` yields, for each read that it
    makes, days that have something; it is begun only if it is needed. The walk itself makes
    `reads_a_day` reads.
    """

    def __init__(
        self,
        first_day: date,
        last_day: date,
        search: Callable[[], Iterator[Iterable[date]]],
        reads_a_day: int = 1,
    ) -> None:
        self._first = first_day
        self._last = last_day
        self._begin_search = search
        self._reads_a_day = reads_a_day
        self._search: Iterator[Iterable[date]] | None = None
        self._held: set[date] = set()
        self._all_are_held = False
        self._found = False

    def found(self) -> None:
        """Say that the day at hand has something."""
        self._found = True

    def __iter__(self) -> Iterator[date]:
        day: date | None = self._last
        while day is not None and day >= self._first:
            self._found = False
            yield day
            if not self._found and self._may_skip_from(day):
                self._search_on()
            day = self._before(day)

    def _may_skip_from(self, day: date) -> bool:
        """Tell whether a search is worth its reads, and can't miss what comes in just now."""
        return (
            (day - self._first).days > WALKED_DAYS
            and (self._last - day).days >= NEWEST_DAYS
            and not self._all_are_held
        )

    def _search_on(self) -> None:
        if self._search is None:
            self._search = self._begin_search()
        try:
            pages = list(islice(self._search, self._reads_a_day))
        except StoreUnavailable:
            # It may be that this operator may not search. The walk alone is slow, and right.
            self._search = repeat(())
            return
        self._held.update(*pages)
        self._all_are_held = len(pages) < self._reads_a_day

    def _before(self, day: date) -> date | None:
        if self._all_are_held:
            return max((each for each in self._held if each < day), default=None)
        return day - timedelta(days=1) if day > date.min else None


def latest_day(last_day: date, today: date) -> date:
    """Bound a period's last day: nothing is recorded later than tomorrow, by any clock."""
    return min(last_day, today + timedelta(days=1))
