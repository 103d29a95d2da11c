"""What each optimisation is worth: this system with it and without it, in one run."""

from __future__ import annotations

import itertools
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

from botocore.httpsession import get_cert_path

from benchmarks.cold_start import start
from benchmarks.contender import Run
from benchmarks.events import Mix
from benchmarks.processes import Contender, FakeAws, environment, self_signed
from benchmarks.report import by_round, table

if TYPE_CHECKING:
    from benchmarks.contender import Outcome
    from benchmarks.progress import Progress

BATCH_SIZE = 100
ROUNDS = 7
FIRST_BATCHES = 3
# One message after the other, a batch takes three seconds.
SLOW, SLOW_ROUNDS = "concurrency", 2
OPTIMISATIONS = {
    SLOW: "threads over shared clients",
    "statements": "first slots by BatchExecuteStatement, 25 a call",
    "expect": "no `Expect: 100-continue`",
    "pool": "a connection for each thread (botocore's default: 10)",
    "user agent": "a User-Agent that is not put together for each call",
    "validation": "no parameter validation",
    "checksums": "one checksum of an object, the signed SHA-256, and no CRC-32",
}
REJECTED = {
    "compression": "no look for request compression",
    "host prefix": "no look for host prefixes",
    "garbage": "what is there after loading kept out of garbage collection",
    "10 threads": "10 threads instead of 32",
    "100 threads": "100 threads instead of 32",
}
HEADS = [
    *("", "orders/s before", "after", "CPU ms/order before", "after", "saved (middle half)"),
    *("connections/batch before", "after"),
]


class Turn(NamedTuple):
    """A batch of one contender."""

    outcome: Outcome
    connections: int


def measure(progress: Progress) -> str:
    """The table of the kept and of the rejected ones."""
    outcomes = _outcomes(progress)
    ours = outcomes[""]
    kept = [_row(title, outcomes[name], ours) for name, title in OPTIMISATIONS.items()]
    rejected = [_row(title, ours, outcomes[name]) for name, title in REJECTED.items()]
    return (
        f"Kept:\n\n{table(HEADS, kept)}\n\n"
        f"Tried on top of these and left out:\n\n{table(HEADS, rejected)}"
    )


def _outcomes(progress: Progress) -> dict[str, list[Turn]]:
    """A batch of the whole system, and one of each variant, in turn."""
    progress.step(f"optimisations, one by one, batch {BATCH_SIZE}")
    with FakeAws() as aws, ExitStack() as running:
        contenders = {"": running.enter_context(Contender("ours", environment(aws.url)))}
        for name in [*OPTIMISATIONS, *REJECTED]:
            given = environment(aws.url, BENCH_WITHOUT=name)
            contenders[name] = running.enter_context(Contender("ours_without", given))
        outcomes: dict[str, list[Turn]] = {name: [] for name in contenders}
        for number, (name, contender) in itertools.product(range(-1, ROUNDS), contenders.items()):
            if name == SLOW and number >= SLOW_ROUNDS:
                continue
            # The first one warms up.
            size = BATCH_SIZE if number >= 0 or name != SLOW else 10
            outcome = contender.perform(Run(f"{_slug(name)}-{number}", Mix.VALID, size))
            tally = aws.tally_of(outcome.orders)
            if number >= 0:
                # Without the one that asks for the tally.
                outcomes[name].append(Turn(outcome, tally["connections"] - 1))
    return outcomes


def measure_first_batch(progress: Progress) -> str:
    """What a cold start and a first batch cost over TLS, with all authorities of botocore's."""
    progress.step("cold starts and first batches over TLS")
    names = {
        "": "parsed once",
        "contexts": "parsed for each client",
        "authorities": "parsed for each connection, as botocore does",
    }
    starts: dict[str, list[float]] = {name: [] for name in names}
    found: dict[str, list[Outcome]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as directory:
        certificate = self_signed(Path(directory))
        bundle = Path(directory) / "bundle.pem"
        bundle.write_bytes(Path(get_cert_path(True) or "").read_bytes() + certificate.read_bytes())
        with FakeAws(certificate) as aws:
            for number, name in itertools.product(range(FIRST_BATCHES), names):
                given = environment(aws.url, AWS_CA_BUNDLE=str(bundle), BENCH_WITHOUT=name)
                cold = start("benchmarks.contenders.ours_without", given, f"start-{number}")
                starts[name].append(cold.cpu_ms)
                aws.tally_of(1)
                with Contender("ours_without", given) as contender:
                    outcome = contender.perform(Run(f"{name}-{number}", Mix.VALID, BATCH_SIZE))
                aws.tally_of(outcome.orders)
                found[name].append(outcome)
    rows = [
        [
            title,
            f"{min(starts[name]):.0f}",
            f"{min(each.cpu_seconds for each in found[name]) * 1000:.0f}",
            f"{median(each.wall_seconds for each in found[name]) * 1000:.0f}",
        ]
        for name, title in names.items()
    ]
    batch = f"first batch of {BATCH_SIZE}"
    heads = ["over TLS: authorities", "cold start, CPU ms", f"{batch}, CPU ms", "wall ms"]
    return table(heads, rows)


def _slug(name: str) -> str:
    """A name that can stand in an order's id."""
    return name.replace(" ", "-") or "ours"


def _row(title: str, before: list[Turn], after: list[Turn]) -> list[str]:
    sides = [[turn.outcome for turn in side] for side in (before, after)]
    return [
        title,
        *(f"{median(each.orders_per_second for each in side):.0f}" for side in sides),
        *(f"{median(each.cpu_ms_per_order for each in side):.2f}" for side in sides),
        _saved(*sides),
        *(f"{median(turn.connections for turn in side):.0f}" for side in (before, after)),
    ]


def _saved(before: list[Outcome], after: list[Outcome]) -> str:
    """
    The share of CPU that is saved, by the rounds of both.

    Where the middle half of the rounds lies around 0, nothing is shown.
    """
    with_it, without = ([each.cpu_seconds for each in side] for side in (after, before))
    saved = [100 * (1 - share) for share in by_round(with_it, without)]
    low, middle, high = quantiles(saved, n=4, method="inclusive")
    return f"{middle:.0f}% ({low:.0f} to {high:.0f})"
