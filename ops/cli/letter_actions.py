"""`dlq redrive` and `dlq discard`: a plan of dead letters, shown, confirmed and carried out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ops.cli.exits import FOUND_WANTING
from ops.cli.hidden_letters import hidden_json, none_words, note_hidden
from ops.cli.letter_selection import selection_of, selection_options
from ops.cli.parameters import required_why_option, why_option, yes_option
from ops.cli.refusals import denial_words
from ops.cli.session import Session, desk_command
from ops.cli.tables import LETTER_COLUMNS, letter_row, show_rows
from ops.desk.dead_letters import DEFAULT_PER_SECOND
from ops.desk.letters import Known, Selection
from ops.desk.look import SLOWEST_PER_SECOND
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.desk.letters import DeadLetter, Handled, Plan

SHOWN_IN_PLAN = 10
SHOWN_FAILURES = 20


@click.command(
    epilog="""\b
Example: python -m ops dlq redrive --reason receives_exhausted --since 2h --dry-run
Example: python -m ops dlq redrive --all --rate 5 --why "table was throttled" --yes"""
)
@selection_options
@click.option("--all", "take_all", is_flag=True, help="All that are there now.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and end.")
@click.option(
    "--rate",
    "per_second",
    type=click.FloatRange(SLOWEST_PER_SECOND, 1000),
    default=DEFAULT_PER_SECOND,
    show_default=True,
    help="At most so many letters a second.",
)
@why_option
@yes_option
@desk_command
def redrive(
    session: Session,
    *,
    take_all: bool,
    dry_run: bool,
    per_second: float,
    why: str,
    yes: bool,
    **chosen: Any,
) -> None:
    """
    Send dead letters back to the orders' queue, to be processed again.

    Shows the plan and asks. Each letter is sent with its submission id and then deleted, so that
    it may be broken off at any point and begun again: a letter that was sent twice is the same
    submission, and is counted once. Only letters of the plan are taken: what fails again and comes
    back is left for another time. A letter that was discarded or resubmitted, and is still there,
    is not sent: to process its order all the same, hand it in anew by `orders submit`. Exit code
    1: some were not sent, and are still there; one that was named was not found; or some are
    hidden, since someone else holds them.
    """
    plan = _planned(session, selection_of(**chosen), take_all=take_all)
    if dry_run or not plan.count:
        _end_of_plan(session, plan, dry_run=dry_run)
        return
    unreadable = plan.by_known.get(Known.UNREADABLE.value, 0)
    if unreadable:
        session.note(f"{unreadable} can't be read, and will come back at once as they are.")
    session.confirm(f"Redrive {plan.count}, at most {per_second:g} a second?", yes=yes)
    handled = session.desk.dead_letters.redrive(plan, why=why, per_second=per_second)
    _carry_out(session, plan, handled, "redriven")


@click.command(
    epilog="""\b
Example: python -m ops dlq discard --reason not_json --why "test messages of the mobile team"
Example: python -m ops dlq discard --message 0f6a1c6e-... --why "resubmitted as order-7b" --yes"""
)
@selection_options
@click.option("--all", "take_all", is_flag=True, help="All that are there now.")
@required_why_option
@click.option("--dry-run", is_flag=True, help="Show the plan, and end.")
@yes_option
@desk_command
def discard(
    session: Session, take_all: bool, why: str, dry_run: bool, yes: bool, **chosen: Any
) -> None:
    """
    Take dead letters off the queue for good.

    Shows the plan and asks. Each letter's text is written to the audit trail, with your reason,
    before it is deleted. If its order is not recorded, the decision is kept in S3 beside the order:
    no redrive, repair or replay hands that submission in again, and `reconcile` and `orders show`
    say who discarded it and why. It stands: to process the order all the same, hand it in anew by
    `orders submit`. A letter that was handed in again, and may be on the queue, is not discarded:
    wait until it is recorded or a dead letter again. Exit code 1: some were not deleted, and are
    still there; one that was named was not found; or some are hidden, since someone else holds
    them.
    """
    plan = _planned(session, selection_of(**chosen), take_all=take_all)
    if dry_run or not plan.count:
        _end_of_plan(session, plan, dry_run=dry_run)
        return
    session.confirm(f"Discard {plan.count} for good?", yes=yes)
    _carry_out(session, plan, session.desk.dead_letters.discard(plan, why=why), "discarded")


def _planned(session: Session, selection: Selection, *, take_all: bool) -> Plan:
    _require_choice(selection, take_all=take_all)
    first: list[DeadLetter] = []
    with session.progress("looking at dead letters") as progress:
        seen = 0

        def look(letter: DeadLetter) -> None:
            nonlocal seen
            seen += 1
            progress(seen)
            if len(first) < SHOWN_IN_PLAN:
                first.append(letter)

        plan = session.desk.dead_letters.plan(selection, look)
    if not session.as_json:
        _show_plan(session, plan, first)
    _note_missing(session, plan)
    if not plan.is_whole:
        note_hidden(session, plan.hidden)
    return plan


def _require_choice(selection: Selection, *, take_all: bool) -> None:
    if take_all and selection != Selection():
        raise click.UsageError(
            "--all excludes --message, --reason, --order and --since: say either which, or all."
        )
    if not take_all and selection == Selection():
        raise click.UsageError(
            "Say which: --message, --reason, --order and --since narrow it down, or --all."
        )


def _note_missing(session: Session, plan: Plan) -> None:
    narrowed = plan.selection != Selection(plan.selection.message_ids)
    where = "just now and meets the other conditions" if narrowed else "just now"
    for message_id in plan.missing:
        session.note(
            f"There is no dead letter {masked_text(message_id)} that can be received {where}: "
            "someone else may be handling it."
        )


def _show_plan(session: Session, plan: Plan, first: list[DeadLetter]) -> None:
    show_rows(session.out, LETTER_COLUMNS, map(letter_row, first), none_words(plan.hidden))
    if plan.count > len(first):
        session.out.print(f"... and {plan.count - len(first)} more")
        session.out.print()
    if plan.count:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(plan.by_reason.items()))
        session.out.print(f"Dead letters: {plan.count} ({reasons}).")


def _end_of_plan(session: Session, plan: Plan, *, dry_run: bool) -> None:
    if session.as_json:
        session.print_json(_plan_json(plan) | {"done": 0, "failed": 0, "dryRun": dry_run})
    elif dry_run and plan.count:
        session.out.print("A dry run: nothing was changed.")
    if plan.missing or not plan.is_whole:
        sys.exit(FOUND_WANTING)


def _carry_out(session: Session, plan: Plan, handled: Iterator[Handled], done_word: str) -> None:
    failures: list[Handled] = []
    done = failed = 0
    with session.progress(done_word, plan.count) as progress:
        try:
            for each in handled:
                if each.error is None:
                    done += 1
                else:
                    failed += 1
                    failures = [*failures, each][:SHOWN_FAILURES]
                progress(done + failed)
        except KeyboardInterrupt:
            session.note(
                f"Broken off: {done} of {plan.count} {done_word}. The others are where they were: "
                "the same command goes on with them."
            )
            raise
    gone = plan.count - done - failed
    if session.as_json:
        session.print_json(_plan_json(plan) | {"done": done, "failed": failed, "gone": gone})
    else:
        for each in failures:
            session.out.print(f"{each.letter.message_id}: {each.error}")
        for denial in dict.fromkeys(each.denial for each in failures if each.denial):
            session.note(f"{denial_words(denial)}.")
        session.out.print(_outcome(f"{done} {done_word}", failed, gone))
    if failed or gone or plan.missing or not plan.is_whole:
        sys.exit(FOUND_WANTING)


def _outcome(done: str, failed: int, gone: int) -> str:
    parts = [done]
    parts += [f"{failed} failed and are still there"] if failed else []
    parts += [f"{gone} had gone meanwhile, or are with someone else"] if gone else []
    return f"{', '.join(parts)}."


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "planned": plan.count,
        "missing": list(map(masked_text, plan.missing)),
        "byReason": dict(plan.by_reason),
        "byKnown": dict(plan.by_known),
        **hidden_json(plan.hidden),
    }
