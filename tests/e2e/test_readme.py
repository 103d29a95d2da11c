"""The tour of both READMEs: each command is typed, and prints what they say."""

import doctest
import os
import pty
import re
import shutil
import subprocess
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ops.local.stack import LocalStack
from tests.e2e.client import eventually

ENGLISH, SPANISH = Path("README.md"), Path("README.es.md")
# A new shell for each command: the tour types this once.
ACTIVATE = ". .venv/bin/activate"
OPS = re.compile(r"^python -m ops .*", re.MULTILINE)
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# These differ in every run: ids, times, and the ports of the test.
VARIABLE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{3}Z| \d\d:\d\d:\d\d)"
)


def tour(readme: Path) -> list[tuple[str, str]]:
    """Read the README's commands, and the output that it shows for each."""
    steps = []
    for block in BLOCK.findall(readme.read_text(encoding="utf-8")):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            steps.append((command, output))
    return steps


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(log_file=tmp_path_factory.mktemp("readme") / "log") as stack:
        yield stack


def in_a_shell(command: str, stack: LocalStack) -> list[str]:
    here = command.replace("127.0.0.1:8000", f"127.0.0.1:{stack.api_port}")
    here = here.replace("127.0.0.1:4566", f"127.0.0.1:{stack.aws_port}")
    here = OPS.sub(rf"\g<0> --aws-port {stack.aws_port}", here)
    return ["env", "-u", "COLUMNS", "bash", "-c", f"{ACTIVATE} && {here}"]


def printed(command: str, stack: LocalStack) -> str:
    """Run a command on the ports of the test, and return its output."""
    return subprocess.run(
        in_a_shell(command, stack),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
    ).stdout


def alike(expected: str, found: str) -> bool:
    """Say whether the output is the README's; "..." stands for anything."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    wanted, got = VARIABLE.sub("VARIABLE", expected), VARIABLE.sub("VARIABLE", found)
    return doctest.OutputChecker().check_output(wanted, got, flags)


needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="the tour is typed with curl")


@needs_curl
def test_the_tour_prints_what_the_readme_says(stack: LocalStack) -> None:
    """One test, since each step builds on the one before. It repeats a read until it succeeds."""
    steps = tour(ENGLISH)
    assert len(steps) > 8
    assert steps[0] == (ACTIVATE, "")

    for command, expected in steps:
        found = ""

        def as_expected(command: str = command, expected: str = expected) -> bool:
            nonlocal found
            found = printed(command, stack)
            return alike(expected, found)

        with suppress(AssertionError):
            as_expected() if " -d " in command else eventually(as_expected)
        assert alike(expected, found), f"{command}\nprinted\n{found}\ninstead of\n{expected}"


@needs_curl
def test_the_tour_in_spanish_prints_spanish(stack: LocalStack) -> None:
    """The other commands are the English README's, to the letter."""
    of_its_own = [step for step in tour(SPANISH) if "Accept-Language: es" in step[0]]
    assert of_its_own

    for command, expected in of_its_own:
        found = printed(command, stack)
        assert alike(expected, found), f"{command}\nprinted\n{found}\ninstead of\n{expected}"


def shown_at_80_columns(command: str, stack: LocalStack) -> str:
    ours, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    try:
        typed = ["env", "NO_COLOR=1", *in_a_shell(command, stack)]
        subprocess.run(typed, check=True, stdin=terminal, stdout=terminal, timeout=30)
        return os.read(ours, 65536).decode()
    finally:
        os.close(terminal)
        os.close(ours)


@needs_curl
def test_a_narrow_terminal_shows_each_row_of_a_table_in_one_piece(stack: LocalStack) -> None:
    """It wraps the line itself. Cells that are wrapped one by one are not what the pages show."""
    printed(next(command for command, _ in tour(ENGLISH) if " -d " in command), stack)
    row = re.compile(r"\d{4}-\d\d-\d\d \S+ +order-001 +[A-Z]+ +2,580.00 +\S+1111 +\S+7777")

    assert eventually(lambda: row.search(shown_at_80_columns("python -m ops orders list", stack)))
