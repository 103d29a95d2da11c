"""The machine of a benchmark, so that a reader can judge its figures."""

from __future__ import annotations

import os
import platform
import time
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOPS, DIGESTS, ATTEMPTS = 1_000_000, 50_000, 5


def description() -> str:
    """Name the date, the processor, and the versions that matter."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {', '.join(_versions())}"
    )


def speed() -> str:
    """
    Measure how fast one core is, by two plain figures.

    Orders a second depend on it: (a) mostly waits, whatever the machine, and the others compute.
    """
    kilobyte = bytes(1_000)
    loops = _rate(LOOPS, lambda: sum(1 for _ in range(LOOPS)))
    digests = _rate(DIGESTS, lambda: [sha256(kilobyte).digest() for _ in range(DIGESTS)])
    return (
        f"In a second, a core here runs {loops / 1e6:.0f} million steps of a Python generator, or "
        f"makes the SHA-256 of {digests / 1e3:.0f} MB."
    )


def _rate(times: int, action: Callable[[], object]) -> float:
    """Compute how often it is done in a second of CPU, at the best of a few attempts."""
    taken = []
    for _ in range(ATTEMPTS):
        before = time.process_time()
        action()
        taken.append(time.process_time() - before)
    return times / min(taken)


def _versions() -> Iterator[str]:
    for package in ("botocore", "obstore", "aws-lambda-powertools", "aiobotocore"):
        with suppress(PackageNotFoundError):
            yield f"{package} {version(package)}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(": ", 1)[1]
    return platform.machine()
