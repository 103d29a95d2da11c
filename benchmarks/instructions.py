"""
What each step of the packaged system's start is worth, in instructions of the processor.

A step of a few hundredths is lost in the noise of CPU time. Instructions are the same in each run.
Valgrind counts them, if it is installed (Debian's package valgrind): it takes a minute.
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
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import TYPE_CHECKING

import botocore

from benchmarks.cold_start import CONTENDERS, Start, make_package, packaged
from benchmarks.events import record
from benchmarks.processes import FakeAws, cores, environment
from benchmarks.report import table

if TYPE_CHECKING:
    from benchmarks.progress import Progress

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
    "handlers": "botocore's event handlers for the used services only",
    "lazy queue": "no SQS client before something goes wrong",
    "no collections": "garbage collection off while loading",
}
DATA = "botocore's data of the used operations only"
HASHES = "vendor/'s bytecode not checked against its source"
BYTECODE = "bytecode in the package"


def measure(progress: Progress) -> str:
    """The table of all steps, and whole starts to compare with."""
    if not shutil.which("valgrind"):
        raise SystemExit("valgrind is not installed: apt-get install valgrind")
    progress.step("instructions of a cold start, step by step")
    with FakeAws() as aws, tempfile.TemporaryDirectory() as directory:
        starts = _starts(environment(aws.url), Path(directory))
        with ThreadPoolExecutor(len(set.union(*cores()))) as executor:
            counts = executor.map(lambda start: _count(*start), starts.values())
            found = dict(zip(starts, counts, strict=True))
        aws.tally_of(len(starts))
    whole = found[WHOLE]
    steps = (
        [title, f"{found[title]:.0f}", f"{whole:.0f}", f"{1 - whole / found[title]:.1%}"]
        for title in [*OF_THE_CODE.values(), DATA, HASHES, BYTECODE]
    )
    starts_table = (
        [title, f"{found[title]:.0f}", f"{whole / found[title]:.2f}"] for title in BASES
    )
    heads = ["million instructions of a cold start", "before", "after", "saved"]
    base_heads = ["million instructions of a cold start", "", "ours, of it"]
    return f"{table(heads, steps)}\n\n{table(base_heads, starts_table)}"


def _starts(given: dict[str, str], directory: Path) -> dict[str, Start]:
    def package(name: str) -> Path:
        return make_package(directory / name, vendored=True)

    vendored = package("vendored")
    module, variables = packaged("ours_without", given, vendored)
    with_all_data = package("data")
    shutil.rmtree(with_all_data / "botocore" / "data")
    (with_all_data / "botocore" / "data").symlink_to(Path(botocore.__file__).parent / "data")
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
        HASHES: packaged("ours", given, with_hashes),
        BYTECODE: packaged("ours", given, without_bytecode),
    }


def _count(module: str, variables: dict[str, str]) -> float:
    """The instructions of a cold start and its first order, in millions."""
    process = subprocess.run(
        [
            *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
            *(sys.executable, "-P", "-m", "benchmarks.first_order", module),
        ],
        env=variables,
        cwd=tempfile.gettempdir(),
        input=json.dumps({"Records": [record("order-1", "order-1")]}) + "\n",
        text=True,
        capture_output=True,
        check=True,
    )
    counted = COUNTED.search(process.stderr)
    if not counted:
        raise RuntimeError(f"valgrind counted nothing: {process.stderr[-500:]}")
    return int(counted[1]) / MILLION
