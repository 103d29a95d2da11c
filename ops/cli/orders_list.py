"""`orders list` and `orders tail`: the records of a period, and new ones as they are written."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from chalicelib.http.representation import record_json
from ops.cli.exits import FOUND_WANTING
from ops.cli.language import FILE_TEXTS
from ops.cli.parameters import Moment, limit_option, period_options, show_accounts_option
from ops.cli.record_lists import filter_of, filter_options, query_of, show_records
from ops.cli.searches import before_option, bounded, note_stop, search_options, take_wanted
from ops.cli.session import Session, desk_command
from ops.cli.tables import STATUS_STYLES, moment, open_term_texts, remark
from ops.desk.search import ANYTHING
from ops.terminal.consoles import cell

if TYPE_CHECKING:
    from chalicelib.orders.record import Record


@click.command(
    "list",
    epilog="""\b
Example: python -m ops orders list --status REJECTED --from 2026-01-01 --to 2026-01-31
Example: python -m ops orders list --account 1111111 --amount 25.80 --from 2026-01-01
Example: python -m ops orders list --limit 0 --json | python -m json.tool --json-lines""",
)
@period_options
@before_option
@search_options()
@filter_options
@limit_option
@show_accounts_option
@desk_command
def list_orders(
    session: Session, before: Any, limit: int, show_accounts: bool, **chosen: Any
) -> None:
    """
    List the records of a period, newest first.

    A search by terms or by caller reads within bounds. Where it stops, it names the command that
    goes on, and the exit code is 1. One by account is written to the audit trail.
    """
    wanted = take_wanted(session, chosen)
    query = query_of(**chosen)
    orders = session.desk.orders
    if wanted == ANYTHING and before is None:
        show_records(session, orders.newest_first(query), query, limit, show_accounts=show_accounts)
        return
    session.desk.record_search(wanted, f"orders list of {query.first_day} to {query.last_day}")
    found = orders.search(query, wanted, bounded(before))
    show_records(session, found, query, limit, show_accounts=show_accounts)
    if note_stop(session, found, query, limit=limit, show_accounts=show_accounts):
        sys.exit(FOUND_WANTING)


@click.command(epilog="Example: python -m ops orders tail --status REJECTED --stage prod")
@filter_options
@click.option("--since", type=Moment(), help="Begin with those since then, as 15m or a time.")
@click.option("--count", type=click.IntRange(1), help="End after so many.")
@click.option("--every", "every_seconds", default=1.0, show_default=True, help="Seconds.")
@show_accounts_option
@desk_command
def tail(
    session: Session,
    since: Any,
    count: int | None,
    every_seconds: float,
    show_accounts: bool,
    **chosen: Any,
) -> None:
    """Show records as they are written, until Ctrl-C."""
    if show_accounts:
        session.desk.record_accounts_shown("orders tail")
    records = session.desk.orders.follow(
        filter_of(**chosen), since=since, every_seconds=every_seconds
    )
    if not session.as_json:
        session.note("Waiting for records. Ctrl-C ends it.")
    try:
        for record in islice(records, count):
            shown = session.shown(record, show_accounts=show_accounts)
            if session.as_json:
                session.print_json(record_json(shown, FILE_TEXTS))
                sys.stdout.flush()
            else:
                _show_line(session, shown)
    except KeyboardInterrupt:
        session.note("Ended.")


def _show_line(session: Session, record: Record) -> None:
    session.out.print(
        moment(record.processed_at),
        cell(f"{record.status:<9}", STATUS_STYLES[record.status]),
        "  ".join(filter(None, [record.order_id, *open_term_texts(record), remark(record)])),
    )
