"""Each command that the program prints can be typed, and goes on where the last one was."""

import shlex
import subprocess
from pathlib import Path
from typing import cast

import boto3
import click
import pytest
from click.testing import CliRunner

from ops.cli.commands import main
from ops.cli.orders import show
from ops.desk.stage import Stage
from ops.local_stage import DEFAULT_AWS_PORT, aws_url_at, start_command
from ops.next_command import chalice_command, make_command, ops_command
from ops.project import PROJECT_ROOT
from tests.commands.grammar import Incomplete, require_typable
from tests.commands.printed import (
    SOURCES,
    TEXTS,
    Printed,
    commands_of,
    made_commands,
    printed_commands,
)
from tests.ops_commands import all_commands

OURS = ("make ", "chalice ", "python -m ops ")
FILES = ("order.json", "order-7b.json")
HOSTILE = ("it's", "a b", "$(id)", "`id`", "x;y", '"', "*", "-x", "ñ", "")
TOLD = (
    "If the command is right, tests/commands/grammar.py must learn of it; else mend the text there."
)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand where the files are that examples name."""
    for name in FILES:
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "source", [*SOURCES, *TEXTS], ids=lambda it: str(it.relative_to(PROJECT_ROOT))
)
def test_a_printed_command_can_be_typed(source: Path) -> None:
    """The commands of a source are found here: every process of tests makes the list of tests."""
    for command in commands_of(source):
        require_typed(command)


def require_typed(command: Printed) -> None:
    try:
        require_typable(command.text)
    except Incomplete:
        assert _is_a_name(command.text), f"{command}: it needs more to be typed. {TOLD}"
    except ValueError as error:
        pytest.fail(f"{command}: {error}. {TOLD}")


def _is_a_name(command: str) -> bool:
    """Tell whether a text names a command, as in "by `make deploy`", with no word to be typed."""
    return not any(word.startswith("-") or "=" in word for word in command.split()[1:])


def test_every_command_of_ours_with_a_value_is_written_in_one_place() -> None:
    """There the value is quoted, and the stage, the port and the project are kept."""
    elsewhere = [each for each in printed_commands() if each.values and each.text.startswith(OURS)]

    assert not elsewhere, (
        f"{', '.join(map(str, elsewhere))}: write it by ops/next_command.py, or Stage.command."
    )


def test_the_source_is_searched() -> None:
    """Each way of printing a command is found: these are the usual ones."""
    assert {"ops/cli/verify.py", "ops/desk/exports.py", "chalicelib/settings.py"} <= {
        each.source for each in printed_commands()
    }
    assert {"ops/local_stage.py", "ops/cli/resources.py", "ops/console/pages/order/page.py"} <= {
        each.source for each in made_commands()
    }


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_one_word_for_a_shell(value: str) -> None:
    asked = ops_command("dlq list", order=value, stage="dev")
    deleted = chalice_command("delete", stage=value, project=Path("/a b"))

    assert shlex.split(asked)[5:7] == ["--order", value]
    shown = shlex.split(ops_command("orders show", value, stage="dev"))
    assert shown[-1 if value.startswith("-") else 5] == value
    assert shlex.split(deleted) == ["chalice", "--project-dir", "/a b", "delete", "--stage", value]


@pytest.mark.parametrize("value", [*HOSTILE, "$HOME", "$$"])
def test_a_value_is_one_word_for_make_and_the_shell_of_its_recipe(
    value: str, tmp_path: Path
) -> None:
    """Make reads a dollar too, before it hands the line to a shell."""
    (tmp_path / "Makefile").write_text("say:\n\t@printf '%s\\n' $(OPTIONS)\n", encoding="utf-8")

    command = make_command("say", OPTIONS=shlex.join(["--folder", value]))

    said = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S602 (as a user's shell runs it)
    assert said.stdout == f"--folder\n{value}\n"


@pytest.mark.parametrize("order_id", ["order-1", "-x", "--", "--json"])
def test_an_argument_is_no_option_whatever_it_begins_with(order_id: str) -> None:
    """An order's id may begin with a hyphen."""
    (_, _, _, *words) = shlex.split(ops_command("orders show", order_id, submission=order_id))

    given = show.make_context("show", words[2:]).params
    assert (given["order_id"], given["submission_id"]) == (order_id, order_id)


def test_a_value_of_zero_is_said() -> None:
    assert ops_command("orders list", limit=0) == "python -m ops orders list --limit 0"


def test_a_command_says_nothing_of_what_is_usual() -> None:
    assert ops_command("destroy", stage="dev", yes=False, project_dir=PROJECT_ROOT) == (
        "python -m ops destroy --stage dev"
    )
    assert chalice_command("deploy", stage="dev") == "chalice deploy --stage dev"
    assert make_command("deploy", STAGE="dev", OPTIONS="") == "make deploy STAGE=dev"
    assert start_command(aws_url_at(DEFAULT_AWS_PORT)) == "make run"


@pytest.mark.parametrize(
    ("name", "port", "ending"),
    [
        ("local", DEFAULT_AWS_PORT, ""),
        ("local", 4567, " --aws-port 4567"),
        ("dev", None, " --stage dev"),
        ("a b", None, " --stage 'a b'"),
    ],
)
def test_a_command_goes_on_with_the_same_stage(name: str, port: int | None, ending: str) -> None:
    url = aws_url_at(port) if port else None
    stage = Stage(name, {}, cast("boto3.Session", None), url)

    assert stage.command("reconcile", repair=True) == f"python -m ops reconcile --repair{ending}"


def test_whoever_asks_at_another_port_is_told_to_start_the_stage_there() -> None:
    done = CliRunner().invoke(main, ["health", "--aws-port", "1"])

    assert done.exit_code == 3
    assert "start the local stage with `make run AWS_PORT=1`" in done.output


@pytest.mark.parametrize(
    ("name", "command"), list(all_commands()), ids=[name for name, _ in all_commands()]
)
def test_help_shows_each_example_whole(name: str, command: click.Command) -> None:
    """A terminal has 80 columns; an example that is broken at its edge can't be pasted."""
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(main, [*name.split(), "--help"]).output

    assert "\\b" not in shown, f"{name}: \\b is a character, which a raw docstring can't hold."
    examples = [line.strip("\b ") for line in (command.epilog or "").splitlines()]
    broken = [line for line in filter(None, examples) if line not in shown]
    assert not broken, f"{broken} of {name}: put \\b on a line of its own before the examples."
