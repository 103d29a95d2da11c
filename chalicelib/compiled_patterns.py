"""
Regular expressions that are compiled while the package is made, not at each cold start.

All modules together compile 140 of them when they are imported: 10% of the CPU of a cold start.
Bytecode keeps everything else that a module is made of, but no pattern. So ops/patterns.py writes a
module into vendor/ that has their code, and this puts it where `re` looks first. Without vendor/,
or with another engine than it was made for, each pattern is compiled as ever.
"""

import _sre  # type: ignore[import-not-found]
import re
import sys
from importlib import import_module
from typing import Any

# What is used of `re` is Python's own and may change, and a file may be damaged.
UNUSABLE = (
    *(ImportError, SyntaxError, AttributeError, TypeError, ValueError, OverflowError),
    # Code that the engine refuses.
    RuntimeError,
)
# The module in vendor/: ENGINE, and PATTERNS with the arguments of `_sre.compile` for each.
MODULE = "patterns_of_package"


def engine() -> tuple[Any, ...]:
    """Tell all that the code of a pattern depends on; MAGIC changes whenever its form does."""
    return sys.implementation.cache_tag, _sre.MAGIC, _sre.CODESIZE, sys.byteorder


def use_compiled_patterns(name: str = MODULE) -> int:
    """Let `re` find the patterns that a module has compiled; return how many it took over."""
    try:
        module = import_module(name)
        if engine() != module.ENGINE:
            return 0
        patterns = {
            (type(pattern), pattern, flags): _sre.compile(
                pattern, all_flags, list(code), groups, dict(names), tuple(indexes)
            )
            for pattern, flags, all_flags, code, groups, names, indexes in module.PATTERNS
        }
        re._cache.update(patterns)  # type: ignore[attr-defined]  # noqa: SLF001
    except UNUSABLE:
        return 0
    return len(patterns)
