"""`resources`: the stack that holds a stage's data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ops.cli.deploy_options import (
    account,
    asking,
    despite_option,
    dry_run_option,
    in_plain_words,
    move_option,
    open_options,
    project_option,
    stage_option,
    yes_option,
)
from ops.cli.stage_steps import (
    bring_up,
    deploy_command,
    require_closed,
    require_not_by_chalice,
    take_resources_down,
)
from ops.deploy.app_stack import AppStack
from ops.deploy.problems import DeploymentProblem
from ops.deploy.resource_stack import ResourceStack
from ops.deploy.stacks import Stacks
from ops.deploy.stage_config import StageConfig
from ops.next_command import chalice_command, ops_command

if TYPE_CHECKING:
    from pathlib import Path


@click.group(
    help="Make, show or delete the resources of a stage.\n\n"
    "They are its queues, bucket, table, alarms and dashboard.",
    epilog="Example: python -m ops resources up --stage dev",
)
def resources() -> None:
    """Group the commands on a stage's resources."""


@resources.command(epilog="Example: python -m ops resources up --stage dev")
@stage_option
@yes_option
@dry_run_option
@move_option
@open_options
@despite_option
@project_option
@in_plain_words
def up(
    *,
    stage: str,
    yes: bool,
    dry_run: bool,
    move: bool,
    open_to_anyone: bool,
    yes_open_to_anyone: bool,
    despite: tuple[str, ...],
    project: Path,
) -> None:
    """
    Create or update the resources of a stage.

    Shows what will change, waits for it, and records in .chalice/config.json where the resources
    are, so that `chalice deploy` finds them. Safe to repeat.
    """
    config = StageConfig.load(project, stage)
    require_closed(config, open_to_anyone, yes_open_to_anyone)
    with account() as (aws, screen):
        bring_up(config, aws, screen, asking(yes), dry_run=dry_run, move=move, despite=despite)
        if not dry_run:
            app = AppStack(aws, config, screen, Stacks(aws.cloudformation, screen))
            by_stack = app.is_there()
            command = (
                deploy_command(config)
                if by_stack
                else chalice_command("deploy", stage=stage, project=project)
            )
            screen.say("", f"Next, type: {command}")


@resources.command(epilog="Example: python -m ops resources show --stage dev")
@stage_option
@project_option
@in_plain_words
def show(stage: str, project: Path) -> None:
    """Show where the resources of a stage are, and change nothing."""
    config = StageConfig.load(project, stage)
    with account() as (aws, screen):
        stacks = Stacks(aws.cloudformation, screen)
        stack = ResourceStack(aws, config, screen, stacks)
        state = stacks.find(stack.name)
        if state is None:
            raise DeploymentProblem(
                f"There is no stack {stack.name} here. To create it, type: "
                + ops_command("resources up", stage=stage, project_dir=project)
            )
        screen.say(f"Stack {stack.name}: {state['StackStatus']}")
        for name, value in stacks.outputs(stack.name).items():
            screen.say(f"  {name:<20} {value}")


@resources.command(epilog="Example: python -m ops resources down --stage dev")
@stage_option
@yes_option
@project_option
@in_plain_words
def down(stage: str, yes: bool, project: Path) -> None:
    """Delete the resources stack of a stage; queues, bucket and table stay, with all data."""
    config = StageConfig.load(project, stage)
    require_not_by_chalice(config)
    with account() as (aws, screen):
        app = AppStack(aws, config, screen, Stacks(aws.cloudformation, screen))
        if app.is_there():
            raise DeploymentProblem(
                f"Stack {app.name} runs on these resources. To take both down, type: "
                + ops_command("destroy", stage=stage, project_dir=project)
            )
        take_resources_down(config, aws, screen, asking(yes))


COMMANDS = (resources,)
