"""
`make bench`: every contender in one run, the table in docs/performance.md, and what it came to.

It takes less than five minutes on a machine that is not busy; on a busy one the figures are
worth little. `--sections` measures less.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks import cold_start, instructions, machine, memory, optimisations, singly, throughput
from benchmarks.events import Mix
from benchmarks.processes import ROOT
from benchmarks.progress import Progress
from benchmarks.report import table, write
from ops.cost import bill, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

Goal = tuple[str, float, str, bool]
SECTIONS = ("throughput", "cold-start", "optimisations", "memory")
# Only if it is asked for: it needs valgrind.
INSTRUCTIONS = "instructions"
# What `python -m ops cost` computes with.
MEASURED = ROOT / "ops" / "cost" / "measured.json"


def main(sections: Sequence[str]) -> None:
    """Measure, write the page, and print the main table and whether each goal is met."""
    progress, reached, cells = Progress(), list[Goal](), throughput.Cells()
    note = f"Measured {machine.description()}."
    if "throughput" in sections:
        cells |= throughput.measure(throughput.FULL, progress)
        write("singly", f"{note}\n\n{singly.measure(progress)}")
    if "cold-start" in sections:
        full, throttled = cold_start.measure(progress)
        write("cold-start", f"{note}\n\n{cold_start.report(full, throttled)}")
        reached += cold_start.goals(full)
    if "optimisations" in sections:
        one_by_one = optimisations.measure(progress)
        first_batch = optimisations.measure_first_batch(progress)
        write("optimisations", f"{note}\n\n{one_by_one}\n\n{first_batch}")
    with ThreadPoolExecutor(1) as beside:
        remembering = beside.submit(memory.measure) if "memory" in sections else None
        if "throughput" in sections:
            cells |= throughput.measure(throughput.THROTTLED, progress)
            write("throughput", f"{note}\n\n{throughput.report(cells)}")
            MEASURED.write_text(json.dumps(measured(cells), indent=2) + "\n", encoding="ascii")
            write("cost", cost_table())
            reached = throughput.goals(cells) + reached
        if remembering:
            progress.step("memory, what is left of 100,000 orders")
            found = remembering.result()
            write("memory", f"{note}\n\n{memory.report(found)}")
            reached += memory.goals(found)
    if INSTRUCTIONS in sections:
        write("instructions", f"{note}\n\n{instructions.measure(progress)}")
    verdicts = goals_table(reached)
    if set(SECTIONS) <= set(sections):
        write("goals", f"{note}\n\n{verdicts}")
    progress.step("done: docs/performance.md")
    if cells:
        print(f"{throughput.report(cells)}\n")  # noqa: T201 (the result of the command)
    print(verdicts)  # noqa: T201


def goals_table(goals: Sequence[Goal]) -> str:
    """Each goal with what was measured."""
    rows = (
        [title, f"{value:.2f}", wanted, ("yes" if met else "**no**") if wanted else ""]
        for title, value, wanted, met in goals
    )
    return table(["goal", "measured", "wanted", "met"], rows)


def cost_table() -> str:
    """What `python -m ops cost` says of a million orders, in each batch size."""
    price, orders = bill.prices(), 1_000_000
    designs = [bill.measured_design(throughput.OURS, size) for size in (100, 10, 1)]
    designs.append(bill.measured_design(throughput.BASELINE, 1))
    bills = [bill.bill(design, orders, price) for design in designs]
    heads = [
        f"{orders:,} orders, {price['currency']}",
        *("ours, batch 100", "10", "1"),
        "(a), batch 1",
    ]
    rows = [[component, *(f"{each[component]:.2f}" for each in bills)] for component in bills[0]]
    total = ["**total**", *(f"**{sum(each.values()):.2f}**" for each in bills)]
    note = f"Prices of {price['region']} as of {price['as_of']} or later."
    return f"{note}\n\n{table(heads, [*rows, total])}\n\n{standing_table(price)}"


def standing_table(price: dict[str, Any]) -> str:
    """What `python -m ops cost` says of a stage that does nothing."""
    charges = standing.standing_charges(price, 1, standing.stage_template())
    rows = [[part, f"{amount:.2f}"] for part, amount in charges.items()]
    total = ["**total**", f"**{sum(charges.values()):.2f}**"]
    return table([f"a stage, {price['currency']} a month", ""], [*rows, total])


def measured(cells: throughput.Cells) -> dict[str, Any]:
    """What an order takes of each service, per contender and batch size, as it was counted."""
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
    parser.add_argument(
        "--sections", nargs="+", choices=[*SECTIONS, INSTRUCTIONS], default=SECTIONS
    )
    main(parser.parse_args().sections)
