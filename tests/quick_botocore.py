"""
Let all sessions share what botocore has read of its own data: a plugin of pytest.

A session reads the descriptions of its services anew, which takes three quarters of the time of
making clients. A program makes one session; the tests make hundreds. botocore completes some of it
in place, the same way each time: the clients of one session share it too.
"""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, Loader

PATCH = pytest.MonkeyPatch()


def pytest_configure() -> None:
    """Begin before the first module with tests is imported."""
    PATCH.setattr(JSONFileLoader, "load_file", _reading_once(JSONFileLoader.load_file))


def _reading_once(read: Callable[..., Any]) -> Callable[..., Any]:
    found: dict[str, Any] = {}

    def load_file(loader: JSONFileLoader, path: str) -> Any:
        if not path.startswith(Loader.BUILTIN_DATA_PATH):
            return read(loader, path)
        if path not in found and (content := read(loader, path)) is not None:
            found[path] = content
        return found.get(path)

    return load_file
