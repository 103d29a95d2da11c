"""What a benchmark ran on, so that its figures can be judged."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def description() -> str:
    """The date, the processor, and the versions that matter."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, botocore {version('botocore')}, "
        f"Powertools {version('aws-lambda-powertools')}, aiobotocore {version('aiobotocore')}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(": ", 1)[1]
    return platform.machine()
