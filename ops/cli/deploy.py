"""`deploy` and `destroy`: a whole stage on AWS."""

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
    requiring_name,
    stage_option,
    without_vendor_option,
    yes_option,
)
from ops.cli.stage_steps import (
    bring_up,
    require_closed,
    require_not_by_chalice,
    take_app_down,
    take_resources_down,
)
from ops.deploy.app_stack import AppStack
from ops.deploy.kept_pause import KeptPause
from ops.deploy.resource_stack import ResourceStack
from ops.deploy.runtimes import required_runtime, warning_of_end
from ops.deploy.smoke import SignedApi, SmokeTest
from ops.deploy.stacks import Stacks
from ops.deploy.stage_config import StageConfig
from ops.deploy.stage_data import delete_data as delete_data_of

if TYPE_CHECKING:
    from pathlib import Path

    from ops.deploy.account import Aws
    from ops.deploy.presentation import Screen


@click.command(epilog="Example: python -m ops deploy --stage dev")
@stage_option
@yes_option
@dry_run_option
@move_option
@open_options
@despite_option
@click.option(
    "--smoke-order/--no-smoke-order",
    default=True,
    show_default=True,
    help="Send one order of 0.01 through the stage. It stays there, as smoke-test-...",
)
@without_vendor_option
@project_option
@in_plain_words
def deploy(
    *,
    stage: str,
    yes: bool,
    dry_run: bool,
    move: bool,
    open_to_anyone: bool,
    yes_open_to_anyone: bool,
    despite: tuple[str, ...],
    smoke_order: bool,
    without_vendor: bool,
    project: Path,
) -> None:
    """
    Deploy a stage: its resources, then the app.

    Shows what will change, waits for it, tries the stage out, and says where it is. Safe to repeat.
    """
    config = StageConfig.load(project, stage)
    require_closed(config, open_to_anyone, yes_open_to_anyone)
    require_not_by_chalice(config)
    runtime = required_runtime(stage, config.settings)
    with account() as (aws, screen):
        screen.warn(warning_of_end(runtime))
        config = bring_up(
            config, aws, screen, asking(yes), dry_run=dry_run, move=move, despite=despite
        )
        if dry_run and not config.has_resources:
            screen.say("What the app would be can be said once the resources are there.")
            return
        app = AppStack(aws, config, screen, Stacks(aws.cloudformation, screen))
        if dry_run:
            app.up(dry_run=True, vendored=not without_vendor)
            return
        with KeptPause(config, aws, screen) as pause:
            app.up(vendored=not without_vendor)
        url = app.url()
        # An order would wait until somebody resumes.
        _try_out(url, aws, screen, order=smoke_order and not pause.is_paused)
        screen.say()
        screen.show_warnings()
        screen.good_news(f"Stage {stage} is up: {url}")


@click.command(epilog="Example: python -m ops destroy --stage dev")
@stage_option
@yes_option
@click.option(
    "--delete-data",
    is_flag=True,
    help="Delete all orders too, after the name of the stage was typed. There is no way back.",
)
@project_option
@in_plain_words
def destroy(stage: str, yes: bool, delete_data: bool, project: Path) -> None:
    """
    Take a stage down.

    The app goes. It asks before the resources stack goes. All data stays, and
    `python -m ops resources up` takes it over again; only --delete-data deletes it.
    """
    config = StageConfig.load(project, stage)
    require_not_by_chalice(config)
    with account() as (aws, screen):
        resources = ResourceStack(aws, config, screen, Stacks(aws.cloudformation, screen))
        if delete_data:
            resources.lock.require_deletable()
            requiring_name(stage)(f"This deletes all orders of stage {stage} for good")
        take_app_down(config, aws, screen)
        gone = take_resources_down(config, aws, screen, asking(yes or delete_data))
        if gone and delete_data:
            delete_data_of(resources.left_behind(), aws, screen)
            screen.good_news(f"All data of stage {stage} is deleted.")


def _try_out(url: str, aws: Aws, screen: Screen, *, order: bool) -> None:
    screen.say("Trying it out:")
    smoke_test = SmokeTest(SignedApi(url, aws), screen.say)
    smoke_test.check_health()
    if order:
        smoke_test.check_order()


COMMANDS = (deploy, destroy)
