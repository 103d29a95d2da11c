"""Cold starts on Lambda's own runtime: INIT and a first invocation, under AWS's emulator of it."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import tempfile
import time
from importlib import import_module
from importlib.metadata import distributions
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.cold_start import CONTENDERS, PLAIN, VENDORED, make_package
from benchmarks.cpu_share import cpu_seconds
from benchmarks.first_invocations import API, PROCESSOR, PUBLISHER, Invocation, from_queue
from benchmarks.machine import description
from benchmarks.processes import ROOT, FakeAws, cores, environment
from benchmarks.report import by_round, table
from tests.aws_parts import LAMBDA_PYTHON
from tests.lambda_runtime.function import Function

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.progress import Progress

ROUNDS = 7
BASE = CONTENDERS["serial_boto3"]
USUAL = {
    BASE: "serial_boto3",
    CONTENDERS["serial_with_powertools"]: "serial_with_powertools",
}
# A function with Powertools brings these; Lambda has boto3.
POWERTOOLS = ("aws_lambda_powertools", "jmespath", "typing_extensions")
# They are worth naming beside the figures.
RUNTIME_PACKAGES = ("awslambdaric", "botocore", "aws-sam-cli")
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class Start(NamedTuple):
    """A function's first invocation, and the directory of its code."""

    code: Path
    invocation: Invocation


class ColdStart(NamedTuple):
    """The cost of one cold start; the runtime's own is in it."""

    cpu_ms: float
    # By the emulator: until the handler is loaded, and from then until its answer.
    init_ms: float
    first_ms: float
    wall_ms: float
    peak_mib: float


Results = dict[str, list[ColdStart]]


def measure(progress: Progress) -> Results:
    """Measure several cold starts of each contender, in turn."""
    progress.step(f"cold starts on Lambda's runtime, {ROUNDS} of each")
    with FakeAws() as aws, tempfile.TemporaryDirectory() as directory:
        starts = _starts(Path(directory))
        variables = _variables(aws.url)
        results: Results = {title: [] for title in starts}
        for number in range(-1, ROUNDS):
            for title, start in starts.items():
                result = _start(start, variables, f"order-{number}", Path(directory))
                # For the next one the order is new again.
                aws.reset()
                if number >= 0:
                    results[title].append(result)
    return results


def report(results: Results) -> str:
    """Say what was measured on, and make the table of the contenders."""
    return f"Measured {description()}; on {runtime_versions()}.\n\n{contenders_table(results)}"


def runtime_versions() -> str:
    """Name the packages of Lambda's runtime with their versions."""
    (site_packages,) = LAMBDA_PYTHON.parents[1].glob("lib/python3*/site-packages")
    versions = {each.name: each.version for each in distributions(path=[str(site_packages)])}
    return ", ".join(f"{name} {versions[name]}" for name in RUNTIME_PACKAGES)


def contenders_table(results: Results) -> str:
    """Make the table of the contenders: medians, and the share of (a)'s CPU by round."""
    heads = ["", "CPU ms", "of (a)", "INIT ms", "first ms", "wall ms", "peak MiB"]
    return table(heads, (_row(title, starts, results[BASE]) for title, starts in results.items()))


def _row(title: str, starts: list[ColdStart], base: list[ColdStart]) -> list[str]:
    shares = by_round([each.cpu_ms for each in starts], [each.cpu_ms for each in base])
    middle = ColdStart(*map(median, zip(*starts, strict=True)))
    return [
        title,
        f"{middle.cpu_ms:.0f}",
        f"{median(shares):.2f}",
        f"{middle.init_ms:.0f}",
        f"{middle.first_ms:.0f}",
        f"{middle.wall_ms:.0f}",
        f"{middle.peak_mib:.0f}",
    ]


def _starts(directory: Path) -> dict[str, Start]:
    """Make the package of each contender: its function, by title."""
    return {
        **{
            title: Start(
                _usual_package(directory / name),
                from_queue(f"benchmarks.contenders.{name}.process"),
            )
            for title, name in USUAL.items()
        },
        **_functions(PLAIN, make_package(directory / "plain", vendored=False)),
        **_functions(VENDORED, make_package(directory / "vendored", vendored=True)),
    }


def _functions(title: str, code: Path) -> dict[str, Start]:
    """Start each function of a package; the processor is what the others have."""
    return {
        title: Start(code, PROCESSOR),
        f"{title}: API, `POST /orders`": Start(code, API),
        f"{title}: publisher, one event": Start(code, PUBLISHER),
    }


def _usual_package(directory: Path) -> Path:
    """Make a package of the usual functions, with bytecode, which flatters them."""
    contenders = directory / "benchmarks" / "contenders"
    shutil.copytree(ROOT / "benchmarks" / "contenders", contenders)
    shutil.copy(ROOT / "benchmarks" / "__init__.py", contenders.parent)
    for name in POWERTOOLS:
        source = Path(import_module(name).__file__ or "")
        if source.name == "__init__.py":
            shutil.copytree(source.parent, directory / name)
        else:
            shutil.copy(source, directory)
    compileall.compile_dir(directory, quiet=1)
    return directory


def _variables(url: str) -> dict[str, str]:
    """Take the contenders' variables; Lambda's own are set by the function."""
    given = environment(url)
    named = {name: given[name] for name in given if name.startswith(("AWS_", "ORDERS_"))}
    return {name: value for name, value in named.items() if not name.startswith("AWS_LAMBDA_")}


def _start(start: Start, variables: Mapping[str, str], order: str, directory: Path) -> ColdStart:
    invocation = start.invocation
    given = {**variables, **invocation.variables}
    with Function(start.code, invocation.handler, given, directory) as function:
        os.sched_setaffinity(function.process.pid, cores()[1])
        asked = time.perf_counter()
        answer = function.invoke(invocation.event_of(order))
        wall_ms = (time.perf_counter() - asked) * 1000
        pid = function.runtime_pid()
        cpu_ms = cpu_seconds(pid) * 1000
        (peak_kib,) = PEAK.findall(Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    if not invocation.is_done(answer.body):
        raise RuntimeError(f"{invocation.handler} failed at its first invocation: {answer.text}")
    return ColdStart(
        cpu_ms=cpu_ms,
        init_ms=function.init_ms,
        first_ms=function.invocations_ms[0],
        wall_ms=wall_ms,
        peak_mib=int(peak_kib) / 1024,
    )
