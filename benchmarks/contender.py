"""
Run a contender as a process: import it, and run batches as the standard input says.

    python -m benchmarks.contender NAME

Each line of input is a `Run` as JSON, each line of output its `Outcome`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.context import Context
from benchmarks.events import Mix, batches

if TYPE_CHECKING:
    from collections.abc import Callable

KIBIBYTE = 1024


@dataclass(frozen=True)
class Run:
    """A task for a contender: run batches for some seconds, or so many of them."""

    name: str
    mix: Mix
    batch_size: int
    seconds: float = 0.0
    batches: int = 1


@dataclass(frozen=True)
class Outcome:
    """The figures of a run."""

    orders: int
    wall_seconds: float
    cpu_seconds: float
    resident_kib: int
    log_bytes: int

    @property
    def orders_per_second(self) -> float:
        return self.orders / self.wall_seconds

    @property
    def cpu_ms_per_order(self) -> float:
        return self.cpu_seconds / self.orders * 1000


def perform(process: Callable[[Any, Any], Any], run: Run) -> Outcome:
    """Run batches until the seconds are over and so many are done. Making them isn't timed."""
    context, orders, wall, cpu = Context(), 0, 0.0, 0.0
    for number, event in enumerate(batches(run.mix, run.batch_size, run.name)):
        if number >= run.batches and wall >= run.seconds:
            break
        wall_before, cpu_before = time.perf_counter(), time.process_time()
        answer = process(event, context)
        cpu += time.process_time() - cpu_before
        wall += time.perf_counter() - wall_before
        orders += len(event["Records"])
        if answer and answer["batchItemFailures"]:
            raise RuntimeError(f"orders failed: {answer}")
    sys.stdout.flush()
    log_bytes = os.fstat(1).st_size
    os.ftruncate(1, 0)
    os.lseek(1, 0, os.SEEK_SET)
    return Outcome(orders, wall, cpu, resident_kib(), log_bytes)


def resident_kib() -> int:
    """Read how much memory this process has now."""
    with open("/proc/self/statm", encoding="ascii") as pages:  # noqa: PTH123 (no object is made)
        return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // KIBIBYTE


def main(name: str) -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    # Count the log and throw it away. Lambda takes both streams as one, too.
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    process = importlib.import_module(f"benchmarks.contenders.{name}").process
    answers.write("ready\n")
    for line in sys.stdin:
        given = json.loads(line)
        run = Run(**{**given, "mix": Mix(given["mix"])})
        answers.write(json.dumps(asdict(perform(process, run))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
