"""The ports of a command: those that are asked for, or else the next free ones."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import click
from click.core import ParameterSource

from ops.console import DEFAULT_PORT as DEFAULT_CONSOLE_PORT
from ops.local_stage import DEFAULT_AWS_PORT
from ops.next_command import make_command, ops_command, option_words
from ops.ports import PortUnavailable, next_free_port, require_free

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

DEFAULT_API_PORT = 8000
# Set by `make run`: who typed that is told what to type in make's words.
from_make_option = click.option("--from-make", is_flag=True, hidden=True)


class Purpose(NamedTuple):
    """A use of a port: its name, its parameter, its variable of make, and its usual port."""

    name: str
    parameter: str
    variable: str
    usual: int


API = Purpose("API", "port", "PORT", DEFAULT_API_PORT)
AWS = Purpose("AWS endpoint", "aws_port", "AWS_PORT", DEFAULT_AWS_PORT)
CONSOLE = Purpose("console", "console_port", "CONSOLE_PORT", DEFAULT_CONSOLE_PORT)


@dataclass(frozen=True)
class Ports:
    """A port for each purpose; and a sentence for each that is not the usual one, unasked."""

    numbers: Mapping[Purpose, int]
    moved: list[str]


def choose_ports(context: click.Context, asked: Mapping[Purpose, int | None]) -> Ports:
    """
    Take the ports that are asked for, and for each other purpose the next free one from its usual.

    While the same ports are free, the choice is the same. Port 0 stands for any.

    Raises:
        click.ClickException: one that is asked for is taken, or asked for twice: with a whole
            command to type instead.
    """
    faults = dict(_faults(asked))
    numbers = _settled(asked, faults)
    if faults:
        better = {purpose.parameter: numbers[purpose] for purpose in faults}
        raise click.ClickException(
            f"{' '.join(faults.values())} Type: {typed_again(context, better)}"
        )
    return Ports(numbers, list(_moved(asked, numbers)))


def _faults(asked: Mapping[Purpose, int | None]) -> Iterator[tuple[Purpose, str]]:
    seen: dict[int, Purpose] = {}
    for purpose, port in asked.items():
        if not port:
            continue
        if port in seen:
            yield purpose, f"The {seen[port].name} and the {purpose.name} can't both have {port}."
            continue
        seen[port] = purpose
        try:
            require_free(port, purpose.name)
        except PortUnavailable as error:
            yield purpose, str(error)


def _settled(
    asked: Mapping[Purpose, int | None], at_fault: Collection[Purpose]
) -> dict[Purpose, int]:
    """Settle on ports that differ: no purpose takes a port that another one would like to have."""
    settled = {
        purpose: port
        for purpose, port in asked.items()
        if port is not None and purpose not in at_fault
    }
    wished = {
        purpose: purpose.usual if port is None else port
        for purpose, port in asked.items()
        if purpose not in settled
    }
    for purpose in list(wished):
        first = wished.pop(purpose)
        settled[purpose] = next_free_port(first, {*settled.values(), *wished.values()})
    return {purpose: settled[purpose] for purpose in asked}


def _moved(asked: Mapping[Purpose, int | None], numbers: Mapping[Purpose, int]) -> Iterator[str]:
    owners = {port: purpose.name for purpose, port in asked.items() if port}
    for purpose, port in numbers.items():
        if asked[purpose] is None and port != purpose.usual:
            owner = owners.get(purpose.usual)
            why = f"is the {owner}'s" if owner else "is in use by another program"
            yield f"Port {purpose.usual} {why}: the {purpose.name} is on {port} this time."


def typed_again(context: click.Context, values: Mapping[str, object]) -> str:
    """Write the command as it was typed, but with these values of its parameters."""
    variables = {purpose.parameter: purpose.variable for purpose in (API, AWS, CONSOLE)}
    from_make = context.params.get("from_make", False)
    options, assignments = dict[str, object](), {}
    for name, option in _typed_options(context, values):
        value = values.get(name, context.params[name])
        if from_make and name in variables:
            assignments[variables[name]] = value
        else:
            options[option.removeprefix("--")] = value
    if from_make:
        words = [word for name, value in options.items() for word in option_words(name, value)]
        return make_command("run", **assignments, OPTIONS=shlex.join(words))
    return ops_command(str(context.info_name), **options)


def _typed_options(context: click.Context, besides: Collection[str]) -> Iterator[tuple[str, str]]:
    for parameter in context.command.params:
        name = str(parameter.name)
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if (typed or name in besides) and not getattr(parameter, "hidden", False):
            yield name, parameter.opts[0]
