"""Commands of this checkout that begin quicker: see tests/commands/warm.py."""

import os
from collections.abc import Iterator

import pytest

from ops.project import PROJECT_ROOT
from tests.commands.warm import warm_ops


@pytest.fixture(scope="session")
def ops() -> Iterator[list[str]]:
    """Return the words that a test begins a command with, in place of `python -m ops`."""
    with warm_ops(PROJECT_ROOT, os.environ) as ops:
        yield ops
