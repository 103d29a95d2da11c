"""The frame that `resources`, `deploy` and `destroy` share: options, account, ways to fail."""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from ops.cli.exits import INTERRUPTED, OutOfReach
from ops.cli.options import options
from ops.deploy.account import Aws
from ops.deploy.findings import RULE_NAMES
from ops.deploy.presentation import Screen
from ops.deploy.problems import DeploymentInterrupted, DeploymentProblem, explain
from ops.project import PROJECT_ROOT
from ops.stop_signals import StopRequested, stop_signals_raise
from ops.terminal.lines import agrees, ask_for, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

stage_option = click.option("--stage", required=True, help="A stage of .chalice/config.json.")
yes_option = click.option("--yes", is_flag=True, help="Answer every question with yes.")
move_option = click.option(
    "--move", is_flag=True, help="Let the stage live in this account and region from now on."
)
project_option = click.option(
    "--project-dir",
    "project",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    default=PROJECT_ROOT,
    show_default="this checkout",
    help="The directory of app.py.",
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Show the changes, make none.")
despite_option = click.option(
    "--despite",
    multiple=True,
    type=click.Choice(RULE_NAMES),
    metavar="RULE",
    help="Go on although the stage breaks this rule of `lint`. May be given several times.",
)
without_vendor_option = click.option(
    "--without-vendor",
    is_flag=True,
    help="Leave the functions the botocore that Lambda has: an older one, and a slower start.",
)
# A stage without authentication is no accident if it was asked for twice.
open_options = options(
    click.option(
        "--open-to-anyone",
        is_flag=True,
        help="Take a stage whose ORDERS_AUTH is none, which lets anyone in.",
    ),
    click.option("--yes-open-to-anyone", is_flag=True, help="The same, said a second time."),
)


def in_plain_words(command: Callable[..., None]) -> Callable[..., None]:
    """End every failure in a sentence and an exit code, never in a traceback."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        with stop_signals_raise():
            try:
                command(*arguments, **options)
            except DeploymentProblem as problem:
                raise click.ClickException(str(problem)) from problem
            except (BotoCoreError, ClientError) as error:
                raise OutOfReach(explain(error)) from error
            except DeploymentInterrupted as interrupted:
                say("", str(interrupted), err=True)
                sys.exit(INTERRUPTED)
            except StopRequested:
                say(
                    "",
                    "Stopped. Run the same command again: it goes on from where things are now.",
                    err=True,
                )
                sys.exit(INTERRUPTED)

    return run


@contextmanager
def account() -> Iterator[tuple[Aws, Screen]]:
    """Open the account to work on, and show it first: nothing happens to another by mistake."""
    screen = Screen()
    with Aws() as aws:
        screen.say(aws.describe())
        try:
            yield aws, screen
        finally:
            screen.show_warnings()


def asking(yes: bool) -> Callable[[str], bool]:
    """Make the function that asks the user; with `yes` it agrees to everything."""

    def ask(question: str) -> bool:
        if yes:
            return True
        try:
            return agrees(question)
        except click.Abort:
            # Nobody is there to answer.
            say()
            return False

    return ask


def requiring_name(stage: str) -> Callable[[str], None]:
    """Make the function that lets the user confirm, by the stage's name, what nothing undoes."""

    def require(warning: str) -> None:
        if ask_for(f"{warning}. Type the name of the stage") != stage:
            raise DeploymentProblem("That is not its name: nothing was changed.")

    return require
