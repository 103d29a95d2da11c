"""The folder that `make run` keeps its state in: one run at a time, and no one else's files."""

import fcntl
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from ops.local.kept_state import FAILURE_SUFFIX
from ops.next_command import make_command, option_words
from ops.project import PROJECT_ROOT

DEFAULT_FOLDER = PROJECT_ROOT / ".orders-local"
# The mark by which the folder is known to be ours, and may be emptied.
MARK = "made-by-make-run.txt"
MARK_TEXT = """\
`make run` keeps in this folder what it was given: orders, records, messages, dead letters.
`make run OPTIONS=--fresh` empties it, and so does `make clean`.
"""
# An emulator whose `make run` was killed still saves, for a moment.
LOCK_LIMIT_SECONDS = 2.0


def _make_run(options: Mapping[str, object]) -> str:
    words = [word for name, value in options.items() for word in option_words(name, value)]
    return make_command("run", OPTIONS=shlex.join(words))


class FolderUnusable(Exception):
    """Nothing can be kept in the folder; the message is one line, with what to type."""


class KeptFolder:
    """
    The folder of one run, for as long as the `with` block lasts.

    It is locked meanwhile. The emulator holds the lock too, so that nobody else gets the folder
    before the emulator has saved, however `make run` ended.
    """

    lock: int

    def __init__(
        self,
        path: Path,
        *,
        fresh: bool = False,
        typed_again: Callable[[Mapping[str, object]], str] = _make_run,
    ) -> None:
        """
        `fresh` removes what is kept there.

        `typed_again` writes the command that was typed, but with other values of its options.
        """
        self.path = path.expanduser().absolute()
        self._fresh = fresh
        self._typed_again = typed_again
        self._mark = self.path / MARK
        self._ready = self.path / "ready"
        # The state of all services but the objects in S3, which are files from the beginning.
        self.state_file = self.path / "state"
        self._failure = self.path / f"state{FAILURE_SUFFIX}"
        self.objects = self.path / "s3"
        # The code of deployed functions.
        self.blobs = self.path / "blobs"
        self.emulator_log = self.path / "emulator.log"

    def __enter__(self) -> Self:
        try:
            self._open()
        except OSError as error:
            raise FolderUnusable(
                f"Nothing can be kept in {self.shown} ({error.strerror}). Choose another folder: "
                f"{self._typed_again({'folder': _writable()})}"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.lock)

    @property
    def shown(self) -> str:
        """The folder as people read and type it."""
        with suppress(ValueError):
            return str(self.path.relative_to(Path.cwd()))
        return str(self.path)

    @property
    def shown_log(self) -> str:
        """The emulator's log as people read and type it."""
        return str(Path(self.shown) / self.emulator_log.name)

    @property
    def is_default(self) -> bool:
        return self.path == DEFAULT_FOLDER

    @property
    def fresh_command(self) -> str:
        """The command that starts empty."""
        folder = {} if self.is_default else {"folder": self.shown}
        return self._typed_again({"fresh": True, **folder})

    def mark_ready(self) -> None:
        """Say that there are resources now. What a first start left half-done is no state."""
        self._ready.touch()

    @property
    def failure(self) -> str | None:
        """Why the last attempt to save failed; None if it didn't."""
        with suppress(FileNotFoundError):
            return self._failure.read_text(encoding="utf-8")
        return None

    @property
    def what_is_lost(self) -> str:
        """The sentence about what is lost if nothing more can be saved."""
        with suppress(FileNotFoundError):
            saved = datetime.fromtimestamp(self.state_file.stat().st_mtime, UTC)
            return (
                f"Kept in {self.shown}: everything until {saved:%Y-%m-%dT%H:%M:%SZ}. Lost: the "
                "records, messages and dead letters of later."
            )
        return f"Nothing was kept in {self.shown} yet: all is lost."

    def unreadable(self, reason: str) -> FolderUnusable:
        """Make the error of a state that the emulator can't take up."""
        return FolderUnusable(
            f"What is kept in {self.shown} can't be read ({reason}). Move the folder away, or "
            f"remove what is in it: {self.fresh_command}"
        )

    def _open(self) -> None:
        self._require_ours()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._mark.write_text(MARK_TEXT, encoding="utf-8")
        self.lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take_lock()
            if self._fresh or not self._is_whole():
                self._empty()
            # They tell of an earlier run.
            self._failure.unlink(missing_ok=True)
            self.emulator_log.unlink(missing_ok=True)
        except BaseException:
            os.close(self.lock)
            raise

    def _require_ours(self) -> None:
        """Refuse a folder in which something else is."""
        if self._mark.is_file() or not self.path.is_dir() or not any(self.path.iterdir()):
            return
        raise FolderUnusable(
            f"{self.shown} has other files in it, not those of `make run`: nothing was changed. "
            f"Choose another folder: {self._typed_again({'folder': self._free_name()})}"
        )

    def _take_lock(self) -> None:
        deadline = time.monotonic() + LOCK_LIMIT_SECONDS
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            else:
                return
        raise FolderUnusable(
            f"Another `make run` keeps its state in {self.shown}. Stop it, or start one beside it: "
            f"{self._typed_again({'folder': self._free_name()})}"
        )

    def _is_whole(self) -> bool:
        return self._ready.exists() and self.state_file.exists()

    def _empty(self) -> None:
        """Remove what a run has put there, and nothing else."""
        for file in (self._ready, *self.path.glob(f"{self.state_file.name}*")):
            file.unlink(missing_ok=True)
        for directory in (self.objects, self.blobs):
            if directory.exists():
                shutil.rmtree(directory)

    def _free_name(self) -> str:
        number = 2
        while (free := Path(f"{self.path}-{number}")).exists():
            number += 1
        return KeptFolder(free).shown


def _writable() -> str:
    """Name a folder that can be written on every machine."""
    return str(Path(tempfile.gettempdir()) / "orders-local")
