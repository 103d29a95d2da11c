"""
The broken limits of a test, in a file: processes that the test starts write there too.

An environment variable names the file, so that they inherit it.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# `ops` gives its children no variable that begins with AWS_ or ORDERS_.
FILE = "TESTS_AWS_LIMITS_FILE"


class Broken(NamedTuple):
    """A limit that was broken, by one call."""

    rule: str
    problem: str
    call: str
    source: str
    process: int

    def __str__(self) -> str:
        return (
            f"{self.rule}: {self.problem} in {self.call} of process {self.process} ({self.source})"
        )


class Ledger:
    """The file, and how far this process has read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0

    def take(self) -> list[Broken]:
        """Return what was written since the last time."""
        # Nothing is the usual case, in every test.
        if not self.path.exists() or self.path.stat().st_size == self._read:
            return []
        with self.path.open("rb") as file:
            file.seek(self._read)
            lines = file.read()
        self._read += len(lines)
        return [Broken(*json.loads(line)) for line in lines.splitlines()]

    def put_back(self, broken: list[Broken]) -> None:
        """Write what somebody else has to see."""
        for each in broken:
            _append(self.path, each)


def write(rule: str, problem: str, call: str, source: str) -> None:
    """Write a broken limit, if a test waits for it."""
    if path := os.environ.get(FILE):
        _append(Path(path), Broken(rule, problem, call, source, os.getpid()))


def _append(path: Path, broken: Broken) -> None:
    # One write: lines of several processes don't mix.
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(broken).encode() + b"\n")


def current() -> Ledger:
    """Return the ledger of this test run."""
    return _CURRENT[-1]


_CURRENT: list[Ledger] = []


@contextmanager
def opened(path: Path) -> Iterator[Ledger]:
    """Keep the ledger in a file, for this process and those that it starts."""
    _CURRENT.append(ledger := Ledger(path))
    before = os.environ.get(FILE)
    os.environ[FILE] = str(path)
    try:
        yield ledger
    finally:
        _CURRENT.pop()
        if before is None:
            del os.environ[FILE]
        else:
            os.environ[FILE] = before


@contextmanager
def expected(rule: str) -> Iterator[list[Broken]]:
    """
    Break a limit on purpose: the rule has to be broken in the `with` block.

    What breaks others still fails the test. The list is filled at the block's end.
    """
    ledger = current()
    before = ledger.take()
    found: list[Broken] = []
    try:
        yield found
    finally:
        since = ledger.take()
        found += [each for each in since if each.rule == rule]
        ledger.put_back([*before, *(each for each in since if each.rule != rule)])
    assert found, f"AWS would have taken it: {rule}"
