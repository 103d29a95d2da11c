"""Failures of AWS in words: a refusal says which right is missing, and which roles have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ops.alternatives import either
from ops.desk.masking import masked_text
from ops.next_command import ops_command
from ops.roles.denial import denial_in
from ops.roles.uses import roles_for

if TYPE_CHECKING:
    from ops.roles.denial import Denial


def failure_words(error: Exception) -> str:
    """Say a failure of AWS in a line, without its full stop. AWS may quote an account."""
    said = masked_text(str(error))
    denial = denial_in(error)
    return f"{said}. {denial_words(denial)}" if denial else said


def denial_words(denial: Denial) -> str:
    """Say what an identity lacks on the stage of the command that runs, without the full stop."""
    if denial.explicit:
        return f"A policy of the account denies you {denial.action} explicitly"
    if not denial.roles:
        return f"You lack the right {denial.action}, and no role has it"
    roles = denial.among(roles_for(*_typed())).roles
    items = f" for items {either(denial.keys)}" if denial.keys else ""
    stage = click.get_current_context().params["stage"]
    command = ops_command("policy", role=roles[0], stage=stage)
    return (
        f"You lack the right {denial.action}, which a stage's {either(roles)} has{items}: whoever "
        f"administers the account gives you that role's policy, as `{command}` prints it"
    )


def _typed() -> tuple[str, list[str]]:
    """Tell which command runs, and the options that were typed for it."""
    context: click.Context = click.get_current_context()
    given = [
        option
        for parameter in context.command.params
        if context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        for option in parameter.opts
    ]
    names: list[str] = []
    while context.parent:
        names.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(names), given
