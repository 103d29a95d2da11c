"""The counts that `python -m ops cost` computes with, and its tables for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import machine
from benchmarks.events import Mix
from benchmarks.lineup import BASELINE, OURS
from benchmarks.report import table
from benchmarks.throughput import THROTTLED, measure_intake
from ops.cost import bill, standing

if TYPE_CHECKING:
    from benchmarks.throughput import Cells


def counts(cells: Cells) -> dict[str, Any]:
    """Collect what an order took of each service, by contender and batch size."""
    found: dict[str, Any] = {
        "measured": machine.description(),
        "intake_ms_per_order": round(measure_intake(), 2),
        "contenders": {},
    }
    for (scenario, name), cell in cells.items():
        if scenario.mix is Mix.VALID and scenario.share == THROTTLED and name in (BASELINE, OURS):
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


def tables() -> str:
    """Make the tables of a million orders, and of a stage without any."""
    price = bill.prices()
    note = f"Prices of {price['region']} as of {price['as_of']} or later."
    return f"{note}\n\n{orders_table(price)}\n\n{standing_table(price)}"


def orders_table(price: dict[str, Any]) -> str:
    """Make the table of `python -m ops cost` for a million orders, in each batch size."""
    orders = 1_000_000
    designs = {f"(d), batch {size}": bill.measured_design(OURS, size) for size in (100, 10, 1)}
    designs["(a), batch 1"] = bill.measured_design(BASELINE, 1)
    bills = {name: bill.bill(design, orders, price) for name, design in designs.items()}
    components = bills["(a), batch 1"]
    heads = [f"{orders:,} orders, {price['currency']}", *components, "total"]
    rows = [
        [name, *(f"{each[component]:.2f}" for component in components), f"**{total:.2f}**"]
        for name, each in bills.items()
        for total in [sum(each.values())]
    ]
    return table(heads, rows)


def standing_table(price: dict[str, Any]) -> str:
    """Make the table of `python -m ops cost` for a stage without orders."""
    charges = standing.standing_charges(price, 1, standing.stage_template())
    heads = [f"a month, {price['currency']}", *charges, "total"]
    amounts = [f"{amount:.2f}" for amount in charges.values()]
    return table(heads, [["a stage", *amounts, f"**{sum(charges.values()):.2f}**"]])
