"""`duplicates`: orders that came in again."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.orders.record import Status
from chalicelib.orders.terms import TERMS
from ops.cli.parameters import limit_option, period_options, show_accounts_option
from ops.cli.record_lists import query_of, show_records
from ops.cli.session import Session, desk_command


@click.command(
    epilog="""\b
Example: python -m ops duplicates --conflicts
Example: python -m ops duplicates --from 2026-01-01 --json"""
)
@period_options
@click.option(
    "--conflicts",
    is_flag=True,
    help=f"Only those that differ from the accepted one in a term: {', '.join(TERMS)}.",
)
@limit_option
@show_accounts_option
@desk_command
def duplicates(
    session: Session,
    conflicts: bool,
    limit: int,
    show_accounts: bool,
    **days: Any,
) -> None:
    """
    List the duplicates of a period.

    They are valid orders whose id was accepted before. One whose terms differ from the accepted
    one's is a conflict, which someone must look into.
    """
    query = query_of(**days, status=Status.DUPLICATE)
    records = session.desk.orders.newest_first(query)
    wanted = (record for record in records if record.differs or not conflicts)
    show_records(session, wanted, limit, show_accounts=show_accounts)


COMMANDS = (duplicates,)
