"""The garbage collector spares imported modules, and works while a command does."""

import subprocess
import sys

import pytest

from ops.project import PROJECT_ROOT

# At the very end it says whether the collector was on, and whether it spared what was there.
PROGRAM = """
import atexit, gc, sys
from ops.__main__ import run

atexit.register(lambda: print("collector:", gc.isenabled(), gc.get_freeze_count() > 0))
sys.argv[0] = "ops"
run()
"""


def collector(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("arguments", [("stats", "--help"), ("health", "--aws-port", "1")])
def test_a_command_runs_with_the_collector_on_and_ends_without_it(
    arguments: tuple[str, ...],
) -> None:
    """A command may go through millions of records; its end is a wait for nothing."""
    assert collector(*arguments) == "collector: True True"


def test_modules_are_imported_with_the_collector_off() -> None:
    """`--help` imports every command, and runs none."""
    assert collector("--help") == "collector: False True"
