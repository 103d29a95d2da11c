"""`policy`: the IAM policy of a role on a stage, for whoever administers the account."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ops.cli.deploy_options import in_plain_words, project_option
from ops.deploy.stage_config import StageConfig
from ops.next_command import ops_command
from ops.roles.policy import names_of, policy_of
from ops.roles.rights import Role
from ops.roles.uses import commands_of
from ops.stage_names import KMS_KEY
from ops.terminal.lines import say, say_text

if TYPE_CHECKING:
    from pathlib import Path


@click.command(epilog="Example: python -m ops policy --role operator --stage prod > operator.json")
@click.option(
    "--role",
    required=True,
    type=click.Choice([each.value for each in Role]),
    help="The role of a person.",
)
@click.option("--stage", default="dev", show_default=True, help="The stage to work on.")
@project_option
@in_plain_words
def policy(role: str, stage: str, project: Path) -> None:
    """
    Print the IAM policy of a role on a stage.

    It names the stage's resources as .chalice/config.json has them recorded, and grants what the
    commands and the pages of the role call, no more. It needs no credentials and changes nothing.
    """
    config = StageConfig.load(project, stage)
    say_text(policy_text(config, Role(role)))
    say(f"For role {role}: {', '.join(commands_of(Role(role)))}.", err=True)
    if not config.has_resources:
        recording = ops_command("resources up", stage=stage, project_dir=project)
        say(
            f"Stage {stage} has no recorded resources, so the policy names them as the template "
            "does, in any region. To have its own account and region in it, take the "
            ".chalice/config.json that the stage was deployed with. Only whoever sets the stage up "
            f"types `{recording}`, which creates and records them.",
            err=True,
        )


def policy_text(config: StageConfig, role: Role) -> str:
    """Write the policy of a role on a stage as JSON."""
    variables = config.variables if config.has_resources else {}
    key_arn = config.resource_parameters.get(KMS_KEY, "")
    return json.dumps(policy_of(role, names_of(config.stage, variables), key_arn), indent=2)


COMMANDS = (policy,)
