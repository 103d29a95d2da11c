"""The examples are what a user writes, with the checkout's own configuration."""

from pathlib import Path

import pytest

from tests.configuration.plugin import MARK

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them from here, so that README can show such a file as it is."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(MARK)
