"""`package`: the files of a deployment, for a pipeline that deploys by other means."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ops.cli.deploy_options import (
    despite_option,
    in_plain_words,
    open_options,
    project_option,
    stage_option,
    without_vendor_option,
)
from ops.cli.policy import policy_text
from ops.cli.stage_steps import require_closed, require_rules_kept
from ops.deploy.app_stack import CAPABILITIES, stack_tags
from ops.deploy.archive import digest_of
from ops.deploy.packaging import package_app
from ops.deploy.presentation import Screen
from ops.deploy.runtimes import required_runtime, warning_of_end
from ops.deploy.stage_config import StageConfig
from ops.roles.rights import Role
from ops.stage_names import app_stack_name

if TYPE_CHECKING:
    from ops.deploy.packaging import PackagedApp


@click.command(epilog="Example: python -m ops package --stage dev --out build")
@stage_option
@click.option(
    "--out",
    "directory",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory for the files; it is made if it isn't there.",
)
@without_vendor_option
@open_options
@despite_option
@project_option
@in_plain_words
def package(
    *,
    stage: str,
    directory: Path,
    without_vendor: bool,
    open_to_anyone: bool,
    yes_open_to_anyone: bool,
    despite: tuple[str, ...],
    project: Path,
) -> None:
    """
    Write the template and the archive that `deploy` uses, and deploy nothing.

    Beside them it writes the policies of the roles of people, as `policy` prints them.
    It needs no credentials. The resources of the stage must be recorded, as `resources up` does.
    """
    config = StageConfig.load(project, stage)
    require_closed(config, open_to_anyone, yes_open_to_anyone)
    required_runtime(stage, config.settings)
    screen = Screen()
    require_rules_kept(config, screen, despite)
    packaged = package_app(stage, directory, project, vendored=not without_vendor)
    screen.warn(warning_of_end(packaged.runtime))
    screen.show_warnings()
    botocore = "Lambda's own botocore" if without_vendor else "the botocore in it"
    screen.say(f"Template  {packaged.template}")
    screen.say(f"Archive   {packaged.archive}, {packaged.shown_size}")
    screen.say(f"Content   {digest_of(packaged.archive)}")
    screen.say(f"Runtime   {packaged.runtime}, with {botocore}")
    screen.say(f"Policies  {', '.join(map(str, _write_policies(config, directory)))}")
    screen.say("", "Next, with a bucket of yours in the stage's region as BUCKET, type:", "")
    screen.say(*next_commands(packaged))


def _write_policies(config: StageConfig, directory: Path) -> list[Path]:
    """Write the policy of each role. No stack has them: who has which role is the account's."""
    files = {role: directory / f"policy-{role}.json" for role in Role}
    for role, file in files.items():
        file.write_text(f"{policy_text(config, role)}\n", encoding="utf-8")
    return list(files.values())


def next_commands(packaged: PackagedApp) -> list[str]:
    """Write the commands of the AWS CLI that do with the two files what `deploy` does."""
    uploaded = packaged.template.with_name("uploaded.yaml")
    tags = (f"{name}={value}" for name, value in stack_tags(packaged.stage).items())
    commands = [
        [
            # Its paths are relative to the template, wherever the command is typed.
            f"aws cloudformation package --template-file {_quoted(packaged.template)}",
            f"--s3-bucket BUCKET --output-template-file {_quoted(uploaded)}",
        ],
        [
            f"aws cloudformation deploy --template-file {_quoted(uploaded)} --s3-bucket BUCKET",
            f"--stack-name {app_stack_name(packaged.stage)} --tags {' '.join(tags)}",
            f"--capabilities {' '.join(CAPABILITIES)}",
        ],
    ]
    return [line for parts in commands for line in " \\\n    ".join(parts).split("\n")]


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


COMMANDS = [package]
