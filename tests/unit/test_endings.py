"""A part of `make run` that has ended says how, which lines have the reason, and what to do."""

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ops.local.emulator import Emulator
from ops.local.endings import advice, how_it_ended
from ops.local.kept_folder import KeptFolder
from ops.local.processes import OpsProcess, ProcessFailed
from ops.local.run import after_last_save
from ops.ports import free_port

LIMIT_SECONDS = 30.0
OTHER_LIBRARIES = "rm -r .venv-aws"
MEMORY = "the machine was short of memory"


@pytest.mark.parametrize(
    ("exit_code", "how", "what_to_do"),
    [
        (1, "ended with exit code 1", "Its own lines above say why."),
        (0, "ended with exit code 0", "Another program asked it to stop."),
        (-9, "was ended by signal SIGKILL", MEMORY),
        (-15, "was ended by signal SIGTERM", "Another program asked it to stop."),
        (-2, "was ended by signal SIGINT", "Another program asked it to stop."),
        (-11, "was ended by signal SIGSEGV", "Python or one of its libraries is at fault"),
        (-40, "was ended by signal 40", "Its own lines above say why."),
    ],
)
def test_each_ending_is_told_with_what_to_do(exit_code: int, how: str, what_to_do: str) -> None:
    assert how_it_ended("the worker", exit_code) == f"the worker {how}"
    assert what_to_do in advice(exit_code, lines="above", environment=".venv")


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("raise SystemExit(3)", ["ended with exit code 3. Its own lines in {output} say why."]),
        ("import os; os.kill(os.getpid(), 9)", ["was ended by signal SIGKILL. ", MEMORY]),
        (
            "import time; time.sleep(60)",
            ["was not ready within 0.5 s. The machine may be too busy", "in {output}"],
        ),
    ],
)
def test_a_program_that_does_not_start_says_what_to_do(
    tmp_path: Path, program: str, told: list[str]
) -> None:
    (tmp_path / "ops.py").write_text(program, encoding="utf-8")
    output = tmp_path / "output"
    child = OpsProcess("the API", [], environment={}, directory=tmp_path, output=output)
    child.start()

    with pytest.raises(ProcessFailed) as failed:
        child.wait_until_ready(0.5 if "sleep" in program else LIMIT_SECONDS)

    child.stop(LIMIT_SECONDS)
    for text in told:
        assert text.format(output=output) in str(failed.value)


def python_that(tmp_path: Path, does: str) -> Path:
    """Write what stands in for the emulator's Python."""
    python, program = tmp_path / "python", f"import os, signal, sys\n{does}"
    # By a shell: no path with a space can stand in the first line.
    command = shlex.join([sys.executable, "-c", program])
    python.write_text(f"#!/bin/sh\nexec {command}\n", encoding="utf-8")
    python.chmod(0o700)
    return python


def failure_of_emulator(tmp_path: Path, does: str, folder: KeptFolder | None = None) -> str:
    emulator = Emulator(free_port(), tmp_path, python_that(tmp_path, does), folder)
    with pytest.raises(ProcessFailed) as failed:
        emulator.start()
    return str(failed.value)


def test_an_emulator_that_ends_without_a_word_says_what_to_look_at(tmp_path: Path) -> None:
    said = failure_of_emulator(tmp_path, "sys.exit(1)")

    assert said.startswith("the AWS emulator ended with exit code 1. It wrote nothing into its log")
    assert "is the disk full?" in said
    assert OTHER_LIBRARIES in said
    assert not said.endswith((":", "\n"))


def test_an_emulator_that_ends_shows_its_last_lines_and_keeps_them_in_the_folder(
    tmp_path: Path,
) -> None:
    with KeptFolder(tmp_path / "kept") as folder:
        said = failure_of_emulator(tmp_path, "print('no sockets'); sys.exit(1)", folder)

    log = tmp_path / "kept" / "emulator.log"
    assert f"exit code 1. Its own lines say why, the last ones here and all in {log}:\n" in said
    assert said.endswith("\nno sockets")
    assert log.read_text(encoding="utf-8") == "no sockets\n"


def test_a_log_in_the_folder_is_the_last_runs_alone(tmp_path: Path) -> None:
    with KeptFolder(tmp_path / "kept") as folder:
        folder.emulator_log.write_text("of an earlier run", encoding="utf-8")

    with KeptFolder(tmp_path / "kept") as folder:
        assert not folder.emulator_log.exists()


def test_an_emulator_that_is_killed_at_its_start_says_that_memory_may_be_short(
    tmp_path: Path,
) -> None:
    said = failure_of_emulator(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")

    assert said.startswith("the AWS emulator was ended by signal SIGKILL. ")
    assert MEMORY in said


def stopped(folder: KeptFolder, exit_code: int) -> Any:
    emulator = SimpleNamespace(
        exit_code=exit_code, how_it_ended=lambda: how_it_ended("the AWS emulator", exit_code)
    )
    return SimpleNamespace(folder=folder, emulator=emulator)


def test_a_last_save_that_failed_says_how_the_emulator_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that has crashed has not taken too long."""
    folder = KeptFolder(tmp_path / "kept")

    assert after_last_save(stopped(folder, 1)) == 1

    said = capsys.readouterr().err
    assert "The last save failed (the AWS emulator ended with exit code 1; " in said
    assert f"{folder.shown}/emulator.log" in said
