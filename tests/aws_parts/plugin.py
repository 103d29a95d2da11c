"""Which of AWS's own parts the tests ran on, and which are missing: a plugin of pytest."""

import os
from collections import Counter
from typing import Any

import pytest

from tests.aws_parts import PARTS

# Set by .ci/run for its first run: there a part that is missing fails its tests.
REQUIRED = "ORDERS_AWS_PARTS_REQUIRED"
PROPERTY = "aws_part"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each test name its part in its report, which reaches the process that sums up."""
    for item in items:
        item.user_properties.extend((PROPERTY, name) for name in _parts_of(item))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose part is missing, or fail it where all parts are required."""
    for name in _parts_of(item):
        missing = PARTS[name].missing()
        if missing:
            reason = f"{name} is not here: {missing}"
            if os.environ.get(REQUIRED):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write a line for each part: how many tests ran on it, or loudly why none did."""
    stats = terminalreporter.stats
    passed = _parts_in(stats.get("passed", []))
    # A part that is required and missing is an error of the test's setup.
    failed = _parts_in([*stats.get("failed", []), *stats.get("error", [])])
    skipped = _parts_in(stats.get("skipped", []))
    if not (passed or failed or skipped):
        return
    terminalreporter.section("AWS's own parts")
    for name, part in PARTS.items():
        if skipped[name]:
            terminalreporter.write_line(
                f"{name}: {skipped[name]} TESTS DID NOT RUN: {part.missing()}",
                yellow=True,
                bold=True,
            )
        elif passed[name] or failed[name]:
            line = f"{name}: {passed[name]} passed, {failed[name]} failed"
            terminalreporter.write_line(line, red=failed[name] > 0)


def _parts_of(item: pytest.Item) -> list[str]:
    return [mark.args[0] for mark in item.iter_markers(PROPERTY)]


def _parts_in(reports: list[Any]) -> Counter[str]:
    return Counter(
        value
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == PROPERTY
    )
