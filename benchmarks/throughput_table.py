"""The table of every contender in every scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.events import Mix
from benchmarks.lineup import BASELINE, LINEUP
from benchmarks.report import table, together
from benchmarks.throughput import FULL, SCENARIOS, Scenario

if TYPE_CHECKING:
    from benchmarks.throughput import Cells

HEAD = "CPU of (a) · orders/s · times (a)"


def report(cells: Cells) -> str:
    """
    Make the table: a row for each scenario, a column for each contender.

    A cell holds the share of (a)'s CPU that an order takes, orders a second, and how many times
    those of (a) that is. The machine's own speed stands above it: two of the three depend on it.
    """
    heads = [entrant.title for entrant in LINEUP.values()]
    rows = ([_title(each), *(_cell(cells, each, name) for name in LINEUP)] for each in SCENARIOS)
    return f"{_speed(cells)}\n\n{table([HEAD, *heads], [*rows, *_calls(cells)])}"


def _speed(cells: Cells) -> str:
    base = cells[Scenario(FULL, Mix.VALID, 10), BASELINE].cpu_ms_per_order
    return f"{machine.speed()} An order of (a) takes {base:.2f} ms of CPU (batch 10)."


def _title(scenario: Scenario) -> str:
    return f"{scenario.share}, batch {scenario.batch_size}, {scenario.mix}"


def _cell(cells: Cells, scenario: Scenario, name: str) -> str:
    if name not in scenario.entrants:
        return ""
    cell, base = cells[scenario, name], cells[scenario, BASELINE]
    rate = cell.orders_per_second
    times = rate / base.orders_per_second
    return together([f"{cell.cpu_of(base):.2f}", f"{rate:.0f}", f"{times:.1f}"])


def _calls(cells: Cells) -> list[list[str]]:
    """Make the row of the calls that an order takes, which are the same at each share."""
    sizes = [each for each in SCENARIOS if each.share == FULL and each.mix is Mix.VALID]
    figures = (
        together(f"{cells[each, name].calls_per_order:.2f}" for each in sizes) for name in LINEUP
    )
    title = f"AWS calls/order, batch {together(str(each.batch_size) for each in sizes)}"
    return [[title, *figures]]
