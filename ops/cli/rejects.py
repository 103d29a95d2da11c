"""`rejects`: rejected orders, by the rule that they break."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chalicelib.orders.record import Status
from chalicelib.orders.times import iso
from ops.cli.parameters import period_options
from ops.cli.record_lists import query_of
from ops.cli.search_line import search_line
from ops.cli.session import Session, desk_command
from ops.cli.tables import moment, show_rows
from ops.desk.stats import grouped_by_error

if TYPE_CHECKING:
    from ops.desk.stats import ErrorGroup


@click.command(epilog="Example: python -m ops rejects --from 2026-01-01")
@period_options
@desk_command
def rejects(session: Session, **days: Any) -> None:
    """
    Show rejected orders, grouped by error.

    Those of a period, the most frequent error first. An order with two errors counts in both.
    """
    query = query_of(**days, status=Status.REJECTED)
    rejected = session.desk.orders.newest_first(query)
    with search_line(session, rejected):
        groups = grouped_by_error(rejected)
    if session.as_json:
        for group in groups:
            session.print_json(_group_json(group))
        return
    show_rows(
        session.out,
        ("field", "error", "count", "last (UTC)", "for example"),
        (
            (
                group.field_name,
                group.code,
                str(group.count),
                moment(group.last_at),
                ", ".join(group.orders),
            )
            for group in groups
        ),
        f"No order was rejected from {query.first_day} to {query.last_day}.",
    )


def _group_json(group: ErrorGroup) -> dict[str, Any]:
    return {
        "field": group.field_name,
        "code": group.code,
        "count": group.count,
        "lastAt": iso(group.last_at),
        "orders": group.orders,
    }


COMMANDS = (rejects,)
