"""The README's tour: each command is typed, and prints what the README says."""

import doctest
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local.stack import LocalStack
from tests.e2e.client import eventually

README = Path("README.md")
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# These differ in every run: ids, times, and the ports of the test.
VARIABLE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
)


def tour() -> list[tuple[str, str]]:
    """Read the README's commands, and the output that it shows for each."""
    steps = []
    for block in BLOCK.findall(README.read_text()):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            steps.append((command, output))
    return steps


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(log_file=tmp_path_factory.mktemp("readme") / "log") as stack:
        yield stack


def printed(command: str, stack: LocalStack) -> str:
    """Run a command on the ports of the test, and return its output."""
    here = command.replace("127.0.0.1:8000", f"127.0.0.1:{stack.api_port}")
    here = here.replace("127.0.0.1:4566", f"127.0.0.1:{stack.aws_port}")
    return subprocess.run(  # noqa: S602 (commands of the README)
        here, shell=True, check=True, capture_output=True, text=True, timeout=30
    ).stdout


def alike(expected: str, found: str) -> bool:
    """Say whether the output is the README's; "..." stands for anything."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    wanted, got = VARIABLE.sub("VARIABLE", expected), VARIABLE.sub("VARIABLE", found)
    return doctest.OutputChecker().check_output(wanted, got, flags)


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("jq")), reason="the tour is typed with curl and jq"
)
def test_the_tour_prints_what_the_readme_says(stack: LocalStack) -> None:
    """One test, since each step builds on the one before. It repeats a read until it succeeds."""
    steps = tour()
    assert len(steps) > 8

    for command, expected in steps:
        found = ""

        def as_expected(command: str = command, expected: str = expected) -> bool:
            nonlocal found
            found = printed(command, stack)
            return alike(expected, found)

        if " -d " in command:
            assert as_expected(), f"{command}\nprinted\n{found}\ninstead of\n{expected}"
        else:
            assert eventually(as_expected), command
