"""The memory of this system over many orders, in one process: it must stay flat."""

from __future__ import annotations

from benchmarks.contender import KIBIBYTE, Run
from benchmarks.events import Mix
from benchmarks.goals import Goal, at_most
from benchmarks.processes import Contender, FakeAws, environment

BATCH_SIZE = 100
MILESTONES = (25_000, 50_000, 75_000, 100_000)
# By then caches and the allocator's arenas have filled.
FILLED, LAST = MILESTONES[1], MILESTONES[-1]


def measure() -> dict[int, float]:
    """Measure the memory of the process, in MiB, after so many orders."""
    found, done = {}, 0
    # No time is measured: latencies would only make it take longer.
    with FakeAws(at_once=True) as aws, Contender("ours", environment(aws.url)) as contender:
        for milestone in MILESTONES:
            number = (milestone - done) // BATCH_SIZE
            outcome = contender.perform(
                Run(f"m{milestone}", Mix.DUPLICATES, BATCH_SIZE, batches=number)
            )
            aws.tally_of(outcome.orders, Mix.DUPLICATES)
            found[milestone] = outcome.resident_kib / KIBIBYTE
            done = milestone
    return found


def goals(found: dict[int, float]) -> list[Goal]:
    """Hold memory to its goal: it grows by 2% at most."""
    title = f"memory after {LAST:,} orders ({found[LAST]:.0f} MiB), of after {FILLED:,}"
    return [at_most(title, found[LAST] / found[FILLED], 1.02)]
