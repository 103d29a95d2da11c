"""The machine of a benchmark, so that a reader can judge its figures."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def description() -> str:
    """Name the date, the processor, and the versions that matter."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {', '.join(_versions())}"
    )


def _versions() -> Iterator[str]:
    for package in ("botocore", "aws-lambda-powertools", "aiobotocore"):
        with suppress(PackageNotFoundError):
            yield f"{package} {version(package)}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(": ", 1)[1]
    return platform.machine()
