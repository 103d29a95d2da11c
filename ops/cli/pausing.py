"""`pause` and `resume`: the processor stops taking orders off the queue, and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chalicelib.orders.times import iso
from chalicelib.services.unavailable import StoreUnavailable
from ops.cli.exits import OutOfReach
from ops.cli.parameters import required_why_option, why_option, yes_option
from ops.cli.session import Session, desk_command
from ops.desk.masking import masked_text
from ops.lint.mapping_rules import FEWEST_CONCURRENT, MOST_CONCURRENT
from ops.next_command import make_command
from ops.processing_switch import SwitchMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.desk.processing import Look

# From so many seconds on, a duration is said in minutes, or in hours.
IN_MINUTES, IN_HOURS = 120, 7200


@click.command(
    epilog="""\b
Example: python -m ops pause --why "DynamoDB is throttled" --stage prod"""
)
@required_why_option
@yes_option
@desk_command
def pause(session: Session, *, why: str, yes: bool) -> None:
    """
    Stop processing. Orders are taken in as before, and wait on the queue.

    Batches at work are finished. On AWS it turns the event source mapping of the orders' queue off,
    and waits until Lambda has done so; on one machine the worker stops polling. SQS deletes what
    waits when its retention ends: the command says from when on. A pause outlasts a deployment.
    """
    if _looked(session, session.desk.processing.look).paused:
        session.note("It was paused already: nothing was changed.")
    else:
        session.confirm("Stop processing?", yes=yes)
    _show(session, _looked(session, lambda: session.desk.processing.pause(why)))


@click.command(
    epilog="""\b
Example: python -m ops resume --stage prod
Example: python -m ops resume --maximum-concurrency 20 --why "the table is back" --stage prod"""
)
@click.option(
    "--maximum-concurrency",
    type=click.IntRange(FEWEST_CONCURRENT, MOST_CONCURRENT),
    help="Process at most so many batches at once, until it is given again  [default: as it is]",
)
@why_option
@desk_command
def resume(session: Session, *, maximum_concurrency: int | None, why: str) -> None:
    """
    Go on processing after a pause, and say how long what waits will take.

    A sick store that has just come back may be spared with --maximum-concurrency. On one machine
    the worker has the concurrency that it was started with.
    """
    if maximum_concurrency is not None and session.desk.stage.is_local:
        raise click.UsageError(
            "--maximum-concurrency is for a stage on AWS. Here the worker is told at its start: "
            f"`{make_command('run', OPTIONS=f'--concurrency {maximum_concurrency}')}`."
        )
    processing = session.desk.processing
    if maximum_concurrency is None and not _looked(session, processing.look).paused:
        session.note("It was not paused: nothing was changed.")
    _show(session, _looked(session, lambda: processing.resume(why, maximum_concurrency)))


def note_pause(session: Session) -> None:
    """Say of a stage that it is paused, or slowed; where that can't be known, say why."""
    try:
        look = session.desk.processing.look()
    except (StoreUnavailable, SwitchMissing) as error:
        session.out.print(
            f"Whether the processing is paused is not known. {masked_text(str(error))}"
        )
        return
    if look.paused or look.slowed:
        for line in _lines(session, look):
            session.out.print(line)


def pause_json(session: Session) -> dict[str, Any] | None:
    """Show programs whether it is paused; None where that can't be known."""
    try:
        return look_json(session.desk.processing.look())
    except (StoreUnavailable, SwitchMissing):
        return None


def look_json(look: Look) -> dict[str, Any]:
    """Show a look to programs."""
    return {
        "paused": look.paused,
        "pausedAt": iso(look.by.at) if look.by else None,
        "pausedBy": masked_text(look.by.who) if look.by else None,
        "why": masked_text(look.by.why) if look.by else None,
        "inAuditTrail": look.by.in_trail if look.by else None,
        "messages": look.waiting.messages,
        "safeUntil": iso(look.safe_until) if look.safe_until else None,
        "safeSeconds": None if look.safe_for is None else int(look.safe_for.total_seconds()),
        "maximumConcurrency": look.position.maximum_concurrency,
        "slowed": look.slowed,
        "drainSeconds": look.drain_seconds,
    }


def _looked(session: Session, act: Callable[[], Look]) -> Look:
    try:
        return act()
    except SwitchMissing as missing:
        deploy = make_command("deploy", STAGE=session.desk.stage.name)
        raise OutOfReach(f"{missing} Type `{deploy}`.") from missing


def _show(session: Session, look: Look) -> None:
    if session.as_json:
        session.print_json(look_json(look))
        return
    for line in _lines(session, look):
        session.out.print(line)


def _lines(session: Session, look: Look) -> list[str]:
    return _paused_lines(session, look) if look.paused else _going_on_lines(session, look)


def _going_on_lines(session: Session, look: Look) -> list[str]:
    took = "" if look.drain_seconds is None else f", for about {_duration(look.drain_seconds)}"
    lines = [f"Processing goes on. Messages on the queue: {look.waiting.messages:,}{took}."]
    if look.slowed:
        own = look.own_maximum
        command = session.desk.stage.command("resume", maximum_concurrency=own)
        lines.append(
            f"At most {look.position.maximum_concurrency} batches are processed at once; by the "
            f"stage's settings, {own}. For as many, type `{command}`."
        )
    return lines


def _paused_lines(session: Session, look: Look) -> list[str]:
    waiting = f"{look.waiting.messages:,}"
    how = (
        f"since {iso(look.by.at)} by {masked_text(look.by.who)}: {masked_text(look.by.why)}"
        if look.by
        else "not by `ops pause`: nothing says by whom"
    )
    late = (
        ["The audit trail has no entry of it yet, as the table did not answer: `resume` writes it."]
        if look.by and not look.by.in_trail
        else []
    )
    return [
        f"Processing is paused, {how}.",
        *late,
        f"Messages on the queue: {waiting}.{_limit(look)}",
        f"To go on, type `{session.desk.stage.command('resume')}`.",
    ]


def _limit(look: Look) -> str:
    """Say how long what waits may wait."""
    if not look.safe_until or look.safe_for is None:
        kept = _duration(int(look.waiting.retention.total_seconds()))
        return f" SQS keeps each order for {kept}."
    if not look.safe_for:
        return f" SQS deletes the oldest since {iso(look.safe_until)}."
    left = _duration(int(look.safe_for.total_seconds()))
    return f" SQS deletes the oldest from {iso(look.safe_until)} on, which is in {left}."


def _duration(seconds: int) -> str:
    if seconds >= IN_HOURS:
        return f"{seconds / 3600:.0f} hours"
    return f"{seconds} s" if seconds < IN_MINUTES else f"{seconds / 60:.0f} minutes"


COMMANDS = (pause, resume)
