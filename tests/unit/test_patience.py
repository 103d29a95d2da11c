"""Waiting between two attempts: longer each time, as long as the API asks, and not for ever."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.patience import (
    LONGEST_ASKED_SECONDS,
    LONGEST_WAIT_SECONDS,
    MOST_ATTEMPTS,
    Patience,
    asked_seconds,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        (" 7 ", 7),
        ("120", 120),
        ("9" * 400, 999_999_999),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30),
        ("Tuesday, 24-Nov-26 12:00:30 GMT", 30),
        ("Tue Nov 24 12:00:30 2026", 30),
        ("Tue, 24 Nov 2026 11:59:00 GMT", 0),
        ("Tue, 24 Nov 2026 13:00:30 +0100", 30),
        ("Tue, 32 Nov 2026 12:00:30 GMT", None),
        (f"Tue, 24 Nov {'9' * 30} 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(
    retry_after: str | None, seconds: float | None
) -> None:
    assert asked_seconds(retry_after, clock=lambda: NOON) == seconds


@given(st.text())
def test_no_retry_after_fails_the_run(text: str) -> None:
    found = asked_seconds(text)

    assert found is None or found >= 0


def waits(patience: Patience, asked: float | None = None) -> list[float]:
    found = []
    while (seconds := patience.wait_seconds(asked)) is not None:
        found.append(seconds)
    return found


def test_each_wait_is_longer_up_to_a_limit_and_then_it_gives_up() -> None:
    found = waits(Patience(uniform=lambda _, most: most))

    assert len(found) == MOST_ATTEMPTS - 1
    assert all(later >= sooner for sooner, later in pairwise(found))
    assert found[:3] == [0.5, 1, 2]
    assert found[-1] == LONGEST_WAIT_SECONDS


def test_waits_differ_between_clients() -> None:
    assert waits(Patience()) != waits(Patience())


@pytest.mark.parametrize("asked", [3.0, LONGEST_ASKED_SECONDS])
def test_no_wait_is_shorter_than_the_api_asks(asked: float) -> None:
    assert min(waits(Patience(), asked)) >= asked


def test_whoever_is_asked_to_wait_too_long_gives_up_at_once() -> None:
    assert waits(Patience(), LONGEST_ASKED_SECONDS + 1) == []


def test_patience_is_renewed() -> None:
    patience = Patience(uniform=lambda _, most: most)
    before = waits(patience)

    patience.renew()

    assert waits(patience) == before
