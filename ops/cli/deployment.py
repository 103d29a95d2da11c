"""`resources`, `deploy` and `destroy`: a stage on AWS."""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from ops.cli.exits import OutOfReach
from ops.cli.options import options
from ops.deploy.account import Aws
from ops.deploy.app_stack import AppStack
from ops.deploy.packaging import PackagingFailed
from ops.deploy.presentation import Screen
from ops.deploy.problems import DeploymentInterrupted, DeploymentProblem, explain
from ops.deploy.resource_stack import ResourceStack, require_same_place
from ops.deploy.smoke import SignedApi, SmokeTest
from ops.deploy.stacks import Stacks
from ops.deploy.stage_config import StageConfig
from ops.deploy.stage_data import delete_data as delete_data_of
from ops.project import CONFIG, PROJECT_ROOT
from ops.stop_signals import StopRequested, stop_signals_raise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# As a shell reports a command that Ctrl-C has ended.
INTERRUPTED = 130

_stage_option = click.option("--stage", required=True, help="A stage of .chalice/config.json.")
_yes_option = click.option("--yes", is_flag=True, help="Answer every question with yes.")
_move_option = click.option(
    "--move", is_flag=True, help="Let the stage live in this account and region from now on."
)
_project_option = click.option(
    "--project-dir",
    "project",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    default=PROJECT_ROOT,
    show_default="this checkout",
    help="The directory of app.py.",
)
_dry_run_option = click.option("--dry-run", is_flag=True, help="Show the changes, make none.")
# A stage without authentication is no accident if it was asked for twice.
_open_options = options(
    click.option(
        "--open-to-anyone",
        is_flag=True,
        help="Deploy a stage whose ORDERS_AUTH is none, which lets anyone in.",
    ),
    click.option("--yes-open-to-anyone", is_flag=True, help="The same, said a second time."),
)


def _in_plain_words(command: Callable[..., None]) -> Callable[..., None]:
    """Every way to fail ends in a sentence and an exit code, never in a traceback."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        with stop_signals_raise():
            try:
                command(*arguments, **options)
            except (DeploymentProblem, PackagingFailed) as problem:
                raise click.ClickException(str(problem)) from problem
            except (BotoCoreError, ClientError) as error:
                raise OutOfReach(explain(error)) from error
            except DeploymentInterrupted as interrupted:
                click.echo(f"\n{interrupted}", err=True)
                sys.exit(INTERRUPTED)
            except StopRequested:
                click.echo(
                    "\nStopped. Run the same command again: it goes on from where things are now.",
                    err=True,
                )
                sys.exit(INTERRUPTED)

    return run


@contextmanager
def _account() -> Iterator[tuple[Aws, Screen]]:
    """The account to work on, which is shown first: nothing happens to another by mistake."""
    screen = Screen()
    with Aws() as aws:
        screen.say(aws.describe())
        yield aws, screen


def _asking(yes: bool) -> Callable[[str], bool]:
    def ask(question: str) -> bool:
        if yes:
            return True
        try:
            return click.confirm(question)
        except click.Abort:
            # Nobody is there to answer.
            click.echo()
            return False

    return ask


def _require_closed(config: StageConfig, said_once: bool, said_twice: bool) -> None:
    if config.is_open and not (said_once and said_twice):
        raise DeploymentProblem(
            f"Stage {config.stage} has ORDERS_AUTH=none: anyone who finds its address could hand "
            f"in and read orders. Set it to iam in {CONFIG}. If it is meant to be open, run the "
            "command again with both --open-to-anyone and --yes-open-to-anyone."
        )


@click.group(epilog="Example: python -m ops resources up --stage dev")
def resources() -> None:
    """The queue, bucket, table and alarms of a stage."""


@resources.command(epilog="Example: python -m ops resources up --stage dev")
@_stage_option
@_yes_option
@_dry_run_option
@_move_option
@_open_options
@_project_option
@_in_plain_words
def up(
    *,
    stage: str,
    yes: bool,
    dry_run: bool,
    move: bool,
    open_to_anyone: bool,
    yes_open_to_anyone: bool,
    project: Path,
) -> None:
    """
    Create or update the resources of a stage.

    Shows what will change, waits for it, and records in .chalice/config.json where the resources
    are, so that `chalice deploy` finds them. Safe to repeat.
    """
    config = StageConfig.load(project, stage)
    _require_closed(config, open_to_anyone, yes_open_to_anyone)
    with _account() as (aws, screen):
        _bring_up(config, aws, screen, _asking(yes), dry_run=dry_run, move=move)
        if not dry_run:
            screen.say(f"\nNext, type: chalice deploy --stage {stage}")


@resources.command(epilog="Example: python -m ops resources show --stage dev")
@_stage_option
@_project_option
@_in_plain_words
def show(stage: str, project: Path) -> None:
    """Show where the resources of a stage are, and change nothing."""
    config = StageConfig.load(project, stage)
    with _account() as (aws, screen):
        stacks = Stacks(aws.cloudformation, screen)
        stack = ResourceStack(aws, config, screen, stacks)
        state = stacks.find(stack.name)
        if state is None:
            raise DeploymentProblem(
                f"There is no stack {stack.name} here. To create it, type: "
                f"python -m ops resources up --stage {stage}"
            )
        screen.say(f"Stack {stack.name}: {state['StackStatus']}")
        for name, value in stacks.outputs(stack.name).items():
            screen.say(f"  {name:<20} {value}")


@resources.command(epilog="Example: python -m ops resources down --stage dev")
@_stage_option
@_yes_option
@_project_option
@_in_plain_words
def down(stage: str, yes: bool, project: Path) -> None:
    """Delete the resources stack of a stage; queues, bucket and table stay, with all data."""
    config = StageConfig.load(project, stage)
    _require_not_by_chalice(config)
    with _account() as (aws, screen):
        app = AppStack(aws, config, screen, Stacks(aws.cloudformation, screen))
        if app.is_there():
            raise DeploymentProblem(
                f"Stack {app.name} runs on these resources. To take both down, type: "
                f"python -m ops destroy --stage {stage}"
            )
        _take_resources_down(config, aws, screen, _asking(yes))


@click.command(epilog="Example: python -m ops deploy --stage dev")
@_stage_option
@_yes_option
@_dry_run_option
@_move_option
@_open_options
@click.option(
    "--smoke-order/--no-smoke-order",
    default=True,
    show_default=True,
    help="Send one order of 0.01 through the stage. It stays there, as smoke-test-...",
)
@_project_option
@_in_plain_words
def deploy(
    *,
    stage: str,
    yes: bool,
    dry_run: bool,
    move: bool,
    open_to_anyone: bool,
    yes_open_to_anyone: bool,
    smoke_order: bool,
    project: Path,
) -> None:
    """
    Deploy a stage: its resources, then the app.

    Shows what will change, waits for it, tries the stage out, and says where it is. Safe to repeat.
    """
    config = StageConfig.load(project, stage)
    _require_closed(config, open_to_anyone, yes_open_to_anyone)
    _require_not_by_chalice(config)
    with _account() as (aws, screen):
        config = _bring_up(config, aws, screen, _asking(yes), dry_run=dry_run, move=move)
        if dry_run and not config.has_resources:
            screen.say("What the app would be can be said once the resources are there.")
            return
        app = AppStack(aws, config, screen, Stacks(aws.cloudformation, screen))
        app.up(dry_run=dry_run)
        if dry_run:
            return
        url = app.url()
        screen.say("Trying it out:")
        smoke_test = SmokeTest(SignedApi(url, aws), screen.say)
        smoke_test.check_health()
        if smoke_order:
            smoke_test.check_order()
        screen.good_news(f"\nStage {stage} is up: {url}")


@click.command(epilog="Example: python -m ops destroy --stage dev")
@_stage_option
@_yes_option
@click.option(
    "--delete-data",
    is_flag=True,
    help="Delete all orders too, after the name of the stage was typed. There is no way back.",
)
@_project_option
@_in_plain_words
def destroy(stage: str, yes: bool, delete_data: bool, project: Path) -> None:
    """
    Take a stage down.

    The app goes. It asks before the resources stack goes. All data stays, and
    `python -m ops resources up` takes it over again; only --delete-data deletes it.
    """
    config = StageConfig.load(project, stage)
    _require_not_by_chalice(config)
    with _account() as (aws, screen):
        if delete_data:
            _require_typed(stage)
        _take_app_down(config, aws, screen)
        gone = _take_resources_down(config, aws, screen, _asking(yes or delete_data))
        if gone and delete_data:
            found = ResourceStack(
                aws, config, screen, Stacks(aws.cloudformation, screen)
            ).left_behind()
            delete_data_of(found, aws, screen)
            screen.good_news(f"All data of stage {stage} is deleted.")


def _bring_up(
    config: StageConfig,
    aws: Aws,
    screen: Screen,
    ask: Callable[[str], bool],
    *,
    dry_run: bool,
    move: bool,
) -> StageConfig:
    """Bring the resources stack up and record it: the configuration afterwards."""
    require_same_place(config, aws, move=move)
    stack = ResourceStack(aws, config, screen, Stacks(aws.cloudformation, screen))
    outputs = stack.up(ask, dry_run=dry_run)
    if dry_run:
        return config
    changed = config.record(outputs)
    if changed:
        screen.say(f"Recorded in {CONFIG}, stage {config.stage}: {', '.join(changed)}")
    return StageConfig.load(config.project, config.stage)


def _require_not_by_chalice(config: StageConfig) -> None:
    """Both ways give functions the same names, so that alarms and logs are the same."""
    if config.deployed_by_chalice:
        raise DeploymentProblem(
            f"Stage {config.stage} was deployed with `chalice deploy`. First, type: "
            f"chalice delete --stage {config.stage}"
        )


def _take_app_down(config: StageConfig, aws: Aws, screen: Screen) -> None:
    app = AppStack(aws, config, screen, Stacks(aws.cloudformation, screen))
    if app.down():
        screen.good_news(f"Stack {app.name} is gone; orders on the queue wait there.")
        return
    screen.say(f"There is no stack {app.name}.")


def _take_resources_down(
    config: StageConfig, aws: Aws, screen: Screen, ask: Callable[[str], bool]
) -> bool:
    """Delete the resources stack if the user agrees; True if it is gone."""
    stack = ResourceStack(aws, config, screen, Stacks(aws.cloudformation, screen))
    if not stack.is_there():
        screen.say(f"There is no stack {stack.name}.")
        return True
    question = (
        f"Delete stack {stack.name}? Its alarms go; queues, bucket and table stay, with all data"
    )
    if not ask(question):
        screen.say(f"Stack {stack.name} was kept.")
        return False
    stack.down()
    screen.good_news(f"Stack {stack.name} is gone. Its data is still there:")
    for each in stack.left_behind():
        screen.say(f"  {each.logical_id:<14} {each.name}")
    return True


def _require_typed(stage: str) -> None:
    typed = click.prompt(
        f"This deletes all orders of stage {stage} for good. Type the name of the stage",
        default="",
        show_default=False,
    )
    if typed != stage:
        raise DeploymentProblem("That is not its name: nothing was changed.")


COMMANDS = (resources, deploy, destroy)
