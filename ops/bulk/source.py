"""The file of orders itself: one process at a time, and the same bytes to the end."""

from __future__ import annotations

import fcntl
import hashlib
import os
from typing import IO, TYPE_CHECKING, NamedTuple, Self

from ops.bulk.problems import FileBusy, FileChanged

if TYPE_CHECKING:
    from pathlib import Path

PIECE_BYTES = 1024 * 1024


class Content(NamedTuple):
    """The content of a file: its digest, its size, and how many lines it has, blank ones too."""

    sha256: str
    size: int
    lines: int


class Source:
    """A file that is read to its end, and locked for as long as the `with` block lasts."""

    file: IO[bytes]
    content: Content

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        self.file = _opened(self.path)
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._as_opened = self._stamp()
            self.content = self._read_content()
        except BlockingIOError as error:
            self.file.close()
            raise FileBusy(f"Another process hands {self.path} in.") from error
        except BaseException:
            self.file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def require_unchanged(self) -> None:
        """
        Check that the file is still the one that was opened, under its name too.

        Raises:
            FileChanged: it is not.
        """
        if self._stamp() != self._as_opened:
            raise FileChanged(f"{self.path} was changed while it was handed in.")

    def _stamp(self) -> tuple[int, ...]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return ()
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    def _read_content(self) -> Content:
        digest, size, lines, last = hashlib.sha256(), 0, 0, b"\n"
        while piece := self.file.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            lines += piece.count(b"\n")
            last = piece[-1:]
        return Content(digest.hexdigest(), size, lines + (last != b"\n"))


def _opened(path: Path) -> IO[bytes]:
    """Open a file to read it. On NFS only a file that could be written to can be locked."""
    try:
        return os.fdopen(os.open(path, os.O_RDWR), "rb")
    except OSError:
        return path.open("rb")
