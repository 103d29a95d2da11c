"""docs/operators.md: the commands that it shows can be typed."""

import re
import shlex
from pathlib import Path

import click
import pytest

from ops.__main__ import main
from tests.ops_commands import subcommand

GUIDE = Path("docs/operators.md")
SHOWN = re.findall(r"^\$ python -m ops (.*)$", GUIDE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_of_the_guide_can_be_typed(line: str) -> None:
    command: click.Command = main
    arguments = shlex.split(line)
    while isinstance(command, click.Group):
        command = subcommand(command, arguments.pop(0))

    command.make_context(line, arguments)


def test_the_guide_shows_every_operators_command() -> None:
    shown = {" ".join(line.split()[:2]) for line in SHOWN}
    names = {name.split()[0] for name in shown}

    assert {
        "health",
        "stats",
        "audit",
        "reconcile",
        "replay",
        "duplicates",
        "rejects",
        "verify",
    } <= names
    assert {f"dlq {name}" for name in ("list", "show", "redrive", "resubmit", "discard")} <= shown
    assert "events tail" in shown
    orders = {f"orders {name}" for name in ("submit", "show", "list", "tail", "export")}
    assert orders <= shown
