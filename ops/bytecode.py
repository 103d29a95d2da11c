"""Bytecode that depends on the sources and the Python only, not on the machine that makes it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What a process has loaded shows in the bytecode that it makes. So this one reads no variable of
# the environment, no site-packages and no locale, whatever the machine has of them.
ISOLATED = ("-I", "-S", "-X", "utf8")


class NotCompiled(Exception):
    """A module is no Python: the message says which, and why."""


def compile_tree(tree: Path) -> None:
    """
    Compile every module below a directory, each into the `__pycache__` beside it.

    The bytecode names its source relative to the directory, and holds the hash of its source:
    Python ignores it once they differ.

    Raises:
        NotCompiled: one can't be compiled.
    """
    done = subprocess.run(  # noqa: S603 (the command is ours)
        [
            *(sys.executable, *ISOLATED, "-m", "compileall", "-q", "-f"),
            *("--invalidation-mode", "checked-hash", "-s", str(tree), str(tree)),
        ],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
        raise NotCompiled(" ".join(line for line in lines if not line.startswith("***")))
