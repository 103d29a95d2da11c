"""
A copy of the project that is packaged in the checkout's place.

It holds what the package is made of, and nothing that a machine leaves beside it: no bytecode, no
hidden files, no editor's backups, no vendor/ of an earlier day. Packaging changes only the copy.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ops.plain_copy import copy_plainly

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("app.py", "requirements.txt")
LIBRARY = "chalicelib"
CHALICE = ".chalice"
LEFT_OUT = (
    *(".*", "__pycache__", "*.pyc"),
    # Editors, patch and git leave the first ones, a file manager the last.
    *("*~", "#*#", "*.bak", "*.orig", "*.rej", "*.swp", "Thumbs.db", "desktop.ini"),
)
# What Chalice itself keeps there: of deployments, and of earlier packages.
KEPT_BY_CHALICE = ("deployed", "deployments")


def copy_cleanly(project: Path, directory: Path) -> Path:
    """Copy a project into a directory, which it makes."""
    directory.mkdir(parents=True)
    for name in FILES:
        shutil.copyfile(project / name, directory / name)
    for name in (LIBRARY, CHALICE):
        left_out = (*LEFT_OUT, *(KEPT_BY_CHALICE if name == CHALICE else ()))
        copy_plainly(project / name, directory / name, left_out)
    return directory
