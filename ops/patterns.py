"""The regular expressions of a package, compiled while it is made: see `compiled_patterns.py`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from ops.bytecode import ISOLATED

if TYPE_CHECKING:
    from pathlib import Path

# Run with the package's root as its argument. `re` has cached what the imports have compiled: each
# is compiled once more, to see what the engine is given for it.
RECORD = """
import sys
sys.path.insert(0, sys.argv[1])
import app
import _sre, re
from chalicelib.compiled_patterns import engine

def as_text(pattern, all_flags, code, groups, names, indexes):
    numbers = tuple(map(int, code))
    parts = (pattern, flags, int(all_flags), numbers, groups, tuple(names.items()), tuple(indexes))
    print(f"    {parts!r},")

cached = [key for key in re._cache if key[0] is type(key[1])]
re.purge()
_sre.compile = as_text
print('"' * 3 + "Made by ops/patterns.py for chalicelib/compiled_patterns.py." + '"' * 3)
print(f"ENGINE = {engine()!r}")
print("PATTERNS = (")
for _, pattern, flags in cached:
    re.compile(pattern, flags)
print(")")
"""


class NotRecorded(Exception):
    """The app of a package can't be imported by itself: the message says why."""


def patterns_of(tree: Path) -> str:
    """
    Write the module of the patterns that a package compiles when its app is imported.

    Like bytecode, it depends on the sources and the Python only: the app is imported without any
    variable of the environment.

    Raises:
        NotRecorded: the app can't be imported so.
    """
    done = subprocess.run(  # noqa: S603 (the command is ours)
        [sys.executable, *ISOLATED, "-B", "-c", RECORD, str(tree)],
        env={},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise NotRecorded(done.stderr.strip().rpartition("\n")[2])
    return done.stdout
