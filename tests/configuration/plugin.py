"""A plugin of pytest: no test reads the checkout's `.chalice` but those that judge it."""

import os
from collections.abc import Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ops.project import CONFIG, PROJECT_ROOT
from tests.configuration import guard
from tests.configuration.checkout import stages_of_checkout

MARK = "any_configuration"
# A test that takes it runs for each deployed stage of the checkout.
FIXTURE = "checkout_stage"
# Tests as users write them, and theirs, may read what is configured: all have the mark.
TESTS = PROJECT_ROOT / "tests"
FOLDERS_OF_USERS = (TESTS, TESTS / "examples")


def pytest_configure() -> None:
    """Guard this process, from before the first module with tests is imported."""
    guard.install()
    os.environ[guard.FORBIDDEN] = str((PROJECT_ROOT / CONFIG).parent)


def pytest_unconfigure() -> None:
    os.environ.pop(guard.FORBIDDEN, None)


def may_read_checkout(file: Path) -> bool:
    """Tell whether all tests of a file have the mark, by its place."""
    return file.parent in FOLDERS_OF_USERS


def pytest_itemcollected(item: pytest.Item) -> None:
    if may_read_checkout(item.path):
        item.add_marker(MARK)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    with guard.lifted() if item.get_closest_marker(MARK) else nullcontext():
        return (yield)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if FIXTURE not in metafunc.fixturenames:
        return
    if not metafunc.definition.get_closest_marker(MARK):
        pytest.fail(f"{metafunc.definition.nodeid} needs the mark {MARK}", pytrace=False)
    stages = stages_of_checkout()
    metafunc.parametrize(FIXTURE, stages, ids=[stage.name for stage in stages])
