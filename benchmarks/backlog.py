"""
Compute the backlog that an outage leaves, and how long it takes to drain.

    python -m benchmarks.backlog --rate 1000 --outage-minutes 20

This is a simulation of Lambda's event source mapping, second by second, with AWS's published
figures; it measures nothing. During the outage nothing is processed. Afterwards the mapping begins
with 5 batches at once and adds up to 300 a minute, up to the limits of the maximum concurrency and
the table.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

# docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
FIRST_CONCURRENCY = 5
ADDED_PER_MINUTE = 300
HIGHEST_CONCURRENCY = 1250
# infrastructure/resources.yaml
VISIBILITY_TIMEOUT_SECONDS = 360
MAX_RECEIVE_COUNT = 30
RETENTION_SECONDS = 4 * 24 * 3600
GIVE_UP_SECONDS = RETENTION_SECONDS
# DynamoDB's default quota of a table on demand; a usual order is one write of one unit.
STORE_LIMIT_PER_SECOND = 40_000


@dataclass(frozen=True)
class Scenario:
    """An outage, and the means to catch up with it."""

    arrivals_per_second: float
    outage_seconds: int
    batch_size: int = 10
    batch_seconds: float = 0.1
    maximum_concurrency: int = HIGHEST_CONCURRENCY
    first_concurrency: int = FIRST_CONCURRENCY
    added_per_minute: int = ADDED_PER_MINUTE
    store_limit_per_second: float = STORE_LIMIT_PER_SECOND

    @property
    def orders_per_second_each(self) -> float:
        """Orders a second that one batch at a time processes."""
        return self.batch_size / self.batch_seconds

    @property
    def capacity_per_second(self) -> float:
        """Orders a second once the mapping is fully scaled."""
        return self.processed_with(self.maximum_concurrency)

    @property
    def steady_concurrency(self) -> int:
        """The number of batches at once that keeps up with the arrivals."""
        return math.ceil(self.arrivals_per_second / self.orders_per_second_each)

    def processed_with(self, concurrency: float) -> float:
        """Compute orders a second with so many batches at once."""
        return min(concurrency * self.orders_per_second_each, self.store_limit_per_second)

    def concurrency_at(self, seconds: float) -> float:
        """Compute the batches at once, so many seconds after the outage."""
        added = self.added_per_minute * seconds / 60
        return min(self.first_concurrency + added, self.maximum_concurrency)


@dataclass(frozen=True)
class Outcome:
    """The end of the backlog."""

    backlog_at_the_end: float
    largest_backlog: float
    drain_seconds: int | None
    """None: it never drains, because orders arrive as fast as they are processed."""
    largest_concurrency: float
    dead_letters_at_most: float


def simulate(scenario: Scenario) -> Outcome:
    """Go through the time after the outage, second by second, until the queue is empty."""
    at_the_end = scenario.arrivals_per_second * scenario.outage_seconds
    backlog, largest, seconds = at_the_end, at_the_end, 0
    while backlog > 0:
        if seconds > GIVE_UP_SECONDS or _never_catches_up(scenario, seconds):
            return _outcome(scenario, at_the_end, max(largest, backlog), None, seconds)
        # In the middle of the second, so that a ramp is summed up exactly.
        processed = scenario.processed_with(scenario.concurrency_at(seconds + 0.5))
        backlog += scenario.arrivals_per_second - processed
        largest = max(largest, backlog)
        seconds += 1
    return _outcome(scenario, at_the_end, largest, seconds, seconds)


def dead_letters_at_most(scenario: Scenario) -> float:
    """
    Compute how many orders SQS may move to the dead-letter queue, if each attempt fails.

    These are the orders whose last receive falls into the outage: they are received once per
    visibility timeout, the first time as they arrive. A mapping that is switched off receives
    nothing, and moves none.
    """
    seconds = scenario.outage_seconds - (MAX_RECEIVE_COUNT - 1) * VISIBILITY_TIMEOUT_SECONDS
    return max(0, seconds) * scenario.arrivals_per_second


def _never_catches_up(scenario: Scenario, seconds: int) -> bool:
    now = scenario.processed_with(scenario.concurrency_at(seconds))
    return now >= scenario.capacity_per_second and now <= scenario.arrivals_per_second


def _outcome(
    scenario: Scenario, at_the_end: float, largest: float, drain: int | None, seconds: int
) -> Outcome:
    return Outcome(
        at_the_end,
        largest,
        drain,
        scenario.concurrency_at(seconds),
        dead_letters_at_most(scenario),
    )


def report(scenario: Scenario, outcome: Outcome) -> str:
    """Show the outcome in lines for people."""
    if outcome.drain_seconds is None:
        drained = "never: raise the maximum concurrency, the batch size or the store's limit"
    else:
        drained = f"{outcome.drain_seconds / 60:.1f} minutes after the outage"
    rows = {
        "arrivals": f"{scenario.arrivals_per_second:,.0f} orders/s",
        "outage": f"{scenario.outage_seconds / 60:g} minutes",
        "one batch": f"{scenario.batch_size} orders in {scenario.batch_seconds:g} s",
        "maximum concurrency": f"{scenario.maximum_concurrency:,} batches at once",
        "capacity": f"{scenario.capacity_per_second:,.0f} orders/s, fully scaled",
        "needed without a backlog": f"{scenario.steady_concurrency:,} batches at once",
        "backlog after the outage": f"{outcome.backlog_at_the_end:,.0f} orders",
        "largest backlog": f"{outcome.largest_backlog:,.0f} orders",
        "drained": drained,
        "concurrency reached": f"{outcome.largest_concurrency:,.0f}",
        "to the DLQ at most": f"{outcome.dead_letters_at_most:,.0f} orders",
    }
    return "\n".join(f"{name:<26}{value}" for name, value in rows.items())


def main() -> None:
    """Run one scenario from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.backlog",
        description="The backlog that an outage leaves, and how long its draining takes.",
        epilog="Example: python -m benchmarks.backlog --rate 1000 --outage-minutes 20",
    )
    parser.add_argument("--rate", type=float, default=1000, help="orders that arrive a second")
    parser.add_argument("--outage-minutes", type=float, default=20)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--batch-seconds", type=float, default=0.1, help="how long a batch takes")
    parser.add_argument("--maximum-concurrency", type=int, default=HIGHEST_CONCURRENCY)
    parser.add_argument(
        "--store-limit", type=float, default=STORE_LIMIT_PER_SECOND, help="orders the table takes"
    )
    options = parser.parse_args()
    scenario = Scenario(
        options.rate,
        round(options.outage_minutes * 60),
        options.batch_size,
        options.batch_seconds,
        options.maximum_concurrency,
        store_limit_per_second=options.store_limit,
    )
    print(report(scenario, simulate(scenario)))  # noqa: T201 (a program's output)


if __name__ == "__main__":
    main()
