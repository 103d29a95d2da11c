"""Work on modules when they are imported: a process that needs none of them does not load them."""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Work = Callable[[ModuleType], None]


class _Finder(MetaPathFinder):
    """Finds the modules that there is work on, with the other finders, and does it afterwards."""

    def __init__(self) -> None:
        self.work: dict[str, Work] = {}

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        work = self.work.pop(fullname, None)
        if work is None:
            return None
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            spec.loader.exec_module = _with_work(  # type: ignore[method-assign,assignment]
                spec.loader.exec_module, work
            )
        return spec


def _with_work(execute: Work, work: Work) -> Work:
    def execute_and_work(module: ModuleType) -> None:
        execute(module)
        work(module)

    return execute_and_work


_FINDER = _Finder()


def after_import(name: str, work: Work) -> None:
    """Work on a module as soon as it is imported, or at once if it is already."""
    if name in sys.modules:
        work(sys.modules[name])
        return
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    _FINDER.work[name] = work
