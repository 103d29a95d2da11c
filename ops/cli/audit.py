"""`audit`: the actions of operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chalicelib.orders.times import iso
from ops.cli.parameters import limit_option, period, period_options, show_accounts_option
from ops.cli.session import Session, desk_command
from ops.cli.tables import limited, moment, show_rows
from ops.desk.audit_words import detail_words
from ops.texts import texts_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.texts import Texts
    from ops.desk.audit_trail import Action
    from ops.terminal.tables import Cell

SHOWN_DETAIL = 120
# For machines: the order and the submission say as much to people.
NOT_SHOWN = {"payloadSha256", "key"}


@click.command(
    epilog="""\b
Example: python -m ops audit --from 2026-01-01
Example: python -m ops audit --json | grep '"what":"dlq.discard"'"""
)
@period_options
@limit_option
@show_accounts_option
@desk_command
def audit(session: Session, limit: int, show_accounts: bool, first_day: Any, last_day: Any) -> None:
    """
    Show what operators did, newest first.

    Who, when, what and why. A discarded dead letter's text is kept here, with its accounts masked.
    """
    first, last = period(first_day, last_day)
    if show_accounts:
        session.desk.record_accounts_shown("audit trail")
    actions = limited(session.desk.audit_trail.newest_first(first, last), limit)
    if session.as_json:
        for action in actions:
            session.print_json(_action_json(action, show_accounts=show_accounts))
        return
    texts = texts_in(session.texts.language)
    show_rows(
        session.out,
        ("when (UTC)", "who", "what", "why", "details"),
        (_action_row(action, texts, show_accounts=show_accounts) for action in actions),
        f"No operator did anything from {first} to {last}.",
    )


def _action_json(action: Action, *, show_accounts: bool) -> dict[str, Any]:
    action = action if show_accounts else action.masked
    return {
        "at": iso(action.at),
        "who": action.who,
        "what": action.what,
        "stage": action.stage,
        "why": action.why,
        "details": dict(sorted(action.details.items())),
    }


def _action_row(action: Action, texts: Texts, *, show_accounts: bool) -> Sequence[Cell]:
    action = action if show_accounts else action.masked
    shown = ", ".join(
        f"{label} {value[:SHOWN_DETAIL]}{'…' if len(value) > SHOWN_DETAIL else ''}"
        for name, label, value in sorted(detail_words(action, texts))
        if name not in NOT_SHOWN
    )
    return (moment(action.at), action.who, action.what, action.why, shown)


COMMANDS = (audit,)
