"""`duplicates`: orders that came in again, under their own id or, as it seems, under another."""

from __future__ import annotations

import sys
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from chalicelib.orders.record import Status
from chalicelib.orders.terms import TERMS
from chalicelib.orders.times import iso
from ops.cli.exits import FOUND_WANTING
from ops.cli.parameters import Duration, limit_option, period_options, show_accounts_option
from ops.cli.record_lists import query_of, show_records
from ops.cli.search_line import watched
from ops.cli.session import Session, desk_command
from ops.cli.tables import limited, moment, show_rows, term_text
from ops.desk.masked_records import masked_suspicion
from ops.desk.search import ANYTHING
from ops.desk.suspected import DEFAULT_WINDOW, LONGEST_WINDOW, compared_terms, suspected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.services.queries import AuditQuery
    from ops.desk.suspected import Sighting, Suspicion
    from ops.terminal.tables import Cell

SHOWN_IDS = 4


@click.command(
    epilog="""\b
Example: python -m ops duplicates --conflicts
Example: python -m ops duplicates --suspected --window 30m
Example: python -m ops duplicates --from 2026-01-01 --json"""
)
@period_options
@click.option(
    "--conflicts",
    is_flag=True,
    help=f"Only those that differ from the accepted one in a term: {', '.join(TERMS)}.",
)
@click.option(
    "--suspected",
    "is_suspected",
    is_flag=True,
    help=f"Accepted orders of other ids with the same {', '.join(compared_terms())}.",
)
@click.option(
    "--window", type=Duration(), help="With --suspected: handed in so close  [default: 10m]"
)
@limit_option
@show_accounts_option
@desk_command
def duplicates(session: Session, limit: int, show_accounts: bool, **chosen: Any) -> None:
    """
    List the duplicates of a period.

    They are valid orders whose id was accepted before. One whose terms differ from the accepted
    one's is a conflict, which someone must look into.

    With --suspected: accepted orders that look like one that was handed in twice under two ids, as
    by a double click. The exit code is 1 if there are any. Each is a finding, and no verdict.
    """
    conflicts, is_suspected = chosen.pop("conflicts"), chosen.pop("is_suspected")
    window = chosen.pop("window")
    if conflicts and is_suspected:
        raise click.UsageError("--conflicts and --suspected exclude each other.")
    if window and not is_suspected:
        raise click.UsageError("--window goes with --suspected.")
    if is_suspected:
        query = query_of(**chosen, status=Status.ACCEPTED)
        _show_suspected(session, query, _checked(window), limit, show_accounts=show_accounts)
        return
    query = query_of(**chosen, status=Status.DUPLICATE)
    walk = session.desk.orders.newest_first(query)
    wanted = (record for record in walk if record.differs) if conflicts else None
    show_records(session, walk, query, limit, show_accounts=show_accounts, found=wanted)


def _checked(window: timedelta | None) -> timedelta:
    if window and window > LONGEST_WINDOW:
        longest = LONGEST_WINDOW // timedelta(hours=1)
        raise click.UsageError(f"--window is {longest}h at most: its orders are held in memory.")
    return window or DEFAULT_WINDOW


def _show_suspected(
    session: Session, query: AuditQuery, window: timedelta, limit: int, *, show_accounts: bool
) -> None:
    if show_accounts:
        session.desk.record_accounts_shown("list of suspected duplicates")
    walk = session.desk.orders.search(query, ANYTHING)
    found = watched(session, walk, suspected(walk, window))
    shown = (each if show_accounts else masked_suspicion(each) for each in limited(found, limit))
    if session.as_json:
        count = session.print_all(map(_suspicion_json, shown))
    else:
        columns = ("first (UTC)", "apart", "count", *compared_terms(), "orders")
        nothing = f"Nothing is suspected from {query.first_day} to {query.last_day}."
        count = show_rows(session.out, columns, map(_row, shown), nothing)
    if limit and count == limit:
        session.note(f"The newest {limit}; --limit 0 shows all.")
    if count:
        session.note("These are findings, and no verdicts: somebody may well pay the same twice.")
        sys.exit(FOUND_WANTING)


def _row(suspicion: Suspicion) -> Sequence[Cell]:
    apart = suspicion.last_at - suspicion.first_at
    return (
        moment(suspicion.first_at),
        f"{apart.total_seconds():,.0f} s",
        f"{suspicion.count:,}",
        *(term_text(suspicion.terms[name]) for name in compared_terms()),
        _ids(suspicion),
    )


def _ids(suspicion: Suspicion) -> str:
    shown = [order.order_id for order in islice(suspicion.in_order, SHOWN_IDS)]
    more = suspicion.count - len(shown)
    return ", ".join([*shown, *([f"{more:,} more"] if more else [])])


def _suspicion_json(suspicion: Suspicion) -> dict[str, Any]:
    return {
        "count": suspicion.count,
        "firstReceivedAt": iso(suspicion.first_at),
        "lastReceivedAt": iso(suspicion.last_at),
        **{name: suspicion.terms[name] for name in compared_terms()},
        "orders": [_order_json(order) for order in suspicion.in_order],
    }


def _order_json(order: Sighting) -> dict[str, Any]:
    return {
        "orderId": order.order_id,
        "submissionId": order.submission_id,
        "channel": order.channel,
        "receivedAt": iso(order.received_at),
        "processedAt": iso(order.processed_at),
    }


COMMANDS = (duplicates,)
