"""`lint`: whether a deployed stage keeps the rules."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from botocore.exceptions import BotoCoreError, ClientError

from ops.cli.exits import OutOfReach
from ops.deploy.problems import explain
from ops.lint.deployed import DeployedStage
from ops.lint.not_deployed import NotDeployed
from ops.lint.rules import RULES
from ops.terminal.lines import say

if TYPE_CHECKING:
    from ops.lint.rule import Rule
    from ops.lint.stage import StageSettings


@click.command(epilog="Example: python -m ops lint --stage prod --verbose")
@click.option("--stage", default="dev", show_default=True, help="The stage to look at.")
@click.option("--verbose", is_flag=True, help="Show the rules that are kept as well.")
def lint(stage: str, verbose: bool) -> None:
    """
    Check a deployed stage against the rules.

    Each rule is a recommendation of AWS, or a pair of settings that must not part. Nothing is
    changed. The exit code is 1 if a rule is broken, and 3 if AWS can't be asked.
    """
    try:
        settings = DeployedStage(stage).settings()
    except NotDeployed as error:
        raise click.ClickException(str(error)) from error
    except (BotoCoreError, ClientError) as error:
        raise OutOfReach(explain(error)) from error
    broken = [rule for rule in RULES if _report(rule, settings, verbose=verbose)]
    say(f"Stage {stage}: {len(RULES) - len(broken)} of {len(RULES)} rules are kept.")
    sys.exit(1 if broken else 0)


COMMANDS = (lint,)


def _report(rule: Rule, settings: StageSettings, *, verbose: bool) -> bool:
    """Show the faults that a rule finds. Returns whether there is one."""
    problems = rule.broken_by(settings)
    if problems:
        say(f"broken  {rule.name}", fg="red")
        for problem in problems:
            say(f"        {problem}.")
        say(f"        AWS: {rule.recommendation} {rule.source}")
    elif verbose:
        say(f"kept    {rule.name}", fg="green")
        say(f"        {rule.recommendation}")
    return bool(problems)
