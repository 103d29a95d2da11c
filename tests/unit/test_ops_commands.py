"""What holds for every command of `python -m ops`."""

import subprocess
import sys

import click
import pytest

from ops.__main__ import MODULES
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
