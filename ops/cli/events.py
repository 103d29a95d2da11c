"""`events`: the events of a stage, as consumers get them."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from chalicelib.http.representation import to_json
from chalicelib.services.unavailable import StoreUnavailable
from ops.cli.events_resend import resend
from ops.cli.exits import FOUND_WANTING
from ops.cli.parameters import show_accounts_option
from ops.cli.refusals import failure_words
from ops.cli.session import Session, desk_command
from ops.desk.event_tap import event_to_show
from ops.stop_signals import StopRequested, stop_signals_raise
from ops.terminal.lines import reader_is_gone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.desk.event_tap import EventTap


@click.group(epilog="Example: python -m ops events tail --stage dev")
def events() -> None:
    """Look at the events of orders, or send them again; docs/events.md says what they are."""


@events.command(epilog="Example: python -m ops events tail --stage dev --count 1 --seconds 60")
@click.option("--count", type=click.IntRange(1), help="End after so many.")
@click.option("--seconds", type=click.IntRange(1), help="End after so long.")
@show_accounts_option
@desk_command
def tail(session: Session, count: int | None, seconds: int | None, show_accounts: bool) -> None:
    """
    Show each event as it comes, until Ctrl-C. With --json as consumers get it.

    It makes a queue of its own behind the stage's bus or topic, and removes it at the end. If it
    is killed, the queue is removed by the next run, from 5 minutes on. Exit code 1: fewer
    than --count came.

    \b
    It needs these rights:
      sqs       CreateQueue, TagQueue, GetQueueUrl, ReceiveMessage, DeleteMessage,
                DeleteQueue, ListQueues, ListQueueTags on orders-events-tail-STAGE_*;
                GetQueueAttributes on orders-STAGE
      events    DescribeEventBus, PutRule, PutTargets, RemoveTargets, DeleteRule
      or sns    Subscribe, Unsubscribe, ListSubscriptionsByTopic
    """
    tap = session.desk.event_tap()
    if show_accounts:
        session.desk.record_accounts_shown("events tail")
    shown, stopped = 0, True
    with stop_signals_raise(), suppress(StopRequested):
        with _opened(session, tap):
            for event in islice(tap.follow(seconds, reader_is_gone), count):
                _show(session, event_to_show(event, show_accounts=show_accounts))
                shown += 1
        stopped = False
    session.note(f"Ended: {shown} shown, and what was made for it is removed.")
    if not stopped and shown < (count or 0):
        sys.exit(FOUND_WANTING)


@contextmanager
def _opened(session: Session, tap: EventTap) -> Iterator[None]:
    """Open the tap of a stage, and say what is made for it."""
    _remove_forgotten(session, tap)
    with tap:
        what = tap.source
        session.note(f"Made queue {tap.name}, and a {what.link} that sends it the events.")
        if tap.key:
            session.note(
                f"The queue has the stage's own key, {tap.key}: events come only if the key's "
                f"policy lets {what.service} use it (docs/stages.md)."
            )
        session.note("Waiting for events. Ctrl-C ends it, and removes both.")
        yield


def _remove_forgotten(session: Session, tap: EventTap) -> None:
    """Remove what killed runs have left. Who may not look for it may listen all the same."""
    try:
        for name in tap.remove_forgotten():
            session.note(f"Removed what an earlier run has left: queue {name}.")
    except StoreUnavailable as error:
        why = failure_words(error)
        session.note(f"What earlier runs may have left could not be removed. {why}")


def _show(session: Session, event: dict[str, Any]) -> None:
    if session.as_json:
        session.print_json(event)
        return
    data = event.get("data")
    facts = data if isinstance(data, dict) else {}
    submission = facts.get("submissionId")
    parts = [
        *(event.get(name) for name in ("time", "type", "subject")),
        facts.get("channel"),
        submission and f"submission {submission}",
    ]
    # An event of somebody else has none of these.
    line = "  ".join(f"{part}" for part in parts if part) or to_json(event)
    # On one line, however narrow the terminal is.
    session.out.print(line, soft_wrap=True)


events.add_command(resend)

COMMANDS = (events,)
