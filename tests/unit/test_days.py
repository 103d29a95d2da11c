"""The days of a period: each one that has something, by few reads, however long the period is."""

import itertools
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.days import NEWEST_DAYS, WALKED_DAYS, Days, latest_day

TODAY = date(2026, 3, 1)
SHARDS = 4


class World:
    """Days that have something, and counts of the reads that find them."""

    def __init__(self, held: Iterable[date], days_a_page: int = 3, pages: int = 0) -> None:
        self.held = set(held)
        self._days_a_page = days_a_page
        self._least_pages = pages
        self.walked = 0
        self.searched = 0

    @property
    def reads(self) -> int:
        return self.walked * SHARDS + self.searched

    def search(self) -> Iterator[set[date]]:
        left = iter(sorted(self.held))
        while True:
            self.searched += 1
            page = set(itertools.islice(left, self._days_a_page))
            yield page
            if not page and self.searched >= self._least_pages:
                return

    def walk(self, first: date, last: date = TODAY) -> list[date]:
        days = Days(first, last, self.search, SHARDS)
        seen = []
        for day in days:
            self.walked += 1
            if day in self.held:
                days.found()
                seen.append(day)
        return seen


def test_a_period_since_the_calendars_first_day_ends_soon_after_the_first_record() -> None:
    world = World([TODAY, TODAY - timedelta(days=3)])

    assert world.walk(date.min) == [TODAY, TODAY - timedelta(days=3)]
    assert world.reads < 40


def test_an_empty_table_ends_a_period_at_once() -> None:
    world = World([])

    assert world.walk(date.min) == []
    assert world.reads < 20


def test_years_without_records_are_skipped_and_what_is_before_them_is_found() -> None:
    """A restored or imported table is younger than its records."""
    old = [date(1999, 12, 31), date(2012, 2, 29), date(2025, 12, 24)]
    world = World([*old, TODAY])

    assert world.walk(date.min) == [TODAY, *reversed(old)]
    assert world.reads < 60


def test_a_month_is_walked_without_a_search() -> None:
    world = World([])

    world.walk(TODAY - timedelta(days=WALKED_DAYS))

    assert world.searched == 0


def test_a_search_through_a_large_table_costs_no_more_than_the_walk() -> None:
    world = World([TODAY], pages=1_000_000)

    world.walk(TODAY - timedelta(days=400))

    assert world.walked == 401
    assert world.searched <= 401 * SHARDS


def test_a_search_that_is_refused_leaves_the_walk_as_it_is() -> None:
    old = TODAY - timedelta(days=200)
    world = World([old])

    def refused() -> Iterator[set[date]]:
        raise StoreUnavailable("AccessDenied")
        yield set()

    days = Days(TODAY - timedelta(days=300), TODAY, refused, SHARDS)

    assert old in list(days)
    assert world.held == {old}


def test_the_newest_days_are_walked_although_a_search_does_not_know_them() -> None:
    """Records come in for them while the search reads."""
    world = World([])

    walked = list(Days(date.min, TODAY, world.search, SHARDS))

    assert walked[: NEWEST_DAYS + 1] == [TODAY - timedelta(days=n) for n in range(NEWEST_DAYS + 1)]


@pytest.mark.parametrize("first", [TODAY + timedelta(days=1), date.max])
def test_a_period_that_ends_before_it_begins_has_no_days(first: date) -> None:
    world = World([TODAY])

    assert world.walk(first) == []
    assert world.reads == 0


def test_no_period_goes_on_into_the_future() -> None:
    assert latest_day(date.max, TODAY) == TODAY + timedelta(days=1)
    assert latest_day(date.min, TODAY) == date.min


@given(
    held=st.sets(st.dates(date(2020, 1, 1), TODAY)),
    first=st.dates(date(2019, 6, 1), TODAY),
    days_a_page=st.integers(1, 50),
)
def test_every_day_that_has_something_is_visited_once_newest_first(
    held: set[date], first: date, days_a_page: int
) -> None:
    world = World(held, days_a_page)

    assert world.walk(first) == sorted((day for day in held if day >= first), reverse=True)
