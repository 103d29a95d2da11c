"""The arithmetic of the backlog simulation, held against sums that can be done by hand."""

import subprocess
import sys

import pytest

from benchmarks.backlog import (
    MAX_RECEIVE_COUNT,
    RETENTION_SECONDS,
    VISIBILITY_TIMEOUT_SECONDS,
    Scenario,
    dead_letters_at_most,
    report,
    simulate,
)
from tests.resources import properties_of_resources


def at_full_speed(arrivals: float, outage_seconds: int, concurrency: int) -> Scenario:
    """Make a scenario without a ramp: each concurrent batch processes 100 orders a second."""
    return Scenario(
        arrivals,
        outage_seconds,
        batch_size=10,
        batch_seconds=0.1,
        maximum_concurrency=concurrency,
        first_concurrency=concurrency,
    )


def test_the_backlog_is_the_arrivals_of_the_outage() -> None:
    assert simulate(at_full_speed(50, 600, 10)).backlog_at_the_end == 30_000


@pytest.mark.parametrize(
    ("arrivals", "outage", "concurrency", "seconds"),
    [
        (50, 600, 10, 32),  # 30,000 / (1,000 - 50) = 31.6
        (500, 600, 10, 600),  # as long as the outage, at half of the capacity
        (900, 100, 10, 900),  # nine times as long, at nine tenths
        (0, 600, 10, 0),
    ],
)
def test_the_drain_time_is_the_backlog_over_the_spare_capacity(
    arrivals: float, outage: int, concurrency: int, seconds: int
) -> None:
    assert simulate(at_full_speed(arrivals, outage, concurrency)).drain_seconds == seconds


@pytest.mark.parametrize("arrivals", [1000, 1001])
def test_a_backlog_without_spare_capacity_never_drains(arrivals: float) -> None:
    outcome = simulate(at_full_speed(arrivals, 60, 10))

    assert outcome.drain_seconds is None
    assert "never" in report(at_full_speed(arrivals, 60, 10), outcome)


def test_a_backlog_drains_while_the_concurrency_grows() -> None:
    """From 0, adding 1 a second: t batches at once after t seconds, t^2/2 seconds of work done."""
    scenario = Scenario(
        100,
        50,
        batch_size=1,
        batch_seconds=0.01,
        maximum_concurrency=1000,
        first_concurrency=0,
        added_per_minute=60,
    )

    outcome = simulate(scenario)

    # 5,000 + 100 t = 100 t^2 / 2 has its root at t = 1 + sqrt(101) = 11.05
    assert outcome.drain_seconds == 12
    # and is highest at t = 1, where as much is processed as arrives.
    assert outcome.largest_backlog == pytest.approx(5_050)


def test_the_table_limits_the_orders_a_second() -> None:
    """30,000 orders at 40 - 10 a second, however many batches run at once."""
    scenario = Scenario(10, 3_000, first_concurrency=1250, store_limit_per_second=40)

    assert simulate(scenario).drain_seconds == 1_000


def test_concurrency_grows_from_5_by_300_a_minute_up_to_the_maximum() -> None:
    scenario = Scenario(1, 1, maximum_concurrency=1250)

    assert [scenario.concurrency_at(60 * minute) for minute in range(6)] == [
        *(5, 305, 605, 905, 1205, 1250)
    ]


@pytest.mark.parametrize(("minutes", "orders"), [(120, 0), (174, 0), (175, 6_000)])
def test_an_outage_reaches_the_dead_letter_queue_once_it_outlasts_every_receive(
    minutes: int, orders: int
) -> None:
    """Thirty receives, with a visibility timeout of six minutes between any two."""
    assert dead_letters_at_most(Scenario(100, minutes * 60)) == orders


def test_the_figures_of_the_queue_are_those_of_the_template() -> None:
    queue = properties_of_resources()["OrdersQueue"]

    assert queue["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVE_COUNT
    assert queue["VisibilityTimeout"] == VISIBILITY_TIMEOUT_SECONDS
    assert queue["MessageRetentionPeriod"] == RETENTION_SECONDS


def test_the_steady_concurrency_is_rate_times_duration() -> None:
    assert Scenario(10_000, 0, batch_size=100, batch_seconds=0.5).steady_concurrency == 50


def test_the_program_runs_as_the_docs_show() -> None:
    command = [sys.executable, "-m", "benchmarks.backlog", "--rate", "1000"]

    shown = subprocess.run(
        [*command, "--outage-minutes", "20"], capture_output=True, text=True, check=True
    ).stdout

    assert "backlog after the outage  1,200,000 orders" in shown
