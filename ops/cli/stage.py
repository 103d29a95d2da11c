"""`stage`: the files of a stage in the checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chalicelib.settings import PRINCIPALS
from ops.cli.deploy_options import asking, in_plain_words, project_option, yes_option
from ops.cli.stage_steps import deploy_command, require_not_by_chalice
from ops.deploy.problems import DeploymentProblem
from ops.deploy.stage_config import StageConfig, stages_of
from ops.deploy.stage_files import callers_in, remove_stage, stage_like, write_stage
from ops.next_command import ops_command
from ops.project import CONFIG
from ops.terminal.lines import say

if TYPE_CHECKING:
    from pathlib import Path


@click.group(
    help="Make or remove the files of a stage.\n\n"
    "They are its part of .chalice/config.json and its policies. Nothing on AWS is changed.",
    epilog="Example: python -m ops stage new test",
)
def stage() -> None:
    """Group the commands on a stage's files."""


@stage.command(epilog="Example: python -m ops stage new test --like prod")
@click.argument("name")
@click.option("--like", default="dev", show_default=True, help="The stage to take settings from.")
@project_option
@in_plain_words
def new(name: str, like: str, project: Path) -> None:
    """
    Make a stage: its settings and its policies, with its own names in them.

    It is all written, or nothing is.
    """
    config = StageConfig.load(project, like)
    made = stage_like(config, name)
    write_stage(project, made)
    for file in made.policies:
        say(f"Wrote .chalice/{file}")
    say(f"Added stage {name} to {CONFIG}, like {like}")
    kept = [key for key in ("resource_parameters", "template_parameters") if key in made.settings]
    kept += [PRINCIPALS] if any(callers_in(made.settings)) else []
    if kept:
        say(f"Look through what it has from {like}: {', '.join(kept)}")
    say(
        "",
        f"Next, type: {deploy_command(StageConfig.load(project, name))}",
        "or, for Chalice's own way: "
        + ops_command("resources up", stage=name, project_dir=project),
    )


@stage.command(epilog="Example: python -m ops stage remove test")
@click.argument("name")
@yes_option
@project_option
@in_plain_words
def remove(name: str, yes: bool, project: Path) -> None:
    """
    Remove a stage from .chalice/config.json, with the policies that no other stage names.

    What it has on AWS stays: take it down before, with `destroy`.
    """
    if name in stages_of(project):
        config = StageConfig.load(project, name)
        require_not_by_chalice(config)
        question = (
            f"Stage {name} has recorded resources. They stay on AWS, and without the stage "
            "`make destroy` can't take them down. Remove it all the same?"
        )
        if config.has_resources and not asking(yes)(question):
            raise DeploymentProblem("Nothing was changed.")
    for file in remove_stage(project, name):
        say(f"Changed {file}" if file == CONFIG else f"Deleted {file}")


COMMANDS = (stage,)
