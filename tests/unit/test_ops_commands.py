"""What holds for every command of `python -m ops`."""

import re
import subprocess
import sys
from datetime import date

import click
import pytest

from ops.__main__ import MODULES
from ops.commands import session
from tests.builders import START
from tests.ops_commands import all_commands


@pytest.mark.parametrize(("name", "command"), list(all_commands()), ids=str)
def test_every_command_has_help_with_an_example_of_itself(
    name: str, command: click.Command
) -> None:
    assert command.help
    assert f"Example: python -m ops {name}" in (command.epilog or "")


def test_one_command_does_not_wait_for_what_another_needs() -> None:
    script = (
        "import sys; from ops.__main__ import main; "
        "main(['dlq', '--help'], standalone_mode=False); "
        "print({'chalice', 'cfnlint', 'nicegui', 'pyarrow'} & sys.modules.keys())"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "set()"


def test_every_command_is_found_by_its_name() -> None:
    assert set(MODULES) <= {name for name, _ in all_commands()}


@pytest.mark.parametrize(
    ("last_day", "why"),
    [
        (date(2026, 2, 1), "--from 2030-01-01 is after --to 2026-02-01."),
        (None, "--from 2030-01-01 is after --to 2026-03-01 (today in UTC, as none was given)."),
    ],
)
def test_a_period_that_runs_backwards_is_said_with_both_of_its_days(
    last_day: date | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "now", lambda: START)

    with pytest.raises(click.UsageError, match=re.escape(why)):
        session.period(date(2030, 1, 1), last_day)
