"""Cold starts: each a process that imports a contender and processes its first order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.events import record
from benchmarks.processes import ROOT, FakeAws, cores, environment
from benchmarks.report import table
from ops.vendor import COMPILED, fill_vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.progress import Progress

ROUNDS = 7
CONTENDERS = {
    "serial_boto3": "(a) boto3, serial",
    "serial_with_powertools": "(a) with Powertools' Logger and Metrics",
    "powertools_batch": "(b) Powertools BatchProcessor, idempotency",
    "powertools_async": "(c) Powertools AsyncBatchProcessor, aiobotocore",
    "ours": "(d) this system, as it is in a checkout",
}
PLAIN, VENDORED = "(d) as packaged", "(d) as packaged after `make vendor`"


class ColdStart(NamedTuple):
    """What one cold start took."""

    cpu_ms: float
    import_cpu_ms: float
    wall_ms: float
    peak_mib: float


def measure(progress: Progress) -> dict[str, list[ColdStart]]:
    """Several cold starts of each, interleaved."""
    progress.step(f"cold starts, {ROUNDS} of each")
    with FakeAws() as aws, tempfile.TemporaryDirectory() as directory:
        given = environment(aws.url)
        started = {
            title: (f"benchmarks.contenders.{name}", given) for name, title in CONTENDERS.items()
        }
        for title, vendored in ((PLAIN, False), (VENDORED, True)):
            package = make_package(Path(directory) / str(vendored), vendored=vendored)
            # A package on Lambda is read-only: no bytecode is written.
            path = {"PYTHONPATH": f"{package}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
            started[title] = ("benchmarks.contenders.ours", {**given, **path})
        results: dict[str, list[ColdStart]] = {title: [] for title in started}
        for number in range(ROUNDS + 1):
            for title, (module, variables) in started.items():
                result = start(module, variables, f"{title[:3]}{number}")
                if number:
                    results[title].append(result)
    return results


def start(module: str, variables: Mapping[str, str], name: str) -> ColdStart:
    """One cold start."""
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
    process.stdin.write(json.dumps({"Records": [record(name, name.strip("() "))]}).encode())
    process.stdin.close()
    answer = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not answer:
        raise RuntimeError(f"{module} failed to process its first order")
    return ColdStart(
        cpu_ms=(usage.ru_utime + usage.ru_stime) * 1000,
        import_cpu_ms=float(answer) * 1000,
        wall_ms=(time.perf_counter() - started) * 1000,
        peak_mib=usage.ru_maxrss / 1024,
    )


def make_package(directory: Path, *, vendored: bool) -> Path:
    """What `chalice package` puts into the zip, unpacked: no bytecode but what vendor/ brings."""
    without_bytecode = shutil.ignore_patterns("__pycache__")
    directory.mkdir(parents=True)
    shutil.copy(ROOT / "app.py", directory)
    shutil.copytree(ROOT / "chalicelib", directory / "chalicelib", ignore=without_bytecode)
    (directory / "chalice").mkdir()
    (directory / "chalice" / "__init__.py").write_text("", encoding="ascii")
    for name in COMPILED:
        source = Path(import_module(name).__file__ or "")
        if name.startswith("chalice"):
            shutil.copy(source, directory / "chalice")
        elif source.name == "__init__.py":
            shutil.copytree(source.parent, directory / name, ignore=without_bytecode)
        else:
            shutil.copy(source, directory)
    if vendored:
        shutil.copytree(fill_vendor(directory), directory, dirs_exist_ok=True)
    return directory


def report(results: dict[str, list[ColdStart]]) -> str:
    """The table of all cold starts: of times the median, and of CPU the ratio round by round."""
    base = results[CONTENDERS["serial_boto3"]]
    heads = ["", "CPU ms", "of (a)", "of which import", "wall ms", "peak MiB"]
    return table(
        heads,
        (
            [
                title,
                f"{median(each.cpu_ms for each in starts):.0f}",
                f"{ratio(starts, base):.2f}",
                f"{median(each.import_cpu_ms for each in starts):.0f}",
                f"{median(each.wall_ms for each in starts):.0f}",
                f"{median(each.peak_mib for each in starts):.0f}",
            ]
            for title, starts in results.items()
        ),
    )


def goals(results: dict[str, list[ColdStart]]) -> list[tuple[str, float, str, bool]]:
    """The goal of this table, against both readings of what a straightforward start is."""
    ours = results[VENDORED]
    found = [
        (f"cold start CPU, of {CONTENDERS[name]}", ratio(ours, results[CONTENDERS[name]]))
        for name in ("serial_with_powertools", "serial_boto3")
    ]
    return [(title, value, "0.65 or less", value <= 0.65) for title, value in found]


def ratio(starts: list[ColdStart], base: list[ColdStart]) -> float:
    """By the least CPU of each: whatever else the machine does only adds to it."""
    return min(each.cpu_ms for each in starts) / min(each.cpu_ms for each in base)
