"""
Measure every contender in one run: `make bench`.

A whole run writes its tables into docs/performance.md and its counts into ops/cost/measured.json.
It takes about six minutes on a quiet machine; on a busy one the figures are worth little.
`--sections` measures less, and only prints it.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks import cold_start, lambda_runtime, machine, memory, singly, throughput
from benchmarks.events import Mix
from benchmarks.processes import ROOT
from benchmarks.progress import Progress
from benchmarks.report import table, write
from ops.cost import bill, standing
from ops.proxies import exempting_this_machine
from tests.aws_parts import LAMBDA_RUNTIME

if TYPE_CHECKING:
    from collections.abc import Sequence

Goal = tuple[str, float, str, bool]
SECTIONS = ("throughput", "cold-start", "lambda-runtime", "memory")
# `python -m ops cost` computes with it.
MEASURED = ROOT / "ops" / "cost" / "measured.json"


def main(sections: Sequence[str]) -> None:
    """Measure, print the tables and whether each goal is met, and write a whole run down."""
    progress, goals, tables = Progress(), list[Goal](), dict[str, str]()
    cells, alone = throughput.Cells(), ""
    if "throughput" in sections:
        cells |= throughput.measure(throughput.FULL, progress)
        alone = singly.measure(progress)
    if "cold-start" in sections:
        full, throttled = cold_start.measure(progress)
        tables["cold-start"] = cold_start.report(full, throttled)
        goals += cold_start.goals(full)
    if "lambda-runtime" in sections and _has_lambda_runtime(progress):
        tables["lambda-runtime"] = lambda_runtime.report(lambda_runtime.measure(progress))
    with ThreadPoolExecutor(1) as beside:
        remembering = beside.submit(memory.measure) if "memory" in sections else None
        if "throughput" in sections:
            cells |= throughput.measure(throughput.THROTTLED, progress)
            tables["throughput"] = f"{throughput.report(cells)}\n\n{alone}"
            goals = throughput.goals(cells) + goals
        if remembering:
            progress.step("memory, after up to 100,000 orders")
            goals += memory.goals(remembering.result())
    if goals:
        tables["goals"] = f"Measured {machine.description()}.\n\n{goals_table(goals)}"
    if set(SECTIONS) <= set(sections):
        _write_down(tables, cells)
        progress.step("done: docs/performance.md")
    print("\n\n".join(tables.values()))  # noqa: T201 (the result of the command)


def _has_lambda_runtime(progress: Progress) -> bool:
    missing = LAMBDA_RUNTIME.missing()
    if missing:
        progress.step(f"no cold starts on {LAMBDA_RUNTIME.name}: {missing}")
    return not missing


def _write_down(tables: dict[str, str], cells: throughput.Cells) -> None:
    for section, text in tables.items():
        write(section, text)
    MEASURED.write_text(json.dumps(measured(cells), indent=2) + "\n", encoding="ascii")
    write("cost", cost_table())


def goals_table(goals: Sequence[Goal]) -> str:
    """Make the table of the goals, each with its measured figure."""
    rows = (
        [title, f"{value:.2f}", wanted, "yes" if met else "**no**"]
        for title, value, wanted, met in goals
    )
    return table(["goal", "measured", "wanted", "met"], rows)


def cost_table() -> str:
    """Make the table of `python -m ops cost` for a million orders, in each batch size."""
    price, orders = bill.prices(), 1_000_000
    designs = {
        f"(d), batch {size}": bill.measured_design(throughput.OURS, size) for size in (100, 10, 1)
    }
    designs["(a), batch 1"] = bill.measured_design(throughput.BASELINE, 1)
    bills = {name: bill.bill(design, orders, price) for name, design in designs.items()}
    components = bills["(a), batch 1"]
    heads = [f"{orders:,} orders, {price['currency']}", *components, "total"]
    rows = [
        [name, *(f"{each[component]:.2f}" for component in components), f"**{total:.2f}**"]
        for name, each in bills.items()
        for total in [sum(each.values())]
    ]
    note = f"Prices of {price['region']} as of {price['as_of']} or later."
    return f"{note}\n\n{table(heads, rows)}\n\n{standing_table(price)}"


def standing_table(price: dict[str, Any]) -> str:
    """Make the table of `python -m ops cost` for a stage without orders."""
    charges = standing.standing_charges(price, 1, standing.stage_template())
    heads = [f"a month, {price['currency']}", *charges, "total"]
    amounts = [f"{amount:.2f}" for amount in charges.values()]
    return table(heads, [["a stage", *amounts, f"**{sum(charges.values()):.2f}**"]])


def measured(cells: throughput.Cells) -> dict[str, Any]:
    """Collect what an order took of each service, by contender and batch size."""
    found: dict[str, Any] = {
        "measured": machine.description(),
        "intake_ms_per_order": round(throughput.measure_intake(), 2),
        "contenders": {},
    }
    for (scenario, name), cell in cells.items():
        if scenario.mix is Mix.VALID and scenario.share == throughput.THROTTLED:
            found["contenders"].setdefault(name, {})[str(scenario.batch_size)] = {
                "calls_per_order": {
                    call: round(count / cell.orders, 4) for call, count in cell.calls.items()
                },
                "write_units_per_order": round(cell.write_units / cell.orders, 4),
                "item_bytes_per_order": round(cell.item_bytes / cell.orders),
                "object_bytes_per_order": round(cell.object_bytes / cell.orders),
                "log_bytes_per_order": round(cell.log_bytes / cell.orders),
                "ms_per_order": round(1000 / cell.orders_per_second, 2),
            }
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=SECTIONS)
    sections = parser.parse_args().sections
    # Everything that is measured is on this machine.
    os.environ.update(exempting_this_machine(os.environ))
    main(sections)
