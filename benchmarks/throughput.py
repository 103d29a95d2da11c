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
from benchmarks.lineup import BASELINE, LINEUP, ONLY_VALID, OURS, OVER_BOTO3
from benchmarks.processes import Awake, Contender, FakeAws, environment
from benchmarks.report import by_round

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.progress import Progress

FULL, THROTTLED = SHARES = ("1 vCPU", "512 MB")
# Half of that share of this core: there the CPU bounds a batch of 10, as it may on Lambda.
HALF_AS_FAST = "512 MB, a core half as fast"
BATCH_SIZES = (1, 10, 100)
# Other mixes than valid orders are measured in one size: in the others they tell the same.
SIZE_OF_MIXES = 10
MEMORY_MB = 512
MEMORY_MB_OF = {THROTTLED: MEMORY_MB, HALF_AS_FAST: MEMORY_MB // 2}
# The goals for CPU are about a whole core.
ROUNDS = {FULL: 5, THROTTLED: 3, HALF_AS_FAST: 3}
TURN_SECONDS = {FULL: 0.5, THROTTLED: 0.6, HALF_AS_FAST: 0.6}
# With batches of one a turn is so many orders: a multiple of ten has the same mix for everyone.
SINGLE_ORDERS = 20
# A contender whose turns have taken longer than this sits out the other rounds.
ENOUGH_SECONDS = 5.0


class Scenario(NamedTuple):
    """A task for each contender."""

    share: str
    mix: Mix
    batch_size: int

    @property
    def entrants(self) -> list[str]:
        """List the contenders that are measured in it."""
        if self.share == HALF_AS_FAST:
            return [BASELINE, OVER_BOTO3, OURS]
        return [name for name in LINEUP if self.mix is Mix.VALID or name not in ONLY_VALID]

    def turn(self, run: str) -> Run:
        """Make one turn of a contender."""
        if self.batch_size == 1:
            return Run(run, self.mix, 1, batches=SINGLE_ORDERS)
        return Run(run, self.mix, self.batch_size, TURN_SECONDS[self.share])


SCENARIOS = [
    *(Scenario(share, Mix.VALID, size) for share, size in product(SHARES, BATCH_SIZES)),
    Scenario(HALF_AS_FAST, Mix.VALID, 10),
    *(Scenario(FULL, mix, SIZE_OF_MIXES) for mix in (Mix.DUPLICATES, Mix.INVALID)),
]


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
    def cpu_ms_per_order(self) -> float:
        return median(outcome.cpu_ms_per_order for outcome in self.outcomes)

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
    scenarios = [each for each in SCENARIOS if each.share == share]
    with ExitStack() as running:
        running.enter_context(Awake())
        aws = running.enter_context(FakeAws())
        contenders = {
            name: running.enter_context(
                Contender(entrant.module, environment(aws.url, **entrant.variables))
            )
            for name, entrant in LINEUP.items()
            if any(name in scenario.entrants for scenario in scenarios)
        }
        for scenario in scenarios:
            progress.step(f"{scenario.share}, batch {scenario.batch_size}, {scenario.mix}")
            for number, name in _turns(scenario):
                cell = cells[scenario, name]
                if cell.wall_seconds < ENOUGH_SECONDS:
                    outcome = _one(contenders[name], scenario, _run(scenario, name, number))
                    tally = aws.tally_of(outcome.orders, scenario.mix)
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


def _turns(scenario: Scenario) -> Iterator[tuple[int, str]]:
    """List who has a turn in which round; round -1 warms up."""
    return product(range(-1, ROUNDS[scenario.share]), scenario.entrants)


def _run(scenario: Scenario, name: str, number: int) -> Run:
    """Make a turn. Its ids are equally long for each contender, since they send them."""
    run = f"{list(LINEUP).index(name)}-{SCENARIOS.index(scenario)}-{number + 1}"
    if number < 0:
        # Connections, caches, and the modules that the first order imports.
        return Run(run, scenario.mix, min(scenario.batch_size, 5))
    return scenario.turn(run)


def _one(contender: Contender, scenario: Scenario, run: Run) -> Outcome:
    if scenario.share == FULL:
        return contender.perform(run)
    with CpuShare(contender.process.pid, MEMORY_MB_OF[scenario.share]):
        return contender.perform(run)
