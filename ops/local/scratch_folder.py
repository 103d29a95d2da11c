"""The temporary folder of one `make run`: the next one takes away what a killed one has left."""

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

# No kept state has such a name: the folders that `make run` advises are named orders-local.
PREFIX = "orders-scratch-"
LOCK = "make-run.lock"


class ScratchFolder:
    """
    A folder in the system's temporary one, for as long as the `with` block lasts.

    It is locked meanwhile, and whoever gets `lock` holds the lock too. The kernel gives the lock
    back when the last of them has ended, however: a folder whose lock is free is nobody's any more.
    """

    path: Path
    lock: int

    def __enter__(self) -> Self:
        remove_what_is_left()
        self.path, self.lock = _locked_folder()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def remove_what_is_left() -> None:
    """Remove the scratch folders of this user that no running process holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        # What can't be looked at or removed is no reason not to start.
        with suppress(OSError):
            if _is_own(folder):
                _remove_if_free(folder)


def _is_own(folder: Path) -> bool:
    """Tell whether this user has made it: in a shared folder, a link may lead anywhere."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _remove_if_free(folder: Path) -> None:
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _locked_folder() -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (path / LOCK).exists():
            return path, lock
        # Another one took it for left behind, before it was locked.
        os.close(lock)
