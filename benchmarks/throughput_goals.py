"""The goals for an order's CPU and for orders a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.events import Mix
from benchmarks.fake_aws import LATENCY_SECONDS
from benchmarks.goals import Goal, at_least, at_most, over
from benchmarks.lineup import (
    ASYNC,
    BASELINE,
    BATCH,
    BY_HAND,
    LINEUP,
    OURS,
    OVER_BOTO3,
    STATEMENTS,
)
from benchmarks.throughput import (
    BATCH_SIZES,
    FULL,
    HALF_AS_FAST,
    SCENARIOS,
    THROTTLED,
    Scenario,
)
from chalicelib.aws.clients import MAX_WORKERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.throughput import Cell, Cells

# Of (a)'s CPU, by batch size.
CPU_LIMITS = {100: 0.10, 10: 0.13, 1: 0.50}
# Times the orders a second over boto3's archive, by batch size.
OVER_BOTO3_LIMITS = {100: 2.5, 10: 1.7}
FLOOR_LIMIT = 1.15
LEAD_LIMIT = 1.15


def goals(cells: Cells) -> list[Goal]:
    """Hold the figures to the goals."""
    return [
        *_cpu(cells),
        *_of_the_archive(cells),
        _of_the_floor(cells),
        *_leads(cells),
        *_calls(cells),
    ]


def _valid(cells: Cells, share: str, size: int, name: str) -> Cell:
    return cells[Scenario(share, Mix.VALID, size), name]


def _cpu(cells: Cells) -> Iterable[Goal]:
    for size, limit in CPU_LIMITS.items():
        names = (OURS, BASELINE, BY_HAND)
        ours, base, floor = (_valid(cells, FULL, size, name) for name in names)
        reason = f"{floor.cpu_of(base):.2f} with puts by hand"
        yield at_most(f"warm CPU per order, batch {size}, of (a)", ours.cpu_of(base), limit, reason)


def _of_the_archive(cells: Cells) -> Iterable[Goal]:
    """Compare with boto3's archive. An order's CPU says the same where waiting bounds its time."""
    for share, size in ((THROTTLED, 100), (THROTTLED, 10), (HALF_AS_FAST, 10)):
        limit = OVER_BOTO3_LIMITS[size]
        ours, other = (_valid(cells, share, size, name) for name in (OURS, OVER_BOTO3))
        times = ours.orders_per_second / other.orders_per_second
        title = f"orders/s at {share}, batch {size}, times (d) over boto3"
        yield at_least(title, times, limit, _bound(size, limit, other.orders_per_second))
        if share == THROTTLED:
            title = f"warm CPU per order at {share}, batch {size}, of (d) over boto3"
            yield at_most(title, ours.cpu_of(other), 1 / limit)


def _bound(size: int, limit: float, rate: float) -> str:
    """Say so, if no processor could reach the limit: the calls alone take too long."""
    waves = -(-size // MAX_WORKERS)
    seconds = waves * LATENCY_SECONDS["S3"] + LATENCY_SECONDS["DynamoDB"]
    ceiling = size / seconds / rate
    if ceiling >= limit:
        return ""
    return f"the fake AWS's {seconds * 1000:.0f} ms a batch allow {ceiling:.2f}"


def _of_the_floor(cells: Cells) -> Goal:
    found = {
        size: _valid(cells, FULL, size, OURS).cpu_of(_valid(cells, FULL, size, BY_HAND))
        for size in BATCH_SIZES
    }
    most = max(found, key=lambda size: found[size])
    title = f"warm CPU per order, of (d) by hand, where it is the most (batch {most})"
    return at_most(title, found[most], FLOOR_LIMIT, "the rest is obstore's own call")


def _leads(cells: Cells) -> Iterable[Goal]:
    usual, where = (BATCH, ASYNC), "where it is the least"
    lead, place = _least_lead(cells, usual, SCENARIOS)
    yield over(f"orders/s, times (b) and (c), {where} ({place})", lead, 1)
    batches = [scenario for scenario in SCENARIOS if scenario.batch_size > 1]
    lead, place = _least_lead(cells, usual, batches)
    yield at_least(f"the same, batches of 10 and 100 ({place})", lead, LEAD_LIMIT)
    lead, place = _least_lead(cells, (STATEMENTS,), SCENARIOS)
    yield over(f"orders/s, times (e), {where} ({place})", lead, 1)
    cpu, place = max(
        (cells[each, OURS].cpu_of(cells[each, STATEMENTS]), _place(each))
        for each in SCENARIOS
        if STATEMENTS in each.entrants
    )
    yield at_most(f"warm CPU per order, of (e), where it is the most ({place})", cpu, 1)


def _least_lead(
    cells: Cells, others: Iterable[str], scenarios: Iterable[Scenario]
) -> tuple[float, str]:
    """Find where we lead the least: how many times the other's orders a second, and in what."""
    return min(
        (
            cells[each, OURS].orders_per_second / cells[each, other].orders_per_second,
            f"{LINEUP[other].title}, {_place(each)}",
        )
        for each in scenarios
        for other in others
        if other in each.entrants
    )


def _place(scenario: Scenario) -> str:
    return f"{scenario.share}, batch {scenario.batch_size}"


def _calls(cells: Cells) -> Iterable[Goal]:
    singly, together = (_valid(cells, FULL, size, OURS).calls_per_order for size in (1, 100))
    yield at_most("AWS calls per valid order, batch 1", singly, 2)
    yield at_most("AWS calls per valid order, batch 100", together, 1.05)
