"""Orders a second, CPU and AWS calls of every contender, in every scenario, in turn."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.contender import Outcome, Run
from benchmarks.cpu_share import CpuShare
from benchmarks.events import Mix
from benchmarks.processes import Awake, Contender, FakeAws, environment
from benchmarks.report import by_round, table, together

if TYPE_CHECKING:
    from benchmarks.progress import Progress

BASELINE = "serial_boto3"
OURS = "ours"
NAMES = {
    BASELINE: "(a) boto3, serial, query then put",
    "powertools_batch": "(b) Powertools BatchProcessor, idempotency",
    "powertools_async": "(c) Powertools AsyncBatchProcessor, aiobotocore",
    OURS: "(d) this system",
}
FULL, THROTTLED = SHARES = ("1 vCPU", "512 MB")
BATCH_SIZES = (1, 10, 100)
MEMORY_MB = 512
ROUNDS = 3
# With batches of one a turn is so many orders: a multiple of ten has the same mix for everyone.
SINGLE_ORDERS = 20
# A contender whose turns have taken longer than this sits out the other rounds.
ENOUGH_SECONDS = 2.5


class Scenario(NamedTuple):
    """A task for each contender."""

    share: str
    mix: Mix
    batch_size: int

    def turn(self, run: str) -> Run:
        """Make one turn of a contender."""
        if self.batch_size == 1:
            return Run(run, self.mix, 1, batches=SINGLE_ORDERS)
        return Run(run, self.mix, self.batch_size, 0.5 if self.share == FULL else 0.6)


SCENARIOS = [Scenario(*each) for each in product(SHARES, Mix, BATCH_SIZES)]


@dataclass
class Cell:
    """The figures of one contender in one scenario."""

    outcomes: list[Outcome] = field(default_factory=list)
    calls: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    write_units: int = 0
    item_bytes: int = 0
    object_bytes: int = 0

    @property
    def orders(self) -> int:
        return sum(outcome.orders for outcome in self.outcomes)

    @property
    def log_bytes(self) -> int:
        return sum(outcome.log_bytes for outcome in self.outcomes)

    @property
    def wall_seconds(self) -> float:
        return sum(outcome.wall_seconds for outcome in self.outcomes)

    @property
    def orders_per_second(self) -> float:
        return self.orders / self.wall_seconds

    def cpu_of(self, base: Cell) -> float:
        """Compute its share of another's CPU, as the median of the rounds."""
        mine, others = ([turn.cpu_ms_per_order for turn in cell.outcomes] for cell in (self, base))
        return median(by_round(mine, others))

    @property
    def calls_per_order(self) -> float:
        return sum(self.calls.values()) / self.orders

    def add(self, outcome: Outcome, tally: dict[str, Any]) -> None:
        self.outcomes.append(outcome)
        for name, count in tally["calls"].items():
            self.calls[name] += count
        self.write_units += tally["writeUnits"]
        self.item_bytes += tally["itemBytes"]
        self.object_bytes += tally["objectBytes"]


Cells = dict[tuple[Scenario, str], Cell]


def measure(share: str, progress: Progress) -> Cells:
    """Measure a share's scenarios: in each round one contender after the other, for a moment."""
    cells: Cells = defaultdict(Cell)
    with ExitStack() as running:
        # At a share of a core the memory run does this.
        if share == FULL:
            running.enter_context(Awake())
        aws = running.enter_context(FakeAws())
        contenders = {
            name: running.enter_context(Contender(name, environment(aws.url))) for name in NAMES
        }
        for scenario in [each for each in SCENARIOS if each.share == share]:
            progress.step(f"{scenario.share}, batch {scenario.batch_size}, {scenario.mix}")
            for number, (name, contender) in product(range(-1, ROUNDS), contenders.items()):
                cell = cells[scenario, name]
                if cell.wall_seconds < ENOUGH_SECONDS:
                    outcome = _one(contender, scenario, number)
                    tally = aws.tally_of(outcome.orders)
                    if number >= 0:
                        cell.add(outcome, tally)
    return cells


def measure_intake() -> float:
    """Measure how many ms `POST /orders` takes of the API function at 512 MB."""
    with (
        FakeAws() as aws,
        Contender("ours_intake", environment(aws.url, _HANDLER="app")) as intake,
    ):
        intake.perform(Run("warm-up", Mix.VALID, 10))
        with CpuShare(intake.process.pid, MEMORY_MB):
            return 1000 / intake.perform(Run("intake", Mix.VALID, 10, 2.0)).orders_per_second


def _one(contender: Contender, scenario: Scenario, number: int) -> Outcome:
    # Equally long for each contender, since they send it.
    run = f"{list(NAMES).index(contender.name)}-{SCENARIOS.index(scenario)}-{number}"
    if number < 0:
        # Warm up: connections, caches, and the modules that the first order imports.
        return contender.perform(Run(run, scenario.mix, min(scenario.batch_size, 5)))
    if scenario.share == FULL:
        return contender.perform(scenario.turn(run))
    with CpuShare(contender.process.pid, MEMORY_MB):
        return contender.perform(scenario.turn(run))


def report(cells: Cells) -> str:
    """
    Make the table of all scenarios: a row for each, a column for each contender and share.

    A cell holds orders a second, and the share of (a)'s CPU that an order takes.
    """
    letters = [title.split()[0] for title in NAMES.values()]
    heads = [f"{share} {letter}" for share in SHARES for letter in letters]
    calls = f"calls/order: {together(letters)}"
    rows = (_row(cells, mix, size) for mix, size in product(Mix, BATCH_SIZES))
    return table(["orders/s · CPU of (a)", *heads, calls], rows)


def _row(cells: Cells, mix: Mix, size: int) -> list[str]:
    found = [_speed(cells, Scenario(share, mix, size), name) for share in SHARES for name in NAMES]
    in_full = [cells[Scenario(FULL, mix, size), name] for name in NAMES]
    calls = together(f"{cell.calls_per_order:.2f}" for cell in in_full)
    return [f"batch {size}, {mix}", *found, calls]


def _speed(cells: Cells, scenario: Scenario, name: str) -> str:
    cell, base = cells[scenario, name], cells[scenario, BASELINE]
    return together([f"{cell.orders_per_second:.1f}", f"{cell.cpu_of(base):.2f}"])


def goals(cells: Cells) -> list[tuple[str, float, str, bool]]:
    """
    Hold the figures to the goals: name, measured, wanted, met.

    The lead is over all scenarios, every other goal is for valid orders at a whole core.
    """

    def cell(name: str, size: int) -> Cell:
        return cells[Scenario(FULL, Mix.VALID, size), name]

    def times(size: int) -> float:
        return cell(OURS, size).orders_per_second / cell(BASELINE, size).orders_per_second

    def cpu(size: int) -> float:
        return cell(OURS, size).cpu_of(cell(BASELINE, size))

    lead = min(
        cells[scenario, OURS].orders_per_second / cells[scenario, other].orders_per_second
        for scenario in SCENARIOS
        for other in NAMES
        if other != OURS
    )
    singly, together = cell(OURS, 1).calls_per_order, cell(OURS, 100).calls_per_order
    return [
        ("orders/s, batch 10, 1 vCPU, times (a)", times(10), "9 or more", times(10) >= 9),
        ("orders/s, batch 100, 1 vCPU, times (a)", times(100), "25 or more", times(100) >= 25),
        ("orders/s, times the next best, where it is the least", lead, "over 1", lead > 1),
        *(
            (
                f"warm CPU per order, batch {size}, of (a)",
                cpu(size),
                "0.60 or less",
                cpu(size) <= 0.6,
            )
            for size in (1, 10, 100)
        ),
        ("AWS calls per valid order, batch 1", singly, "2", singly == 2),
        ("AWS calls per valid order, batch 100", together, "1.05 or less", together <= 1.05),
    ]
