"""The folder of `make run`: locked, recognised, emptied; and each refusal says what to type."""

import errno
import os
import re
import shlex
from functools import partial
from pathlib import Path

import pytest

from ops.cli.local import run as run_command
from ops.cli.port_choice import typed_again
from ops.local import kept_folder
from ops.local.kept_folder import DEFAULT_FOLDER, FolderUnusable, KeptFolder
from ops.local.kept_state import FAILURE_SUFFIX


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Make a folder as a run leaves it."""
    with KeptFolder(tmp_path / "kept") as folder:
        folder.state_file.write_text("state", encoding="utf-8")
        folder.objects.mkdir()
        folder.mark_ready()
    return tmp_path / "kept"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_folder, "LOCK_LIMIT_SECONDS", 0.0)


def refusal(folder: KeptFolder) -> str:
    with pytest.raises(FolderUnusable) as refused, folder:
        pass
    message = str(refused.value)
    assert "\n" not in message
    return message


def options_advised(message: str) -> list[str]:
    """Read the options out of the command at the end of a message, as make and the shell do."""
    command = shlex.split(message[message.index("make run ") :])
    assert command[:2] == ["make", "run"]
    (options,) = command[2:]
    given = shlex.split(options.removeprefix("OPTIONS="))
    # The command takes them.
    assert run_command.make_context("run", list(given))
    return given


def test_the_default_folder_is_in_the_checkout_and_git_ignores_it() -> None:
    ignored = (DEFAULT_FOLDER.parent / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert (DEFAULT_FOLDER.parent / "app.py").exists()
    assert "/.orders-local*/" in ignored
    assert DEFAULT_FOLDER.name == ".orders-local"


def test_make_clean_removes_the_default_folder() -> None:
    makefile = (DEFAULT_FOLDER.parent / "Makefile").read_text(encoding="utf-8")

    (recipe,) = re.findall(r"^clean:.*\n\trm -rf (.*)", makefile, re.MULTILINE)

    assert DEFAULT_FOLDER.name in recipe.split()


def test_a_folder_is_as_the_last_run_has_left_it(whole: Path) -> None:
    with KeptFolder(whole) as folder:
        assert folder.state_file.read_text(encoding="utf-8") == "state"
        assert folder.objects.is_dir()


def test_only_its_owner_reads_it(whole: Path) -> None:
    assert whole.stat().st_mode & 0o077 == 0


def test_fresh_removes_what_a_run_has_put_there_and_nothing_else(whole: Path) -> None:
    (whole / "notes.txt").write_text("mine", encoding="utf-8")

    with KeptFolder(whole, fresh=True) as folder:
        assert not folder.state_file.exists()
        assert not folder.objects.exists()

    assert (whole / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("missing", ["ready", "state"])
def test_what_a_first_start_left_half_done_is_no_state(whole: Path, missing: str) -> None:
    (whole / missing).unlink()

    with KeptFolder(whole) as folder:
        assert not folder.state_file.exists()
        assert not folder.objects.exists()


@pytest.mark.parametrize("fresh", [True, False])
def test_a_folder_of_somebody_else_is_not_touched(tmp_path: Path, *, fresh: bool) -> None:
    (tmp_path / "state").write_text("mine", encoding="utf-8")

    message = refusal(KeptFolder(tmp_path, fresh=fresh))

    assert "has other files in it" in message
    assert options_advised(message) == ["--folder", f"{tmp_path}-2"]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fresh", [True, False])
def test_a_second_run_is_refused_and_changes_nothing(whole: Path, *, fresh: bool) -> None:
    Path(f"{whole}-2").mkdir()

    with KeptFolder(whole):
        message = refusal(KeptFolder(whole, fresh=fresh))

    assert message.startswith(f"Another `make run` keeps its state in {whole}.")
    assert options_advised(message) == ["--folder", f"{whole}-3"]
    assert (whole / "state").exists()


def test_a_folder_stays_locked_while_its_emulator_saves(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_folder, "LOCK_LIMIT_SECONDS", 0.0)
    with KeptFolder(whole) as folder:
        held_by_emulator = os.dup(folder.lock)

    refusal(KeptFolder(whole))
    os.close(held_by_emulator)

    with KeptFolder(whole):
        pass


def test_a_place_that_cannot_be_written_is_refused_with_one_that_can(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    message = refusal(KeptFolder(tmp_path / "file" / "kept"))

    assert "Not a directory" in message
    (_, folder) = options_advised(message)
    assert os.access(Path(folder).parent, os.W_OK)


def test_a_file_system_without_locks_is_refused_too(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)

    assert "(No locks available)" in refusal(KeptFolder(whole))


def test_a_folder_with_spaces_is_quoted_for_make_and_the_shell(tmp_path: Path) -> None:
    folder = KeptFolder(tmp_path / "two words")

    assert options_advised(folder.fresh_command) == [
        "--fresh",
        "--folder",
        str(tmp_path / "two words"),
    ]


@pytest.mark.parametrize("from_make", [True, False])
def test_the_command_that_starts_empty_is_the_one_that_was_typed(
    tmp_path: Path, *, from_make: bool
) -> None:
    """Without its callers, its events and its ports the system would be another one."""
    table = "web=arn:aws:iam::111122223333:role/web reader=arn:aws:iam::111122223333:user/me"
    typed = ["--events", "sns", "--principals", table, "--port", "8080", "--folder", str(tmp_path)]
    flag = ["--from-make"] if from_make else []
    context = run_command.make_context("run", [*typed, *flag])

    command = KeptFolder(tmp_path, typed_again=partial(typed_again, context)).fresh_command

    options = ["--fresh", "--folder", str(tmp_path), "--events", "sns", "--principals", table]
    assert shlex.split(command) == (
        ["make", "run", "PORT=8080", f"OPTIONS={shlex.join(options)}"]
        if from_make
        else ["python", "-m", "ops", "run", "--port", "8080", *options]
    )


def test_the_default_folder_needs_no_name_in_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DEFAULT_FOLDER.parent)

    assert KeptFolder(DEFAULT_FOLDER).fresh_command == "make run OPTIONS=--fresh"
    assert KeptFolder(DEFAULT_FOLDER).shown == ".orders-local"


def test_a_state_that_is_unreadable_gets_the_reason_and_both_ways_out(tmp_path: Path) -> None:
    message = str(KeptFolder(tmp_path / "kept").unreadable("EOFError: Ran out of input"))

    assert "(EOFError: Ran out of input)" in message
    assert "Move the folder away" in message
    assert options_advised(message)[0] == "--fresh"


def test_what_is_lost_is_what_came_after_the_last_save(whole: Path) -> None:
    os.utime(whole / "state", (1_795_690_000, 1_795_690_000))

    assert KeptFolder(whole).what_is_lost == (
        f"Kept in {whole}: everything until 2026-11-26T10:46:40Z. Lost: the records, messages and "
        "dead letters of later."
    )


def test_before_the_first_save_all_is_lost(tmp_path: Path) -> None:
    with KeptFolder(tmp_path / "kept") as folder:
        assert "Nothing was kept" in folder.what_is_lost


def test_a_save_that_failed_is_known_until_one_succeeds(whole: Path) -> None:
    folder = KeptFolder(whole)
    failure = Path(f"{folder.state_file}{FAILURE_SUFFIX}")
    assert folder.failure is None

    failure.write_text("OSError: disk full", encoding="utf-8")

    assert folder.failure == "OSError: disk full"
    with folder:
        # An earlier run's failure is none of the next one's.
        assert folder.failure is None
