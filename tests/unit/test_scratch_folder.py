"""The temporary folder of `make run`: what a killed one has left goes, and nothing else."""

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from ops.local import scratch_folder
from ops.local.kept_folder import KeptFolder, _writable
from ops.local.scratch_folder import LOCK, PREFIX, ScratchFolder
from ops.project import PROJECT_ROOT

# Holds a folder until it is killed; so does the process that it has started.
HOLDER = """
import subprocess, sys, time
from ops.local.scratch_folder import ScratchFolder

with ScratchFolder() as folder:
    command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
    child = subprocess.Popen(command, pass_fds=[folder.lock], stdout=subprocess.PIPE)
    child.stdout.readline()
    print(folder.path, child.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(temporary: Path, name: str = "left") -> Path:
    """Make a folder as a killed run leaves it."""
    folder = temporary / f"{PREFIX}{name}"
    folder.mkdir()
    (folder / LOCK).touch()
    (folder / "ministack-4566.pid").write_text("1", encoding="utf-8")
    return folder


def test_a_folder_goes_with_its_run() -> None:
    with ScratchFolder() as folder:
        (folder.path / "file").touch()

    assert not folder.path.exists()


def test_the_next_run_takes_away_what_no_process_holds(temporary: Path) -> None:
    left = left_behind(temporary)

    with ScratchFolder():
        assert not left.exists()


def test_a_folder_is_left_alone_until_the_last_process_that_holds_it_has_ended(
    temporary: Path,
) -> None:
    """The emulator of a killed `make run` still saves for a moment."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=PROJECT_ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    path, child = holder.stdout.readline().split()
    try:
        while_both_run = exists_after_another_run(path)
        holder.kill()
        holder.wait()
        while_the_child_runs = exists_after_another_run(path)
    finally:
        os.kill(int(child), 9)
        # Its end closes the pipe.
        holder.stdout.read()
        holder.stdout.close()

    assert (while_both_run, while_the_child_runs) == (True, True)
    wait_until_free(Path(path))
    assert not exists_after_another_run(path)


def exists_after_another_run(path: str) -> bool:
    with ScratchFolder():
        return Path(path).exists()


def wait_until_free(folder: Path) -> None:
    """Wait for the lock, as no run does."""
    with (folder / LOCK).open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def test_nothing_of_another_user_and_no_link_is_taken_away(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / LOCK).touch()
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    others = left_behind(temporary, "others")
    me = SimpleNamespace(**{**vars(os), "geteuid": lambda: os.geteuid() + 1})

    with ScratchFolder():
        assert elsewhere.exists()
    left = left_behind(temporary)
    monkeypatch.setattr(scratch_folder, "os", me)
    scratch_folder.remove_what_is_left()

    assert left.exists()
    assert not others.exists()


@pytest.mark.parametrize("name", ["orders-local", "orders-local-2", f"{PREFIX}mine"])
def test_a_kept_state_is_never_taken_away(temporary: Path, name: str) -> None:
    """Even under such a name: it has no lock of a scratch folder."""
    with KeptFolder(temporary / name) as kept:
        kept.mark_ready()

    with ScratchFolder():
        assert (temporary / name / "ready").exists()
    assert not _writable().startswith(str(temporary / PREFIX))


def test_a_folder_that_was_taken_before_it_was_locked_is_made_anew(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Path] = []

    def flock(_lock: int, _how: int) -> None:
        if not taken:
            (first,) = temporary.glob(f"{PREFIX}*")
            (first / LOCK).unlink()
            taken.append(first)

    locking = SimpleNamespace(**{**vars(fcntl), "flock": flock})
    monkeypatch.setattr(scratch_folder, "fcntl", locking)

    with ScratchFolder() as folder:
        assert folder.path not in taken
        assert (folder.path / LOCK).exists()
