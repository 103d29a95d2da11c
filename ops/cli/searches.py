"""The options of a search for records, and the command that goes on where one has stopped."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from chalicelib.orders.terms import TERMS
from chalicelib.orders.times import iso
from ops.cli.options import options
from ops.cli.parameters import Moment
from ops.desk.masking import masked_text
from ops.desk.newest_first import Bounds
from ops.desk.search import (
    ANYTHING,
    SENDER,
    BadSearch,
    masked_kinds,
    read_wanted,
    search_names,
    term_kinds,
)
from ops.terminal.lines import ask_hidden, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.services.queries import AuditFilter, AuditQuery
    from ops.cli.session import Session
    from ops.desk.newest_first import NewestFirst
    from ops.desk.search import Wanted

# Of a thousand records each: about 37,000 read units, or half a cent.
MOST_READS = 400
ASKED = "-"
CAPITAL = re.compile(r"(?=[A-Z])")
HELP = {SENDER: "Of this caller (ARN; a role's: all its sessions), or SQS's id of a sender."}


def flag(name: str) -> str:
    """Write the name of a field as an option: `submittedBy` as `--submitted-by`."""
    return "--" + CAPITAL.sub("-", name).lower()


def search_options() -> Callable[..., Any]:
    """Make an option for all that can be searched for; `-` asks for its value."""
    return options(
        *(
            click.option(flag(name), f"sought_{name}", metavar="VALUE", help=_help(name))
            for name in search_names()
        )
    )


before_option = click.option(
    "--before", type=Moment(), help="Only those that were recorded until then, as 2h or a time."
)


def take_wanted(session: Session, chosen: dict[str, Any]) -> Wanted:
    """Take the search out of the options, and ask for what is to be asked for."""
    given = {name: chosen.pop(f"sought_{name}", None) for name in search_names()}
    texts = {name: _asked(name, text) for name, text in given.items() if text is not None}
    try:
        return read_wanted(texts)
    except BadSearch as bad:
        error = bad.errors[0]
        words = session.texts.sentence(error.sentence)
        raise click.BadParameter(words, param_hint=f"'{flag(error.field)}'") from bad


def searched_for(session: Session, query: AuditQuery, wanted: Wanted, where: str) -> NewestFirst:
    """Read all records of a period that are wanted. The audit trail has an account first."""
    orders = session.desk.orders
    if wanted == ANYTHING:
        return orders.newest_first(query)
    session.desk.record_search(wanted, where)
    return orders.search(query, wanted)


def bounded(before: Any) -> Bounds:
    """Bound a search: to what was recorded until then, and to so many reads."""
    return Bounds(before, MOST_READS)


def note_stop(session: Session, walk: NewestFirst, query: AuditQuery, **shown_as: object) -> bool:
    """Say where a search has stopped, if it has, and the command that goes on."""
    if walk.stopped_at is None:
        return False
    at = iso(walk.stopped_at)
    again = {"from": query.first_day, "before": at, **_sought(), **_filters(query.only)}
    shown_as["json"] = session.as_json
    command = session.desk.stage.command("orders list", **again, **shown_as)
    session.note(
        f"Stopped after {walk.reads} reads: what was recorded after {at} was looked through."
    )
    # Not as a note: one is broken into lines, and a command must stay on its own.
    say(f"To go on, type `{command}`.", err=True)
    return True


def _sought() -> dict[str, object]:
    """Return the options of the search that was typed, to be typed again."""
    params = click.get_current_context().params
    given = {name: params.get(f"sought_{name}") for name in search_names()}
    return {
        flag(name).removeprefix("--"): _typed(name, value) for name, value in given.items() if value
    }


def _filters(only: AuditFilter) -> dict[str, object]:
    return {
        "status": only.status and only.status.value,
        "channel": only.channel,
        "valid": only.valid is True,
        "invalid": only.valid is False,
        "duplicate": only.is_duplicate is True,
        "no_duplicate": only.is_duplicate is False,
    }


def _help(name: str) -> str:
    kinds = term_kinds()
    return HELP.get(name) or f"With exactly this {' or '.join(kinds[name])}; - asks for it."


def _asked(name: str, text: str) -> str:
    """Read a value that is `-`: no list of processes shows it, and no history keeps it."""
    if text != ASKED:
        return text
    if sys.stdin.isatty():
        return ask_hidden(flag(name).removeprefix("--"))
    return sys.stdin.readline().rstrip("\r\n")


def _typed(name: str, value: str) -> str:
    """Write a value into a command that is shown: one that must be masked is asked for again."""
    kinds = term_kinds()
    if name in kinds and TERMS[kinds[name][0]].decimal:
        return value  # As every list shows an amount, however many digits it has.
    is_shown = name not in masked_kinds() and masked_text(value) == value
    return value if is_shown else ASKED
