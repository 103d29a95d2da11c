"""`dlq`: look at dead letters, send them back, or put them away."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from chalicelib.submissions import iso
from ops.cli.exits import FOUND_WANTING
from ops.cli.options import options
from ops.cli.session import (
    Moment,
    OrderId,
    Session,
    desk_command,
    limit_option,
    show_accounts_option,
    yes_option,
)
from ops.cli.tables import (
    LETTER_COLUMNS,
    facts,
    letter_row,
    limited,
    moment,
    show_rows,
    what_is_recorded,
)
from ops.desk.dead_letters import DEFAULT_PER_SECOND, REASONS, DeadLetter, Known, Plan, Selection
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ops.desk.dead_letters import Handled

SHOWN_IN_PLAN = 10
SHOWN_FAILURES = 20
LOOKED = (
    "SQS can't show a message without receiving it: each one was hidden from others meanwhile, its "
    "receive count rose by 1, and it has been returned."
)

selection_options = options(
    click.option("--message", "message_ids", multiple=True, help="This message; may be repeated."),
    click.option(
        "--reason",
        type=click.Choice(REASONS),
        metavar="REASON",
        help="Those with this reason, as `dlq list` shows it.",
    ),
    click.option("--order", "order_id", type=OrderId(), help="Those of this order."),
    click.option("--since", type=Moment(), help="Those last seen since then: 2h, or a time."),
)


@click.group(epilog="Example: python -m ops dlq list --stage prod")
def dlq() -> None:
    """
    Look at the dead letters, redrive them, or discard them.

    SQS has no way to look into a queue without receiving from it. What is looked at is hidden from
    others until the command ends, and its receive count rises by 1. Should the command be killed,
    SQS returns the messages by itself after 5 minutes.
    """


@dlq.command(
    "list",
    epilog="""\b
Example: python -m ops dlq list --reason not_json
Example: python -m ops dlq list --limit 0 --json | jq -r .messageId""",
)
@selection_options
@limit_option
@desk_command
def list_letters(session: Session, limit: int, **chosen: Any) -> None:
    """
    List dead letters: which order, why, since when, and what is recorded of it now.

    Each message listed is received, which hides it from others until the list ends and raises its
    receive count by 1; then it is returned. SQS gives them in no order.
    """
    with closing(session.desk.dead_letters.look(_selection(**chosen))) as letters:
        shown = limited(letters, limit)
        if session.as_json:
            for letter in shown:
                session.line(letter_json(letter))
            return
        count = show_rows(
            session.out, LETTER_COLUMNS, map(letter_row, shown), "No such dead letters."
        )
    if count:
        session.note(LOOKED)
    if count and count == limit:
        session.note(f"The first {limit} that SQS gave; --limit 0 shows all.")


@dlq.command(epilog="Example: python -m ops dlq show 0f6a1c6e-2d5b-4c1e-9a4e-3f1f0f1b2c3d")
@click.argument("message_id")
@show_accounts_option
@desk_command
def show(session: Session, message_id: str, show_accounts: bool) -> None:
    """
    Show one dead letter, with its text and its attributes.

    It is received and returned, as by `dlq list`. Exit code 1: it isn't there.
    """
    letter = session.desk.dead_letters.find(message_id)
    if letter is None:
        raise click.ClickException(
            f"There is no dead letter {message_id} that can be received just now: someone else "
            "may be handling it."
        )
    if show_accounts:
        session.desk.record_accounts_shown(f"dead letter {message_id}")
    body = letter.message.body if show_accounts else masked_text(letter.message.body)
    if session.as_json:
        attributes = {
            name: letter.message.attribute(name) for name in letter.message.message_attributes
        }
        session.line({**letter_json(letter), "attributes": attributes, "body": body})
        return
    facts(
        session.out,
        [
            ("message", letter.message_id),
            ("order", letter.order_id),
            ("submission", letter.submission_id),
            ("reason", letter.reason),
            ("detail", letter.detail),
            ("first seen", f"{moment(letter.first_seen_at)} UTC"),
            ("last seen", f"{moment(letter.last_seen_at)} UTC"),
            ("receives", str(letter.message.receive_count)),
            ("record store says", what_is_recorded(letter)),
            *(
                (name, letter.message.attribute(name))
                for name in sorted(letter.message.message_attributes)
                if not name.startswith("unreadable")
            ),
        ],
    )
    session.out.print()
    session.out.print(body, markup=False)
    session.note(LOOKED)


@dlq.command(
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
    type=click.FloatRange(0.1, 1000),
    default=DEFAULT_PER_SECOND,
    show_default=True,
    help="At most so many letters a second.",
)
@click.option("--why", default="", help="For the audit trail.")
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
    back is left for another time. Exit code 1: some could not be sent, and are still there; or one
    that was named was not found.
    """
    plan = _planned(session, _selection(**chosen), take_all=take_all)
    if dry_run or not plan.count:
        _end_of_plan(session, plan, dry_run=dry_run)
        return
    unreadable = plan.by_known.get(Known.UNREADABLE.value, 0)
    if unreadable:
        session.note(f"{unreadable} can't be read, and will come back at once as they are.")
    session.confirm(f"Redrive {plan.count}, at most {per_second:g} a second?", yes=yes)
    handled = session.desk.dead_letters.redrive(plan, why=why, per_second=per_second)
    _carry_out(session, plan, handled, "redriven")


@dlq.command(
    epilog="""\b
Example: python -m ops dlq discard --reason not_json --why "test messages of the mobile team"
Example: python -m ops dlq discard --message 0f6a1c6e-... --why "resubmitted as order-7b" --yes"""
)
@selection_options
@click.option("--all", "take_all", is_flag=True, help="All that are there now.")
@click.option("--why", required=True, help="For the audit trail: nothing goes without a reason.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and end.")
@yes_option
@desk_command
def discard(
    session: Session, take_all: bool, why: str, dry_run: bool, yes: bool, **chosen: Any
) -> None:
    """
    Take dead letters off the queue for good.

    Shows the plan and asks. Each letter's text is written to the audit trail, with your reason,
    before it is deleted. Exit code 1: some could not be deleted, and are still there; or one that
    was named was not found.
    """
    if not why.strip():
        raise click.UsageError("--why needs a reason.")
    plan = _planned(session, _selection(**chosen), take_all=take_all)
    if dry_run or not plan.count:
        _end_of_plan(session, plan, dry_run=dry_run)
        return
    session.confirm(f"Discard {plan.count} for good?", yes=yes)
    _carry_out(session, plan, session.desk.dead_letters.discard(plan, why=why), "discarded")


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter for pipes, without its text."""
    return {
        "messageId": letter.message_id,
        "orderId": letter.order_id,
        "submissionId": letter.submission_id,
        "reason": letter.reason,
        "firstSeenAt": iso(letter.first_seen_at) if letter.first_seen_at else None,
        "lastSeenAt": iso(letter.last_seen_at) if letter.last_seen_at else None,
        "receiveCount": letter.message.receive_count,
        "recorded": letter.known.value,
        "recordedStatus": letter.status.value if letter.status else None,
    }


def _selection(
    message_ids: tuple[str, ...],
    reason: str | None,
    order_id: str | None,
    since: datetime | None,
) -> Selection:
    return Selection(frozenset(message_ids), reason, order_id, since)


def _planned(session: Session, selection: Selection, *, take_all: bool) -> Plan:
    if take_all and selection != Selection():
        raise click.UsageError(
            "--all excludes --message, --reason, --order and --since: say either which, or all."
        )
    if not take_all and selection == Selection():
        raise click.UsageError(
            "Say which: --message, --reason, --order and --since narrow it down, or --all."
        )
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
    narrowed = selection != Selection(selection.message_ids)
    where = "just now and meets the other conditions" if narrowed else "just now"
    for message_id in plan.missing:
        session.note(
            f"There is no dead letter {message_id} that can be received {where}: someone else may "
            "be handling it."
        )
    return plan


def _show_plan(session: Session, plan: Plan, first: list[DeadLetter]) -> None:
    show_rows(session.out, LETTER_COLUMNS, map(letter_row, first), "No such dead letters.")
    if plan.count > len(first):
        session.out.print(f"... and {plan.count - len(first)} more\n")
    if plan.count:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(plan.by_reason.items()))
        session.out.print(f"Dead letters: {plan.count} ({reasons}).", markup=False)


def _end_of_plan(session: Session, plan: Plan, *, dry_run: bool) -> None:
    if session.as_json:
        session.line(_plan_json(plan) | {"done": 0, "failed": 0, "dryRun": dry_run})
    elif dry_run and plan.count:
        session.out.print("A dry run: nothing was changed.")
    if plan.missing:
        sys.exit(FOUND_WANTING)


def _carry_out(session: Session, plan: Plan, handled: Iterator[Handled], done_word: str) -> None:
    failures: list[Handled] = []
    done = failed = 0
    with session.progress(done_word, plan.count) as progress:
        for each in handled:
            if each.error is None:
                done += 1
            else:
                failed += 1
                failures = [*failures, each][:SHOWN_FAILURES]
            progress(done + failed)
    gone = plan.count - done - failed
    if session.as_json:
        session.line(_plan_json(plan) | {"done": done, "failed": failed, "gone": gone})
    else:
        for each in failures:
            session.out.print(f"{each.letter.message_id}: {each.error}", markup=False)
        parts = [f"{done} {done_word}"]
        parts += [f"{failed} failed and are still there"] if failed else []
        parts += [f"{gone} had gone meanwhile, or are with someone else"] if gone else []
        session.out.print(f"{', '.join(parts)}.", markup=False)
    if failed or gone or plan.missing:
        sys.exit(FOUND_WANTING)


def _plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "planned": plan.count,
        "missing": plan.missing,
        "byReason": dict(plan.by_reason),
        "byKnown": dict(plan.by_known),
    }


COMMANDS = (dlq,)
