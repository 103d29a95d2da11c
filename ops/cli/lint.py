"""`lint`: whether a deployed stage keeps the rules."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import click
from botocore.exceptions import BotoCoreError, ClientError

from ops.cli.exits import OutOfReach
from ops.deploy.problems import explain
from ops.lint.deployed import DeployedStage
from ops.lint.emulator import excuse, with_excuse
from ops.lint.not_deployed import NotDeployed
from ops.lint.principals_rule import notices
from ops.lint.rule import BROKEN, INDENT
from ops.lint.rules import RULES
from ops.terminal.lines import say

if TYPE_CHECKING:
    from ops.lint.rule import Rule
    from ops.lint.stage import StageSettings


KEPT, DIFFERS, NOTICE = "kept", "differs", "notice"
COLOURS = {KEPT: "green", BROKEN: "red", DIFFERS: "yellow"}


@click.command(epilog="Example: python -m ops lint --stage prod --verbose")
@click.option("--stage", default="dev", show_default=True, help="The stage to look at.")
@click.option("--verbose", is_flag=True, help="Show the rules that are kept as well.")
def lint(stage: str, verbose: bool) -> None:
    """
    Check a deployed stage against the rules.

    Each rule is a recommendation of AWS, or a pair of settings that must not part. Nothing is
    changed. The exit code is 1 if a rule is broken, and 3 if AWS can't be asked.

    A rule that differs is not broken: only the emulator causes it that AWS_ENDPOINT_URL names.
    A notice says what a stage lets its callers do, and breaks no rule.
    """
    try:
        settings = DeployedStage(stage).settings()
    except NotDeployed as error:
        raise click.ClickException(str(error)) from error
    except (BotoCoreError, ClientError) as error:
        raise OutOfReach(explain(error)) from error
    outcomes = Counter(_report(rule, settings, verbose=verbose) for rule in RULES)
    for notice in notices(settings):
        say(f"{NOTICE:<{len(INDENT)}}{notice}.", fg="yellow")
    say(f"Stage {stage}: {outcomes[KEPT]} of {len(RULES)} rules are kept{_differing(outcomes)}.")
    sys.exit(1 if outcomes[BROKEN] else 0)


COMMANDS = (lint,)


def _report(rule: Rule, settings: StageSettings, *, verbose: bool) -> str:
    """Show the faults that a rule finds. Returns the rule's outcome."""
    problems = rule.broken_by(settings)
    outcome = _outcome(problems, settings)
    shown = list(map(with_excuse, problems)) if settings.emulated else problems
    head, *details = rule.lines(outcome, shown)
    if outcome == KEPT:
        details.append(f"{INDENT}{rule.recommendation}")
    if problems or verbose:
        say(head, fg=COLOURS[outcome])
        say(*details)
    return outcome


def _differing(outcomes: Counter[str]) -> str:
    count = outcomes[DIFFERS]
    return f", {count} {'differs' if count == 1 else 'differ'} on the emulator" if count else ""


def _outcome(problems: list[str], settings: StageSettings) -> str:
    if not problems:
        return KEPT
    return DIFFERS if settings.emulated and excuse(problems) else BROKEN
