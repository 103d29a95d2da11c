"""`make run` says it when what happens can't be kept, and when the last save failed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from ops.cli.commands import main
from ops.local.kept_folder import KeptFolder
from ops.local.kept_state import FAILURE_SUFFIX
from ops.local.run import Saving, after_last_save, explanation
from ops.local.stack import LocalStack
from tests.resources import properties_of_resources

REASON = "OSError: [Errno 28] No space left on device"


@pytest.fixture
def folder(tmp_path: Path) -> KeptFolder:
    with KeptFolder(tmp_path / "kept") as made:
        made.state_file.write_text("state", encoding="utf-8")
        made.mark_ready()
    return KeptFolder(tmp_path / "kept")


def failure_of(folder: KeptFolder) -> Path:
    return Path(f"{folder.state_file}{FAILURE_SUFFIX}")


def fail(folder: KeptFolder) -> None:
    failure_of(folder).write_text(REASON, encoding="utf-8")


def test_a_save_that_fails_is_said_once_and_once_more_when_it_works_again(
    folder: KeptFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    saving = Saving(folder)
    saving.look()
    fail(folder)
    saving.look()
    saving.look()
    failure_of(folder).unlink()
    saving.look()
    saving.look()

    said = capsys.readouterr().err.splitlines()

    failed, works_again = said
    assert failed == (
        f"Error: What happens now can't be kept in {folder.shown} ({REASON}). It goes on, and "
        "tries again after each change."
    )
    assert works_again == f"What happens is kept in {folder.shown} again."


def stopped(folder: KeptFolder | None, exit_code: int) -> Any:
    emulator = SimpleNamespace(
        exit_code=exit_code,
        how_it_ended=lambda: "the AWS emulator ended",
        what_to_do=lambda: "Look at its last words:\nits last words",
    )
    return SimpleNamespace(folder=folder, emulator=emulator)


def test_a_stop_that_saved_all_is_a_success(
    folder: KeptFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert after_last_save(stopped(folder, 0)) == 0
    assert after_last_save(stopped(None, 0)) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [(0, REASON), (-9, "the emulator took longer than 60 s, or was killed")],
)
def test_a_stop_whose_save_failed_says_what_is_lost(
    folder: KeptFolder, capsys: pytest.CaptureFixture[str], exit_code: int, reason: str
) -> None:
    if exit_code == 0:
        fail(folder)

    assert after_last_save(stopped(folder, exit_code)) == 1

    said = capsys.readouterr().err
    assert said.startswith(f"Error: The last save failed ({reason}). Kept in {folder.shown}: ")
    assert "Lost: " in said


def test_the_end_of_the_emulator_says_what_is_lost(folder: KeptFolder) -> None:
    lines = explanation(stopped(folder, -9)).splitlines()

    assert lines[0].startswith(
        f"The AWS emulator ended: stopping everything. Kept in {folder.shown}: everything until 20"
    )
    assert lines[1:] == ["Look at its last words:", "its last words"]


def test_an_emulator_that_was_ended_cleanly_has_kept_all(folder: KeptFolder) -> None:
    assert f"All is kept in {folder.shown}." in explanation(stopped(folder, 0))


@pytest.mark.parametrize(("given", "seconds"), [(None, 360), (5, 5)])
def test_the_stack_knows_when_a_message_comes_back(given: int | None, seconds: int) -> None:
    assert LocalStack(visibility_timeout_seconds=given).visibility_timeout_seconds == seconds


def test_the_help_of_run_names_the_queues_figures_by_the_template() -> None:
    queue = properties_of_resources()["OrdersQueue"]
    figures = queue["VisibilityTimeout"], queue["RedrivePolicy"]["maxReceiveCount"]

    shown = " ".join(CliRunner().invoke(main, ["run", "--help"]).output.split())

    for figure in figures:
        assert f"[default: the template's, {figure}]" in shown
