"""The system's own part of an order's CPU: batches of one, beside their two calls alone."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import product
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.contender import Run
from benchmarks.events import Mix
from benchmarks.processes import Awake, Contender, FakeAws, environment
from benchmarks.report import by_round, table
from benchmarks.throughput import BASELINE, OURS

if TYPE_CHECKING:
    from benchmarks.progress import Progress

NAMES = {
    BASELINE: "(a) boto3, serial",
    OURS: "(d) this system",
    "ours_calls": "(d)'s two calls alone, nothing else",
}
ROUNDS = 7
ORDERS = 20


def measure(progress: Progress) -> str:
    """Make the table of an order's CPU and its share of (a)'s, each the median of the rounds."""
    progress.step("batches of one, beside their calls alone")
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    with Awake(), FakeAws() as aws, ExitStack() as running:
        contenders = {
            name: running.enter_context(Contender(name, environment(aws.url))) for name in NAMES
        }
        for number, (name, contender) in product(range(-1, ROUNDS), contenders.items()):
            run = Run(f"{name.replace('_', '-')}-{number + 1}", Mix.VALID, 1, batches=ORDERS)
            outcome = contender.perform(run)
            aws.tally_of(outcome.orders)
            # The first one warms up.
            if number >= 0:
                found[name].append(outcome.cpu_ms_per_order)
    rows = [
        [
            title,
            f"{median(found[name]):.2f}",
            f"{median(by_round(found[name], found[BASELINE])):.2f}",
        ]
        for name, title in NAMES.items()
    ]
    return table(["batches of one, all valid", "CPU ms/order", "of (a)"], rows)
