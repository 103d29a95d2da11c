"""How deep the simulation goes, and its tally at the end of a test run: a plugin of pytest."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from tests.simulation.search import Explored


class Depth(NamedTuple):
    """The bounds of the search, beside those of a scenario."""

    faults: int
    more_deliveries: int = 0


DEPTHS = {
    "quick": Depth(faults=1),  # half a minute
    "deep": Depth(faults=2),  # a few minutes
    "wide": Depth(faults=1, more_deliveries=1),  # half an hour, and 3 GB of memory
}


@dataclass
class Tally:
    """The schedules that this test run tried."""

    depth: Depth
    verbose: bool
    explored: dict[str, Explored] = field(default_factory=dict)
    mutations: int = 0
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        """Write the tally for people."""
        faults = self.depth.faults
        if self.explored:
            if self.verbose:
                for scenario, (schedules, _, _) in self.explored.items():
                    yield f"{schedules:17,}  {scenario}"
            schedules, states, runs = map(sum, zip(*self.explored.values(), strict=True))
            yield (
                f"{schedules:,} schedules of {len(self.explored)} scenarios, with at most"
                f" {faults} {'fault' if faults == 1 else 'faults'} each, and one more around an"
                " Idempotency-Key: nothing lost, nothing counted twice"
            )
            yield (
                f"({states:,} states, {runs:,} runs of the deployed code, {self.seconds:.0f} s;"
                " SIMULATION=deep tries more)"
            )
        if self.mutations:
            yield f"{self.mutations} mutations caught"


TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    depth = os.environ.get("SIMULATION", "quick")
    if depth not in DEPTHS:
        raise pytest.UsageError(f"SIMULATION is {depth!r}: set it to one of {', '.join(DEPTHS)}")
    config.stash[TALLY] = Tally(DEPTHS[depth], verbose=config.getoption("verbose") > 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = list(terminalreporter.config.stash[TALLY].lines())
    if lines:
        terminalreporter.section("simulation")
    for line in lines:
        terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand a worker's tally to the process that sums up: parallel tests run in workers."""
    if hasattr(session.config, "workeroutput"):
        tally = session.config.stash[TALLY]
        explored = {name: tuple(counts) for name, counts in tally.explored.items()}
        session.config.workeroutput["tally"] = (explored, tally.mutations, tally.seconds)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add a worker's tally. A worker that has crashed hands over nothing."""
    tally = node.config.stash[TALLY]
    explored, mutations, seconds = getattr(node, "workeroutput", {}).get("tally", ({}, 0, 0.0))
    tally.explored |= {name: Explored(*counts) for name, counts in explored.items()}
    tally.mutations += mutations
    tally.seconds += seconds
