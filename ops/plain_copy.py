"""Copies of directories: nothing is kept of the modes and times of the source."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path


def copy_plainly(source: Path, target: Path, left_out: tuple[str, ...]) -> None:
    """
    Copy a directory without what these patterns match.

    A checkout or an environment may be one that nobody can write to, or have times before 1980,
    which no zip can hold. The copy has neither.
    """
    ignored = shutil.ignore_patterns(*left_out)
    shutil.copytree(source, target, ignore=ignored, copy_function=shutil.copyfile)
    # Of directories copytree copies the modes in any case.
    for path, _, _ in os.walk(target):
        Path(path).chmod(stat.S_IRWXU)
