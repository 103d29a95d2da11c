"""The plugin for AWS's own parts: a missing one is told loudly, or fails its tests if required."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.project import PROJECT_ROOT
from tests.aws_parts.plugin import REQUIRED

# A test run of its own, with two made-up parts: one is here, one is missing.
CONFTEST = """
from tests import aws_parts

aws_parts.PARTS.clear()
for name, missing in [("here", None), ("gone", "`make gone` installs it")]:
    aws_parts.PARTS[name] = aws_parts.AwsPart(name, lambda missing=missing: missing)

pytest_plugins = ["tests.aws_parts.plugin"]

def pytest_configure(config):
    config.addinivalue_line("markers", "aws_part(NAME): runs on that part")
"""
TESTS = """
import pytest

@pytest.mark.aws_part("here")
@pytest.mark.parametrize("number", range(3))
def test_here(number):
    assert number < 2

@pytest.mark.parametrize("number", [
    pytest.param(1, marks=pytest.mark.aws_part("gone")),
    pytest.param(2, marks=pytest.mark.aws_part("gone")),
    3,
])
def test_gone(number):
    assert number == 3, "it ran without its part"
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_parts.py").write_text(TESTS)
    return tmp_path


def output_of_run(directory: Path, *options: str, **environment: str) -> str:
    """Run the tests in the directory, and return what pytest says."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--color=no",
        *options,
        ".",
    ]
    return subprocess.run(
        command,
        cwd=directory,
        env={"PATH": os.defpath, "PYTHONPATH": str(PROJECT_ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.mark.parametrize("workers", [[], ["--numprocesses=2"]], ids=["alone", "in parallel"])
def test_a_missing_part_is_told_in_one_line_that_says_what_to_install(
    directory: Path, workers: list[str]
) -> None:
    output = output_of_run(directory, "-k", "gone", *workers)

    assert "1 passed, 2 skipped" in output
    assert output.count("`make gone` installs it") == 1
    assert "gone: 2 TESTS DID NOT RUN: `make gone` installs it" in output


def test_a_missing_part_fails_its_tests_where_all_parts_are_required(directory: Path) -> None:
    output = output_of_run(directory, "-k", "gone", **{REQUIRED: "1"})

    assert "1 passed, " in output
    assert ", 2 errors" in output
    assert "gone is not here: `make gone` installs it" in output
    assert "gone: 0 passed, 2 failed" in output


def test_a_part_that_is_here_is_told_with_its_tests(directory: Path) -> None:
    output = output_of_run(directory, "-k", "here", **{REQUIRED: "1"})

    assert "2 passed" in output
    assert "here: 2 passed, 1 failed" in output
    assert "gone" not in output.split("AWS's own parts")[1].split("\n", 2)[1]


def test_a_run_without_any_part_says_nothing_of_them(directory: Path) -> None:
    (directory / "test_parts.py").write_text("def test_nothing(): pass")

    assert "AWS's own parts" not in output_of_run(directory)
