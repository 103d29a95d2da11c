"""The commands of `python -m ops`, as tests walk them."""

from collections.abc import Iterator

import click

from ops.cli.commands import main


def all_commands(group: click.Group = main, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command and group, by what is typed for it."""
    for name in group.list_commands(click.Context(group)):
        command = subcommand(group, name)
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{path}{name} ")
        yield f"{path}{name}", command


def subcommand(group: click.Group, name: str) -> click.Command:
    """Find the command of a group by its name."""
    command = group.get_command(click.Context(group), name)
    assert command, name
    return command
