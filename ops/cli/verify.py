"""`verify`: whether a stage really does what the docs say."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ops.cli.api_address import api_url_option, require_api, stage_api_url
from ops.cli.exits import FOUND_WANTING, INTERRUPTED
from ops.cli.parameters import yes_option
from ops.cli.session import Session, desk_command
from ops.cli.tables import show_facts, show_rows
from ops.desk.masking import masked_text
from ops.stop_signals import StopRequested, stop_signals_raise
from ops.terminal.consoles import cell
from ops.terminal.lines import say
from ops.verify.check import NAMES, State
from ops.verify.place import may_matter, signed_api
from ops.verify.run import Run
from ops.verify.suite import CHECKS, run_checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.verify.check import Check, Outcome

STYLES = {
    State.PASS: "green",
    State.FAIL: "bold red",
    State.DIFFERS: "yellow",
    State.SKIPPED: "dim",
}
BEFORE = (
    "This hands in some 50 orders of 0.01 between accounts that no bank has. They stay recorded "
    "for good; where events are on, they are published. Duplicates and dead letters among them "
    "may set off the alarms conflicts and dlq-not-empty. Go on?"
)

LATE = (
    "What came too late may become a dead letter yet. Run the same command again when it is "
    "mended: it takes away those of earlier runs."
)


def _list(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        for each in CHECKS:
            sends = "" if each.sends else " (sends nothing)"
            say(f"{each.name:<20} {each.shows} {each.source}{sends}")
        context.exit()


@click.command(
    epilog="""\b
Example: python -m ops verify --stage dev
Example: python -m ops verify --stage prod --no-orders --json"""
)
@click.option(
    "--only",
    "names",
    multiple=True,
    metavar="NAME",
    type=click.Choice([each.name for each in CHECKS]),
    help="Only this check; repeatable.",
)
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="List the checks, with the page that each is about, and end.",
)
@click.option("--no-orders", is_flag=True, help="Only the checks that send nothing.")
@api_url_option
@yes_option
@desk_command
def verify(
    session: Session, *, names: Sequence[str], no_orders: bool, api_url: str | None, yes: bool
) -> None:
    """
    Try out what a stage promises, on the stage itself.

    It hands in orders whose ids begin with verify-, and says at the end which. They stay: records
    and archive are kept for good. Dead letters of its own it takes away again, those of an
    interrupted run too. Run one at a time on a stage.

    Exit code 1: a check fails, or a queue, the bucket or the table does not answer: then the
    checks that need it are skipped. A difference that an emulator or the stage's own settings
    explain is no failure.
    """
    checks = [
        each
        for each in CHECKS
        if (not names or each.name in names) and not (no_orders and each.sends)
    ]
    if not checks:
        raise click.UsageError("--no-orders leaves none of these checks.")
    stage = session.desk.stage
    sends = any(each.sends for each in checks)
    if sends and may_matter(stage, api_url):
        session.confirm(BEFORE, yes=yes)
    url = stage_api_url(stage, api_url)
    run = Run(session.desk, partial(signed_api, url, stage.session.region_name))
    require_api(run.api, url, stage)
    with stop_signals_raise():
        try:
            _verify(session, run, checks, url)
        except StopRequested:
            run.stop()
            session.note(
                "",
                f"Stopped. Its orders begin with {run.mark}-. Run the same command again: it "
                "takes away the dead letters that this run may have left.",
            )
            sys.exit(INTERRUPTED)


COMMANDS = (verify,)


def _verify(session: Session, run: Run, checks: Sequence[Check], url: str) -> None:
    what = "1 check" if len(checks) == 1 else f"{len(checks)} checks"
    session.note(f"{what} of stage {run.stage.name} at {url}, run {run.mark}")
    run.find_dead()
    for name, said in run.dead.items():
        session.note(
            f"Out of reach: {NAMES[name]} ({masked_text(said)}). What needs it is skipped."
        )
    sends = any(each.sends for each in checks) and not run.dead
    if sends and (said := run.letters.tidy()):
        session.note(said)
    outcomes: dict[str, Outcome] = {}
    for check, outcome in run_checks(checks, run):
        outcomes[check.name] = outcome
        state = cell(f"{outcome.state.value:<8}", STYLES[outcome.state])
        session.notes.print(state, f"{check.name:<20} {outcome.seconds:5.1f} s")
    _show(session, run, [(each, outcomes[each.name]) for each in checks], sends=sends)
    if sends:
        run.letters.tidy()
    if run.dead:
        session.note(f"To see what answers, type {run.stage.command('health')}")
        sys.exit(FOUND_WANTING)
    if any(outcome.state is State.FAIL for outcome in outcomes.values()):
        if sends:
            session.note(LATE)
        sys.exit(FOUND_WANTING)


def _show(
    session: Session, run: Run, results: Sequence[tuple[Check, Outcome]], *, sends: bool
) -> None:
    if session.as_json:
        session.print_json(_as_json(run, results, sends=sends))
        return
    show_rows(
        session.out,
        ("check", "outcome", "evidence"),
        (
            (check.name, cell(outcome.state.value, STYLES[outcome.state]), outcome.evidence)
            for check, outcome in results
        ),
        "Nothing to check.",
    )
    for check, outcome in results:
        if outcome.state is State.FAIL:
            show_facts(session.out, [(check.name, f"{check.shows} See {check.source}")])
    counts = {state: sum(outcome.state is state for _, outcome in results) for state in State}
    session.out.print(", ".join(f"{state} {count}" for state, count in counts.items() if count))
    if sends:
        session.note(
            f"These stay: the orders {run.mark}-..., with their objects and records, and entries "
            f"of the discarded dead letters in the audit trail. To see them, type "
            f"{run.stage.command('orders list')}"
        )


def _as_json(run: Run, results: Sequence[tuple[Check, Outcome]], *, sends: bool) -> dict[str, Any]:
    return {
        "stage": run.stage.name,
        "run": run.mark,
        "stays": [f"{run.mark}-*"] if sends else [],
        "outOfReach": {name: masked_text(said) for name, said in run.dead.items()},
        "checks": [
            {
                "name": check.name,
                "outcome": outcome.state.value,
                "evidence": outcome.evidence,
                "seconds": round(outcome.seconds, 1),
                "shows": check.shows,
                "source": check.source,
            }
            for check, outcome in results
        ],
    }
