"""Fixtures of the simulation's tests: their tally, and their speed."""

import gc
import sys
from collections.abc import Iterator

import pytest

from tests.simulation.tally import TALLY, Tally


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Return the tally that tests add to."""
    return request.config.stash[TALLY]


@pytest.fixture(autouse=True)
def _at_full_speed() -> Iterator[None]:
    """
    Neither look for cycles, which the millions of values don't form, nor measure coverage.

    Each takes a third of the time. The code under test is covered by its unit tests.
    """
    tracer = sys.gettrace()
    gc.disable()
    sys.settrace(None)
    yield
    sys.settrace(tracer)
    gc.enable()
