"""
Lambda's Python runtimes: which there are, how long, and which one a package is for.

A package is for the Python that makes it: Chalice names it in the template, and the bytecode is
for no other.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ops.deploy.problems import PackagingFailed
from ops.next_command import make_command
from ops.project import CONFIG

if TYPE_CHECKING:
    from collections.abc import Mapping

# The runtimes that are in production, with the day on which AWS ends its support of each. A month
# later no function can be created with it, another month or two later none can be updated.
SOURCE = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"
AS_OF = date(2026, 11, 26)
ENDS = {
    "python3.11": date(2027, 6, 30),
    "python3.12": date(2028, 10, 31),
    "python3.13": date(2029, 6, 30),
    "python3.14": date(2029, 6, 30),
}
# The key of a stage in .chalice/config.json. Chalice ignores it.
WANTED = "runtime"
WARNING_BEFORE = timedelta(days=365)


def required_runtime(
    stage: str,
    settings: Mapping[str, Any],
    version: tuple[int, int] = (sys.version_info.major, sys.version_info.minor),
) -> str:
    """
    Return the runtime that a package of this Python is for.

    Raises:
        PackagingFailed: Lambda has no such runtime, or the stage wants another one.
    """
    runtime = f"python{version[0]}.{version[1]}"
    wanted = settings.get(WANTED, runtime)
    if wanted not in (*ENDS, runtime):
        raise PackagingFailed(
            f"{CONFIG} names {wanted!r} as the {WANTED} of stage {stage}: take one of "
            f"{', '.join(ENDS)}."
        )
    if runtime not in ENDS:
        other = wanted if wanted in ENDS else _longest_supported()
        raise PackagingFailed(
            f"Lambda has no runtime for {_in_words(runtime)}: it has {', '.join(ENDS)} (as of "
            f"{AS_OF}, {SOURCE}). {_with(other)}"
        )
    if wanted != runtime:
        raise PackagingFailed(
            f"Stage {stage} wants {wanted} ({WANTED} in {CONFIG}), and this is "
            f"{_in_words(runtime)}. {_with(wanted)}"
        )
    return runtime


def warning_of_end(runtime: str, today: date | None = None) -> str | None:
    """Warn of the end of a runtime's support, from a year before it on."""
    end = ENDS[runtime]
    if end - (today or datetime.now(UTC).date()) > WARNING_BEFORE:
        return None
    return (
        f"AWS supports {runtime} until {end}, and two months later its functions can't be updated "
        f"any more. The one that is supported longest is {_longest_supported()}."
    )


def _longest_supported() -> str:
    """Return the newest of those that are supported longest."""
    return max(reversed(ENDS), key=ENDS.__getitem__)


def _in_words(runtime: str) -> str:
    return runtime.replace("python", "Python ")


def _with(runtime: str) -> str:
    command = make_command(".venv", PYTHON=runtime)
    return f"To change to that one, type `{command}`; then run the command again."
