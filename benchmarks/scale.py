"""
Measure the API's latency, and how everything grows with the work: `make bench-scale`.

The emulators stand in for AWS here, so look at the shape of each curve. A curve of our calls that
is flat or linear is so on AWS too; the emulators' own times are theirs.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import product
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import api_latency, local_stack, machine
from benchmarks.contender import Run
from benchmarks.cpu_share import CpuShare
from benchmarks.emulators import dynamodb_local, ministack, roto
from benchmarks.events import Mix
from benchmarks.processes import Contender, FakeAws, environment
from benchmarks.progress import Progress
from benchmarks.report import table, write
from benchmarks.table_growth import by_submissions, by_table_size
from benchmarks.throughput import MEMORY_MB
from ops.proxies import exempting_this_machine
from tests.aws_parts import DYNAMODB_LOCAL

if TYPE_CHECKING:
    from collections.abc import Sequence

OURS = "ours"
BATCH_SIZES = (1, 2, 5, 10, 25, 50, 100)
LINES = (1, 10, 100, 500)
WORKERS = (1, 2, 4, 8)
WORKERS_BATCH = 10
# Each rate is the median of so many runs. They take turns: first all sizes once, then all again.
ROUNDS = 3
BATCH_RUN_SECONDS = 2.0
WORKERS_RUN_SECONDS = 1.0
LINES_RUN_SECONDS = 3.0


def main() -> None:
    """Measure everything, and write the page."""
    missing = DYNAMODB_LOCAL.missing()
    if missing:
        sys.exit(f"{DYNAMODB_LOCAL.name} is not here: {missing}.")
    progress = Progress()
    tables = [f"Measured {machine.description()}."]
    tables += [api_latency.measure(progress), local_stack.measure(progress)]
    tables += [by_batch_size(progress), by_workers(progress)]
    write("scale", "\n\n".join(tables))
    write("lines", f"Measured {machine.description()}.\n\n{by_lines(progress)}")
    growth(progress)
    progress.step("done: docs/scaling.md")


def growth(progress: Progress) -> None:
    """Measure reads and submissions as the table and an order grow, and write their section."""
    tables = [f"Measured {machine.description()}."]
    for measure in (by_table_size, by_submissions):
        with dynamodb_local() as url:
            tables.append(measure(url, progress))
    write("growth", "\n\n".join(tables))


def by_batch_size(progress: Progress) -> str:
    """Measure orders a second and AWS calls by the size of a batch, over the fake AWS."""
    rates: defaultdict[int, list[float]] = defaultdict(list)
    calls: dict[int, float] = {}
    with FakeAws() as aws, Contender(OURS, environment(aws.url)) as ours:
        ours.perform(Run("warm-up", Mix.VALID, 100))
        aws.reset()
        progress.step(f"batches of {BATCH_SIZES[0]} to {BATCH_SIZES[-1]}")
        for number, size in product(range(ROUNDS), BATCH_SIZES):
            run = Run(f"size-{size}-{number}", Mix.VALID, size, BATCH_RUN_SECONDS)
            outcome = ours.perform(run)
            rates[size].append(outcome.orders_per_second)
            calls[size] = sum(aws.tally_of(outcome.orders)["calls"].values()) / outcome.orders
    speed = ["orders/s", *(f"{median(rates[size]):.0f}" for size in BATCH_SIZES)]
    per_order = ["AWS calls/order", *(f"{calls[size]:.2f}" for size in BATCH_SIZES)]
    return table(["batch of", *map(str, BATCH_SIZES)], [speed, per_order])


def by_lines(progress: Progress) -> str:
    """Measure the API function at 512 MB: one order a request, and many by one request."""
    one, many = "POST /orders", "POST /order-batches"
    ways = [("ours_intake", 1), *(("ours_lines", lines) for lines in LINES)]
    rows = []
    with FakeAws() as aws:
        progress.step(f"requests of {LINES[0]} to {LINES[-1]} lines")
        for name, lines in ways:
            with Contender(name, environment(aws.url, _HANDLER="app")) as intake:
                intake.perform(Run("warm-up", Mix.VALID, lines, batches=3))
                aws.reset()
                with CpuShare(intake.process.pid, MEMORY_MB):
                    outcome = intake.perform(Run("lines", Mix.VALID, lines, LINES_RUN_SECONDS))
                calls = aws.reset()["calls"]
            ms = 1000 * lines / outcome.orders_per_second
            sent = sum(calls.values()) / outcome.orders
            figures = [f"{outcome.orders_per_second:.0f}", f"{ms:.0f}", f"{sent:.2f}"]
            title = one if name == "ours_intake" else f"{many}, lines: {lines}"
            rows.append([title, *figures])
    return table(["at 512 MB", "orders/s", "ms a request", "AWS calls/order"], rows)


def by_workers(progress: Progress) -> str:
    """Measure orders a second by the number of processes, on each emulator."""
    rows = []
    for name, start in (("ministack", ministack), ("roto", roto)):
        progress.step(f"{name}, {WORKERS[0]} to {WORKERS[-1]} workers")
        with start() as url, ExitStack() as running:
            contenders = [_worker(url, number, running) for number in range(WORKERS[-1])]
            rates: defaultdict[int, list[float]] = defaultdict(list)
            for number, workers in product(range(ROUNDS), WORKERS):
                rates[workers].append(_rate(contenders[:workers], f"{workers}-{number}"))
        figures = (f"{median(rates[workers]):.0f}" for workers in WORKERS)
        rows.append([f"orders/s, {name}", *figures])
    return table(["workers", *map(str, WORKERS)], rows)


def _worker(url: str, number: int, running: ExitStack) -> Contender:
    """Start a worker and let it do its first batch, so that it has its connections."""
    worker = running.enter_context(Contender(OURS, environment(url), pinned=False))
    worker.perform(Run(f"warm-up-{number}", Mix.VALID, WORKERS_BATCH))
    return worker


def _rate(contenders: Sequence[Contender], run: str) -> float:
    """Measure how much all workers together record in a second."""

    def perform(number: int) -> int:
        given = Run(f"{run}-{number}", Mix.VALID, WORKERS_BATCH, WORKERS_RUN_SECONDS)
        return contenders[number].perform(given).orders

    with ThreadPoolExecutor(len(contenders)) as executor:
        started = time.perf_counter()
        orders = sum(executor.map(perform, range(len(contenders))))
        return orders / (time.perf_counter() - started)


if __name__ == "__main__":
    # Everything that is measured is on this machine.
    os.environ.update(exempting_this_machine(os.environ))
    main()
