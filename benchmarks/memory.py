"""Whether memory stays flat: this system over many orders, in one process."""

from __future__ import annotations

from benchmarks.contender import KIBIBYTE, Run
from benchmarks.events import Mix
from benchmarks.processes import Contender, FakeAws, cores, environment, run_in_background
from benchmarks.report import table

BATCH_SIZE = 100
MILESTONES = (1_000, 10_000, 25_000, 50_000, 75_000, 100_000)


def measure() -> dict[int, float]:
    """
    The memory of the process, in MiB, after so many orders.

    It takes minutes, and no time is measured: it may go on beside contenders that are held to a
    share of a core.
    """
    found, done = {}, 0
    # Latencies would only make it take longer.
    with FakeAws(at_once=True) as aws, Contender("ours", environment(aws.url)) as contender:
        of_the_fake, of_contenders = cores()
        run_in_background(aws.process, of_contenders)
        run_in_background(contender.process, of_the_fake)
        for milestone in MILESTONES:
            number = (milestone - done) // BATCH_SIZE
            outcome = contender.perform(
                Run(f"m{milestone}", Mix.DUPLICATES, BATCH_SIZE, batches=number)
            )
            aws.tally_of(outcome.orders)
            found[milestone] = outcome.resident_kib / KIBIBYTE
            done = milestone
    return found


def report(found: dict[int, float]) -> str:
    """The table of milestones."""
    heads = ["orders processed", *(f"{orders:,}" for orders in found)]
    return table(heads, [["resident MiB", *(f"{mib:.1f}" for mib in found.values())]])


def goals(found: dict[int, float]) -> list[tuple[str, float, str, bool]]:
    """Flat: once caches and the allocator's arenas have filled, it grows by no more than 2%."""
    growth = found[MILESTONES[-1]] / found[50_000]
    return [
        ("memory after 100,000 orders, of after 50,000", growth, "1.02 or less", growth <= 1.02)
    ]
