"""`events resend`: the events of a period once more, for consumers that did not get them."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from chalicelib.orders.record import Status
from chalicelib.orders.times import iso
from chalicelib.services.events import event_type
from chalicelib.services.unavailable import StoreUnavailable
from ops.cli.exits import FOUND_WANTING, INTERRUPTED
from ops.cli.parameters import period, period_options, why_option, yes_option
from ops.cli.searches import before_option
from ops.cli.session import Session, desk_command
from ops.desk.resending import DEFAULT_PER_SECOND, Period
from ops.stop_signals import StopRequested, stop_signals_raise
from ops.terminal.lines import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from ops.desk.resending import Sent


@click.command(
    epilog="""\b
Example: python -m ops events resend --from 2026-01-31 --to 2026-01-31 --dry-run
Example: python -m ops events resend --from 2026-01-31 --why "the ledger lost a day" --stage prod"""
)
@period_options
@before_option
@click.option(
    "--status",
    type=click.Choice(Status, case_sensitive=False),
    help="Only the events of this verdict  [default: all that the stage tells]",
)
@click.option("--dry-run", is_flag=True, help="Count them by type, and end.")
@click.option(
    "--rate",
    "per_second",
    type=click.FloatRange(1, 10_000),
    default=DEFAULT_PER_SECOND,
    show_default=True,
    help="At most so many events a second.",
)
@why_option
@yes_option
@desk_command
def resend(
    session: Session,
    *,
    first_day: date | None,
    last_day: date | None,
    before: datetime | None,
    status: Status | None,
    dry_run: bool,
    per_second: float,
    why: str,
    yes: bool,
) -> None:
    """
    Send the events of a period again, newest first, with the ids that they had.

    They go to the stage's bus or topic, so every consumer gets them: one that has acted on an id
    passes over it. Each event is the one that was sent, since a record never changes. A call that
    is throttled is made again, ever later, for some minutes. It may be broken off at any point, and
    says how to go on. Exit code 1: some records are not in the table any more.
    """
    if first_day is None:
        raise click.UsageError("Say which days: --from, and --to if it is not today.")
    first, last = period(first_day, last_day)
    chosen = Period(first, last, _told(session, status), before)
    if dry_run:
        _show_count(session, chosen)
        return
    resending = session.desk.resending
    session.confirm(
        f"Send the events of {first} to {last} again, at most {per_second:g} a second, to "
        f"{resending.target}?",
        yes=yes,
    )
    go_on: dict[str, object] = {
        "status": status,
        "rate": f"{per_second:g}",
        "why": why or None,
        "json": session.as_json,
    }
    sending = _Sending(session, chosen, go_on)
    sent_again = resending.resend(chosen, why=why, per_second=per_second, note=session.note)
    with closing(sent_again) as sent:
        sending.follow(sent)


def _told(session: Session, status: Status | None) -> Sequence[Status]:
    told = session.desk.resending.told
    if status is None:
        return told
    if status not in told:
        raise click.UsageError(
            f"Stage {session.desk.stage.name} tells no {status.value} orders: see EventsOf in "
            "docs/events.md."
        )
    return [status]


def _show_count(session: Session, chosen: Period) -> None:
    counts = Counter[str]()
    with session.progress("records") as progress:
        for record in session.desk.resending.found(chosen):
            counts[event_type(record.status)] += 1
            progress(counts.total())
    if session.as_json:
        session.print_json(_counts_json(chosen, counts, dryRun=True))
        return
    session.out.print(f"{_counted(counts)} to send again. A dry run: nothing was sent.")


class _Sending:
    """The sending as it goes on: what was sent, and where it would go on."""

    def __init__(self, session: Session, chosen: Period, go_on: dict[str, object]) -> None:
        self._session = session
        self._chosen = chosen
        self._go_on = go_on
        self._counts = Counter[str]()
        self._missing = 0
        self._up_to: datetime | None = chosen.before

    def follow(self, sent: Any) -> None:
        try:
            with stop_signals_raise(), self._session.progress("events sent") as progress:
                for each in sent:
                    self._take(each)
                    progress(self._counts.total())
        except StopRequested:
            self._say_how_to_go_on("Broken off")
            sys.exit(INTERRUPTED)
        except StoreUnavailable:
            self._say_how_to_go_on("Stopped")
            raise
        self._show_end()

    def _take(self, sent: Sent) -> None:
        self._counts.update(event_type(record.status) for record in sent.records)
        self._missing += sent.missing
        self._up_to = sent.up_to

    def _say_how_to_go_on(self, word: str) -> None:
        rest = f"what was recorded until {iso(self._up_to)}" if self._up_to else "all others"
        self._session.note(
            f"{word}: {_counted(self._counts)} sent. Not sent, or only in part: {rest}."
        )
        days = {"from": self._chosen.first_day, "to": self._chosen.last_day}
        before = {"before": iso(self._up_to)} if self._up_to else {}
        again = self._session.desk.stage.command("events resend", **days, **before, **self._go_on)
        # Not as a note: one is broken into lines, and a command must stay on its own.
        say(f"To go on, type `{again}`.", err=True)

    def _show_end(self) -> None:
        if self._session.as_json:
            counts = _counts_json(self._chosen, self._counts, dryRun=False)
            self._session.print_json(counts | {"missing": self._missing})
        else:
            self._session.out.print(f"{_counted(self._counts)} sent again.")
        if self._missing:
            self._session.note(f"Listed by the index, and gone from the table: {self._missing:,}.")
            sys.exit(FOUND_WANTING)


def _counted(counts: Counter[str]) -> str:
    total = counts.total()
    parts = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
    return f"{total:,} event{'' if total == 1 else 's'}{f' ({parts})' if parts else ''}"


def _counts_json(chosen: Period, counts: Counter[str], **more: object) -> dict[str, Any]:
    return {
        "from": chosen.first_day.isoformat(),
        "to": chosen.last_day.isoformat(),
        "events": counts.total(),
        "byType": dict(sorted(counts.items())),
        **more,
    }
