"""Files that are as they should be whenever the machine stops."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# They hold orders: for their owner only.
OWNERS_ONLY = 0o600


def replace(path: Path, content: bytes) -> None:
    """Replace a file. Whenever the machine stops, it is the old one or the new one."""
    new = path.with_name(f"{path.name}.new")
    # One that a killed process has left may be anybody's.
    new.unlink(missing_ok=True)
    append(new, [content])
    new.replace(path)
    _keep_names(path.parent)


def append(path: Path, pieces: Iterable[bytes]) -> int:
    """Append to a file, which is made if there is none, and return how many bytes they were."""
    is_new = not path.exists()
    size = 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, OWNERS_ONLY), "wb") as to:
        for piece in pieces:
            size += to.write(piece)
        to.flush()
        os.fsync(to.fileno())
    if is_new:
        _keep_names(path.parent)
    return size


def _keep_names(folder: Path) -> None:
    """Let a new name in a folder outlast a crash of the machine."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
