"""
What each step is worth, of a cold start and of an order, in instructions of the processor.

A step of a few hundredths is lost in the noise of CPU time. Instructions are the same in each run.
Valgrind counts them, if it is installed (Debian's package valgrind): it takes five minutes.
"""

from __future__ import annotations

import compileall
import json
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import TYPE_CHECKING

import botocore

from benchmarks import singly
from benchmarks.cold_start import CONTENDERS, Start, make_package, packaged
from benchmarks.events import record
from benchmarks.optimisations import OPTIMISATIONS, REJECTED
from benchmarks.processes import FakeAws, cores, environment
from benchmarks.report import table
from ops.vendor import DOCSTRINGS, DOCUMENTERS, HTTP2_SWITCH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.progress import Progress

INSTALLED = Path(botocore.__file__).parents[1]
COUNTED = re.compile(r"Collected : (\d+)")
MILLION = 1_000_000
WHOLE = "the package after `make vendor`"
BASES = {
    CONTENDERS[name]: f"benchmarks.contenders.{name}"
    for name in ("serial_boto3", "serial_with_powertools")
}
# What the package is without one thing of the code, as BENCH_WITHOUT.
OF_THE_CODE = {
    "boto3": "botocore's clients without boto3",
    "handlers": "botocore's event handlers for the used operations only",
    "no api": "nothing of the API in the processor",
    "lazy queue": "no SQS client before something goes wrong",
    "no collections": "garbage collection off while loading",
}
DATA = "botocore's data of the used operations only"
DOCS = "botocore's methods without docstrings"
HTTP2 = "urllib3 without the switch to HTTP/2"
HASHES = "vendor/'s bytecode not checked against its source"
BYTECODE = "bytecode in the package"
# Those of the optimisations that are a matter of work, not of waiting.
STEPS = ("expect", "user agent", "validation", "checksums", "compression", "host prefix")
FEW, MANY = 100, 200
NO_COLLECTION = {"BENCH_NO_COLLECTION": "1"}
# What is done once for each batch shows with batches of one.
OF_A_BATCH = {"metrics": "the metrics' object made once"}
SINGLY = {**CONTENDERS, **singly.NAMES}
FEW_BATCHES, MANY_BATCHES = 20, 60
STEP_HEADS = ("before", "after", "saved")


def measure(progress: Progress) -> str:
    """The tables of all steps."""
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is not installed: apt-get install valgrind")
    progress.step("instructions of a cold start, step by step")
    starts = of_a_start()
    progress.step("instructions of an order, step by step")
    orders = of_an_order()
    progress.step("instructions of an order in a batch of one")
    return f"{starts}\n\n{orders}\n\n{of_a_batch_of_one()}"


def of_a_start() -> str:
    """The table of a cold start's steps, and of whole starts to compare with."""
    with FakeAws() as aws, tempfile.TemporaryDirectory() as directory:
        starts = _starts(environment(aws.url), Path(directory))
        counts = _side_by_side([(start, 1, 1) for start in starts.values()])
        found = dict(zip(starts, counts, strict=True))
        aws.tally_of(len(starts))
    whole = found[WHOLE]
    steps = (
        _step(title, found[title], whole, digits=0)
        for title in [*OF_THE_CODE.values(), DATA, DOCS, HTTP2, HASHES, BYTECODE]
    )
    starts_table = (
        [title, f"{found[title]:.0f}", f"{whole / found[title]:.2f}"] for title in BASES
    )
    counted = "million instructions of a cold start"
    heads, base_heads = [counted, *STEP_HEADS], [counted, "", "ours, of it"]
    return f"Kept:\n\n{table(heads, steps)}\n\nAll in all:\n\n{table(base_heads, starts_table)}"


def of_an_order() -> str:
    """The table of an order's steps: what 200 orders in a batch take more than 100, by 100."""
    names = ["none", *STEPS]
    starts = {name: ("ours_without", {"BENCH_WITHOUT": name}) for name in names}
    each = _differences(starts, ((1, FEW), (1, MANY)))
    ours = each["none"]
    rows = [
        _step(title, each[name], ours) for name, title in OPTIMISATIONS.items() if name in STEPS
    ]
    rejected = [_step(title, ours, each[name]) for name, title in REJECTED.items() if name in STEPS]
    heads = ["million instructions of an order in a batch", *STEP_HEADS]
    return f"Kept:\n\n{table(heads, rows)}\n\nLeft out:\n\n{table(heads, rejected)}"


def of_a_batch_of_one() -> str:
    """The tables of an order that is a batch by itself, and of what is done once for each."""
    starts = {
        **{name: (name, {}) for name in SINGLY},
        **{name: ("ours_without", {"BENCH_WITHOUT": name}) for name in OF_A_BATCH},
    }
    each = _differences(starts, ((FEW_BATCHES, 1), (MANY_BATCHES, 1)))
    ours, base = each["ours"], each["serial_boto3"]
    steps = (_step(title, each[name], ours) for name, title in OF_A_BATCH.items())
    whole = (
        [title, f"{each[name]:.2f}", f"{each[name] / base:.2f}"] for name, title in SINGLY.items()
    )
    counted = "million instructions of an order in a batch of one"
    heads, whole_heads = [counted, *STEP_HEADS], [counted, "", "of (a)"]
    return f"Kept:\n\n{table(heads, steps)}\n\nAll in all:\n\n{table(whole_heads, whole)}"


def _step(title: str, before: float, after: float, digits: int = 2) -> list[str]:
    return [title, f"{before:.{digits}f}", f"{after:.{digits}f}", f"{1 - after / before:.1%}"]


def _differences(
    contenders: Mapping[str, tuple[str, dict[str, str]]],
    sizes: tuple[tuple[int, int], tuple[int, int]],
) -> dict[str, float]:
    """
    What each takes for an order: the difference of two runs, so that its start is not in it.

    Nor is collecting garbage: one collection of all that is loaded takes as much as two orders, and
    whether it falls into the one run or the other is chance.
    """
    (few_batches, few), (many_batches, many) = sizes
    with FakeAws() as aws:
        jobs = [
            (
                (f"benchmarks.contenders.{name}", environment(aws.url, **NO_COLLECTION, **changes)),
                *size,
            )
            for name, changes in contenders.values()
            for size in sizes
        ]
        counts = _side_by_side(jobs)
        aws.tally_of(len(contenders) * (few_batches * few + many_batches * many))
    orders = many_batches * many - few_batches * few
    return {
        name: (more - less) / orders
        for name, less, more in zip(contenders, counts[::2], counts[1::2], strict=True)
    }


def _starts(given: dict[str, str], directory: Path) -> dict[str, Start]:
    def package(name: str) -> Path:
        return make_package(directory / name, vendored=True)

    vendored = package("vendored")
    module, variables = packaged("ours_without", given, vendored)
    with_all_data = package("data")
    shutil.rmtree(with_all_data / "botocore" / "data")
    (with_all_data / "botocore" / "data").symlink_to(INSTALLED / "botocore" / "data")
    with_docs = package("docs")
    _restore(with_docs, DOCUMENTERS, DOCSTRINGS)
    with_http2 = package("http2")
    _restore(with_http2, HTTP2_SWITCH)
    with_hashes = package("hashes")
    checked = PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(with_hashes, quiet=2, force=True, invalidation_mode=checked)
    without_bytecode = package("bytecode")
    for cache in list(without_bytecode.rglob("__pycache__")):
        shutil.rmtree(cache)
    return {
        **{title: (name, given) for title, name in BASES.items()},
        WHOLE: packaged("ours", given, vendored),
        **{
            title: (module, {**variables, "BENCH_WITHOUT": name})
            for name, title in OF_THE_CODE.items()
        },
        DATA: packaged("ours", given, with_all_data),
        DOCS: packaged("ours", given, with_docs),
        HTTP2: packaged("ours", given, with_http2),
        HASHES: packaged("ours", given, with_hashes),
        BYTECODE: packaged("ours", given, without_bytecode),
    }


def _restore(package: Path, *modules: Path) -> None:
    """Put modules that `make vendor` replaces back, compiled as it compiles them."""
    unchecked = PycInvalidationMode.UNCHECKED_HASH
    for module in modules:
        shutil.copy(INSTALLED / module, package / module)
        compileall.compile_file(package / module, quiet=2, force=True, invalidation_mode=unchecked)


def _side_by_side(jobs: Sequence[tuple[Start, int, int]]) -> list[float]:
    with ThreadPoolExecutor(len(set.union(*cores()))) as executor:
        return list(executor.map(lambda number: _count(number, *jobs[number]), range(len(jobs))))


def _count(job: int, start: Start, batches: int, size: int) -> float:
    """The instructions of a cold start and its first batches, in millions."""
    module, variables = start
    names = iter(f"order-{job}-{order}" for order in range(batches * size))
    events = [
        {"Records": [record(name, name) for name in islice(names, size)]} for _ in range(batches)
    ]
    process = subprocess.run(
        [
            *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
            *(sys.executable, "-P", "-m", "benchmarks.first_order", module),
        ],
        env=variables,
        cwd=tempfile.gettempdir(),
        input="".join(json.dumps(event) + "\n" for event in events),
        text=True,
        capture_output=True,
        check=True,
    )
    counted = COUNTED.search(process.stderr)
    if not counted:
        raise RuntimeError(f"valgrind counted nothing: {process.stderr[-500:]}")
    return int(counted[1]) / MILLION
