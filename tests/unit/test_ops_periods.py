"""The days that `--from` and `--to` mean, for every command that has them."""

import re
from datetime import date

import click
import pytest

from ops.cli import parameters
from tests.builders import START


@pytest.mark.parametrize(
    ("last_day", "why"),
    [
        (date(2026, 2, 1), "--from 2030-01-01 is after --to 2026-02-01."),
        (None, "--from 2030-01-01 is after --to 2026-03-01 (today in UTC, as none was given)."),
    ],
)
def test_the_error_of_a_backward_period_names_both_days(last_day: date | None, why: str) -> None:
    with pytest.raises(click.UsageError, match=re.escape(why)):
        parameters.period(date(2030, 1, 1), last_day, clock=lambda: START)


def test_a_period_that_ends_on_the_calendars_first_day_begins_there_too() -> None:
    assert parameters.period(None, date.min, clock=lambda: START) == (date.min, date.min)


@pytest.mark.parametrize("text", ["36501d", "999999d", "876001h"])
def test_a_duration_that_no_calendar_holds_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="longer than 36500d"):
        parameters.Duration().convert(text, None, None)


def test_the_longest_duration_can_be_taken_from_today() -> None:
    assert parameters.Moment().convert("36500d", None, None).year < START.year - 90
