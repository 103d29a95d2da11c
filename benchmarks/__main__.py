"""
Measure every contender in one run: `make bench`.

A whole run writes its tables into docs/performance.md and its counts into ops/cost/measured.json.
It takes under five minutes on a quiet machine; on a busy one the figures are worth little.
`--sections` measures less, and only prints it.
"""

from __future__ import annotations

import argparse
import json
import os
from itertools import chain
from typing import TYPE_CHECKING

from benchmarks import (
    api_start,
    cold_start,
    cost_tables,
    lambda_runtime,
    machine,
    memory,
    throughput,
    throughput_goals,
    throughput_table,
)
from benchmarks.goals import goals_table
from benchmarks.processes import ROOT
from benchmarks.progress import Progress
from benchmarks.report import write
from benchmarks.section import Found
from ops.proxies import exempting_this_machine
from tests.aws_parts import LAMBDA_RUNTIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MEASURED = ROOT / "ops" / "cost" / "measured.json"


def of_throughput(progress: Progress) -> Found:
    """Measure orders a second and CPU, at a whole core and at a share of one."""
    cells: throughput.Cells = {}
    for share in (throughput.FULL, *throughput.MEMORY_MB_OF):
        cells |= throughput.measure(share, progress)
    progress.step("counts for the bill")
    blocks = {"throughput": throughput_table.report(cells)}
    return Found(blocks, throughput_goals.goals(cells), cost_tables.counts(cells))


def of_cold_start(progress: Progress) -> Found:
    """Measure a process that starts and processes its first order."""
    full, throttled = cold_start.measure(progress)
    return Found({"cold-start": cold_start.report(full, throttled)}, cold_start.goals(full))


def of_api_start(progress: Progress) -> Found:
    """Measure the API's first and later answers."""
    answered = api_start.measure(progress)
    return Found({"api-start": api_start.report(answered)}, api_start.goals(answered))


def of_lambda_runtime(progress: Progress) -> Found:
    """Measure the same on Lambda's own runtime, if it is here."""
    missing = LAMBDA_RUNTIME.missing()
    if missing:
        progress.step(f"no cold starts on {LAMBDA_RUNTIME.name}: {missing}")
        return Found({})
    return Found({"lambda-runtime": lambda_runtime.report(lambda_runtime.measure(progress))})


def of_memory(progress: Progress) -> Found:
    """Measure the memory of a process that has processed many orders."""
    progress.step(f"memory, after up to {memory.LAST:,} orders")
    return Found({}, memory.goals(memory.measure()))


# In the order in which they run, and in which their goals stand in the page.
SECTIONS: dict[str, Callable[[Progress], Found]] = {
    "throughput": of_throughput,
    "cold-start": of_cold_start,
    "api-start": of_api_start,
    "lambda-runtime": of_lambda_runtime,
    "memory": of_memory,
}


def main(names: Sequence[str]) -> None:
    """Measure, print the tables and whether each goal is met, and write a whole run down."""
    progress = Progress()
    found = [SECTIONS[name](progress) for name in names]
    blocks = {name: text for each in found for name, text in each.blocks.items()}
    goals = list(chain.from_iterable(each.goals for each in found))
    if goals:
        blocks["goals"] = f"Measured {machine.description()}.\n\n{goals_table(goals)}"
    if set(SECTIONS) <= set(names):
        _write_down(blocks, found)
        progress.step("done: docs/performance.md")
    print("\n\n".join(blocks.values()))  # noqa: T201 (the result of the command)


def _write_down(blocks: dict[str, str], found: Sequence[Found]) -> None:
    for name, text in blocks.items():
        write(name, text)
    for counts in [each.counts for each in found if each.counts]:
        MEASURED.write_text(json.dumps(counts, indent=2) + "\n", encoding="ascii")
    write("cost", cost_tables.tables())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sections", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    sections = parser.parse_args().sections
    # Everything that is measured is on this machine.
    os.environ.update(exempting_this_machine(os.environ))
    main(sections)
