"""Lists of records: the options that choose them, and the table that shows them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from chalicelib.http.representation import record_json
from chalicelib.orders.record import Record, Status
from chalicelib.orders.terms import CHANNELS
from chalicelib.services.queries import AuditFilter, AuditQuery
from ops.cli.language import FILE_TEXTS
from ops.cli.options import either, options
from ops.cli.parameters import period
from ops.cli.search_line import watched
from ops.cli.tables import (
    ROWS_AT_ONCE,
    limited,
    needs_accepted,
    record_columns,
    record_row,
    show_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ops.cli.session import Session
    from ops.desk.newest_first import NewestFirst
    from ops.terminal.tables import Cell

filter_options = options(
    click.option("--status", type=click.Choice(Status, case_sensitive=False), help="This verdict."),
    click.option("--channel", type=click.Choice(CHANNELS), help="This channel."),
    either("valid", "--valid", "--invalid", ("Only valid ones.", "Only invalid ones.")),
    either(
        "is_duplicate",
        "--duplicate",
        "--no-duplicate",
        ("Only those whose id was seen before.", "Only the first of each id."),
    ),
)


def query_of(first_day: Any = None, last_day: Any = None, **chosen: Any) -> AuditQuery:
    """Make the query that the options ask for."""
    first, last = period(first_day, last_day)
    return AuditQuery(first, last, filter_of(**chosen))


def filter_of(**chosen: Any) -> AuditFilter:
    """Make the filter that the options ask for."""
    given = {name: value for name, value in chosen.items() if value is not None}
    return AuditFilter(**given)


def show_records(
    session: Session,
    walk: NewestFirst,
    query: AuditQuery,
    limit: int,
    *,
    show_accounts: bool,
    found: Iterable[Record] | None = None,
) -> None:
    """
    Show the first records of a walk, masked unless the operator asks for the accounts.

    `found` are those among them that are wanted, if not all are.
    """
    if show_accounts:
        session.desk.record_accounts_shown("list of orders")
    records = limited(watched(session, walk, found), limit)
    shown = (session.shown(record, show_accounts=show_accounts) for record in records)
    if session.as_json:
        for record in shown:
            session.print_json(record_json(record, FILE_TEXTS))
        return
    count = show_rows(session.out, record_columns(), _rows(session, shown), None)
    if not count:
        session.out.print(f"No such records {_searched(walk, query)}.")
    elif count == limit:
        session.note(f"The newest {limit}; --limit 0 shows all.")


def _searched(walk: NewestFirst, query: AuditQuery) -> str:
    """Say where there is nothing, now that the records are read."""
    if walk.stopped_at:
        return "so far"
    return f"from {query.first_day} to {query.last_day}"


def _rows(session: Session, records: Iterable[Record]) -> Iterator[Sequence[Cell]]:
    """Make rows. Read the accepted records once for as many rows as are printed at once."""
    source = iter(records)
    while piece := list(islice(source, ROWS_AT_ONCE)):
        compared = {record.order_id for record in piece if needs_accepted(record)}
        accepted = session.desk.accepted(compared) if compared else {}
        for record in piece:
            yield record_row(record, accepted.get(record.order_id))
