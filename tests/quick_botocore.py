"""
Let all sessions share what botocore has read of its own data: a plugin of pytest.

A session reads the descriptions of its services anew, which takes three quarters of the time of
making clients. A program makes one session; the tests make hundreds. botocore completes some of it
in place, the same way each time: the clients of one session share it too. What each event is called
by today, a client finds anew as well, for a hundred events: a twentieth of the time of its tests.
"""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.hooks import EVENT_ALIASES, EventAliaser
from botocore.loaders import JSONFileLoader, Loader

PATCH = pytest.MonkeyPatch()


class SharedFileLoader(JSONFileLoader):
    """Reads each file of botocore's own data once, and the others as botocore does."""

    found: dict[str, Any]

    def load_file(self, path: str) -> Any:
        if not path.startswith(Loader.BUILTIN_DATA_PATH):
            return super().load_file(path)
        if path not in self.found and (content := super().load_file(path)) is not None:
            self.found[path] = content
        return self.found.get(path)


def pytest_configure() -> None:
    """Begin before the first module with tests is imported."""
    SharedFileLoader.found = {}
    make = Loader.__init__
    known: dict[tuple[str, ...], dict[Any, Any]] = {}

    @functools.wraps(make)
    def make_sharing(loader: Loader, *arguments: Any, **options: Any) -> None:
        make(loader, *arguments, **options)
        # Moto's own kind of loader adds to what it reads, which is not for others' clients.
        if type(loader) is Loader:
            loader.file_loader = SharedFileLoader()
            # Each session looks through 400 folders for the names of all services, too.
            vars(loader)["_cache"] = known.setdefault(tuple(loader.search_paths), {})

    PATCH.setattr(Loader, "__init__", make_sharing)
    PATCH.setattr(EventAliaser, "__init__", _sharing_names(EventAliaser.__init__))


def _sharing_names(make: Callable[..., None]) -> Callable[..., None]:
    names: dict[str, str] = {}

    @functools.wraps(make)
    def make_sharing(aliaser: Any, *arguments: Any, **options: Any) -> None:
        make(aliaser, *arguments, **options)
        if vars(aliaser)["_event_aliases"] == EVENT_ALIASES:
            vars(aliaser)["_alias_name_cache"] = names

    return make_sharing
