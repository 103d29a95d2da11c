"""A plugin of pytest: every test is held to AWS's limits, and what it starts too."""

import os
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ops.local.emulator import Emulator
from tests.aws_limits import layer, ledger
from tests.aws_limits.processes import held

CLEANUP = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Hold this process to the limits, from before the first module with tests is imported."""
    layer.install()
    config.stash[CLEANUP] = cleanup = ExitStack()
    directory = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="aws-limits-")))
    cleanup.enter_context(ledger.opened(directory / "broken"))
    patch = cleanup.enter_context(pytest.MonkeyPatch.context())
    patch.setenv("PYTHONPATH", held(os.environ)["PYTHONPATH"])
    patch.setattr(Emulator, "start", _start_held)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[CLEANUP].close()


_start = Emulator.start


def _start_held(emulator: Emulator, *meanwhile: Callable[[], None]) -> None:
    """Start an emulator whose Lambda holds the functions to the limits."""
    emulator._environment = held(emulator._environment)
    _start(emulator, *meanwhile)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, Any, Any]:
    return (yield from _held())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    return (yield from _held())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    return (yield from _held())


def _held() -> Generator[None, Any, Any]:
    """
    Fail this part of a test if it breaks a limit, whatever becomes of the call that does.

    A process that outlives its test may break one later: then the test after it fails.
    """
    try:
        result = yield
    except BaseException as error:
        if said := _broken_limits():
            error.add_note(said)
        raise
    if said := _broken_limits():
        pytest.fail(said, pytrace=False)
    return result


def _broken_limits() -> str:
    broken = ledger.current().take()
    return "AWS would refuse this:\n" + "\n".join(map(str, broken)) if broken else ""
