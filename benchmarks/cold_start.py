"""Cold starts: each is a process that imports a contender and processes its first order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.cpu_share import CpuShare
from benchmarks.events import record
from benchmarks.goals import Goal, at_most
from benchmarks.processes import ROOT, FakeAws, cores, environment
from benchmarks.report import by_round, table
from benchmarks.throughput import MEMORY_MB
from ops.vendor import COMPILED, OBSTORE, fill_vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.progress import Progress

# Of the starts that the goals compare, and of all others.
ROUNDS, FEWER_ROUNDS = 21, 5
THROTTLED_ROUNDS = 2
CONTENDERS = {
    "serial_boto3": "(a) boto3, serial",
    "serial_with_powertools": "(a) with Powertools' Logger and Metrics",
    "powertools_batch": "(b) Powertools BatchProcessor, idempotency",
    "powertools_async": "(c) Powertools AsyncBatchProcessor, aiobotocore",
    "aiobotocore_statements": "(e) aiobotocore, BatchExecuteStatement",
    "ours": "(d) this system, as it is in a checkout",
}
PLAIN, VENDORED = "(d) as packaged with `--without-vendor`", "(d) as packaged"
COMPARED = (CONTENDERS["serial_boto3"], CONTENDERS["serial_with_powertools"], VENDORED)

Start = tuple[str, dict[str, str]]


class ColdStart(NamedTuple):
    """The cost of one cold start."""

    cpu_ms: float
    import_cpu_ms: float
    wall_ms: float
    first_order_ms: float
    peak_mib: float


Results = dict[str, list[ColdStart]]


def measure(progress: Progress) -> tuple[Results, Results]:
    """Measure several cold starts of each, in turn: at a whole core, and at a share of one."""
    progress.step(f"cold starts, {FEWER_ROUNDS} to {ROUNDS} of each")
    with FakeAws() as aws, tempfile.TemporaryDirectory() as directory:
        starts = _starts(environment(aws.url), Path(directory))
        others = [title for title in starts if title not in COMPARED]
        full: Results = {title: [] for title in starts}
        throttled: Results = {title: [] for title in starts}
        for number in range(-1, ROUNDS):
            # Starts that are compared come one right after the other.
            for title in [*COMPARED, *(others if number < FEWER_ROUNDS else [])]:
                result = _start(*starts[title], f"order-{number}")
                aws.tally_of(1)
                if number >= 0:
                    full[title].append(result)
        for number in range(THROTTLED_ROUNDS):
            for title in starts:
                throttled[title].append(_start(*starts[title], f"order-{number}", MEMORY_MB))
                aws.tally_of(1)
    return full, throttled


def _starts(given: dict[str, str], directory: Path) -> dict[str, Start]:
    """List all starts by title: a module, and the variables that it runs with."""
    return {
        **{title: (f"benchmarks.contenders.{name}", given) for name, title in CONTENDERS.items()},
        PLAIN: _packaged(given, make_package(directory / "plain", vendored=False)),
        VENDORED: _packaged(given, make_package(directory / "vendored", vendored=True)),
    }


def _packaged(given: Mapping[str, str], package: Path) -> Start:
    """Run our contender from a package. Write no bytecode: on Lambda a package is read-only."""
    path = {"PYTHONPATH": f"{package}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    return "benchmarks.contenders.ours", {**given, **path}


def _start(
    module: str, variables: Mapping[str, str], name: str, memory_mb: int | None = None
) -> ColdStart:
    """Start once. As on Lambda, the import has a whole core, the first order a share of one."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "benchmarks.first_order", module],
        env=dict(variables),
        cwd=tempfile.gettempdir(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin
    assert process.stdout
    os.sched_setaffinity(process.pid, cores()[1])
    import_cpu_seconds = process.stdout.readline()
    if not import_cpu_seconds:
        raise RuntimeError(f"{module} could not be imported: exit code {process.wait()}")
    asked = time.perf_counter()
    with CpuShare(process.pid, memory_mb) if memory_mb else nullcontext():
        process.stdin.write(json.dumps({"Records": [record(name, name)]}).encode() + b"\n")
        process.stdin.close()
        answer = process.stdout.readline()
        answered = time.perf_counter()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if not answer:
        raise RuntimeError(f"{module} failed to process its first order")
    return ColdStart(
        cpu_ms=(usage.ru_utime + usage.ru_stime) * 1000,
        import_cpu_ms=float(import_cpu_seconds) * 1000,
        wall_ms=(answered - started) * 1000,
        first_order_ms=(answered - asked) * 1000,
        peak_mib=usage.ru_maxrss / 1024,
    )


def make_package(directory: Path, *, vendored: bool) -> Path:
    """Make the content of `chalice package`'s zip: its only bytecode comes from vendor/."""
    without_bytecode = shutil.ignore_patterns("__pycache__")
    directory.mkdir(parents=True)
    # The requirements tell `fill_vendor` what there is to compile.
    for name in ("app.py", "requirements.txt"):
        shutil.copy(ROOT / name, directory)
    shutil.copytree(ROOT / "chalicelib", directory / "chalicelib", ignore=without_bytecode)
    (directory / "chalice").mkdir()
    (directory / "chalice" / "__init__.py").write_text("", encoding="ascii")
    for name in (*COMPILED, OBSTORE):
        source = Path(import_module(name).__file__ or "")
        if name.startswith("chalice"):
            shutil.copy(source, directory / "chalice")
        elif source.name == "__init__.py":
            shutil.copytree(source.parent, directory / name, ignore=without_bytecode)
        else:
            shutil.copy(source, directory)
    if vendored:
        shutil.copytree(fill_vendor(directory), directory, dirs_exist_ok=True)
        shutil.rmtree(directory / "vendor")
    return directory


def report(full: Results, throttled: Results) -> str:
    """Make the table of all contenders."""
    base = full[CONTENDERS["serial_boto3"]]
    heads = [
        *("", "CPU ms", "of (a)", "of which import", "wall ms", "peak MiB"),
        f"first order at {MEMORY_MB} MB, wall ms",
    ]
    return table(
        heads,
        (
            [
                title,
                f"{_cpu_ms(full[title]):.0f}",
                f"{ratio(full[title], base):.2f}",
                f"{median(each.import_cpu_ms for each in full[title]):.0f}",
                f"{median(each.wall_ms for each in full[title]):.0f}",
                f"{median(each.peak_mib for each in full[title]):.0f}",
                f"{median(each.first_order_ms for each in throttled[title]):.0f}",
            ]
            for title in full
        ),
    )


def goals(full: Results) -> list[Goal]:
    """Hold our start to its goal, beside (a) with Powertools' Logger and Metrics."""
    usual = CONTENDERS["serial_with_powertools"]
    share, reason = ratio(full[VENDORED], full[usual]), "the imports of botocore are most of both"
    return [at_most(f"cold start CPU, of {usual}", share, 0.55, reason)]


def ratio(starts: list[ColdStart], base: list[ColdStart]) -> float:
    """Compute their share of the base's CPU, as the median of the rounds."""
    mine, others = ([each.cpu_ms for each in side] for side in (starts, base))
    return median(by_round(mine, others))


def _cpu_ms(starts: list[ColdStart]) -> float:
    return median(each.cpu_ms for each in starts)
