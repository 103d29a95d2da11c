"""`orders`: hand in, look up, list, follow and export orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from chalicelib.http.representation import record_json
from chalicelib.services.queries import OrderNotFound
from ops.cli.decisions import put_away_json, put_away_lines, put_away_of
from ops.cli.language import FILE_TEXTS
from ops.cli.orders_export import export_orders
from ops.cli.orders_list import list_orders, tail
from ops.cli.orders_submit import submit
from ops.cli.parameters import OrderId, show_accounts_option
from ops.cli.session import Session, desk_command
from ops.cli.shown_orders import order_facts, print_payload
from ops.cli.shown_submissions import Wanted, show_submission, submission_options
from ops.cli.tables import (
    moment,
    open_term_texts,
    open_terms,
    remark,
    show_facts,
    show_rows,
    status_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chalicelib.orders.record import Record


@click.group(epilog="Example: python -m ops orders show order-001")
def orders() -> None:
    """Hand in, look up, list, follow and export orders."""


@orders.command(
    epilog="""\b
Example: python -m ops orders show order-001
Example: python -m ops orders show order-001 --payload --show-accounts
Example: python -m ops orders show order-001 --submission 84b977f9-9d07-452a-bfeb-d1f03148ddd4"""
)
@click.argument("order_id", type=OrderId())
@click.option("--payload", is_flag=True, help="Print the order's JSON as it was received instead.")
@submission_options
@show_accounts_option
@desk_command
def show(
    session: Session,
    order_id: str,
    *,
    payload: bool,
    submission_id: str | None,
    sha256: str | None,
    show_accounts: bool,
) -> None:
    """
    Show an order and the history of its submissions, oldest first; or one submission.

    A submission that an operator discarded, or resubmitted as another order, has no record: it is
    named below them. Exit code 1: nothing is recorded of the order; it may still be on the queue.
    """
    desk = session.desk
    if submission_id:
        wanted = Wanted(order_id, submission_id, sha256)
        show_submission(session, wanted, payload=payload, show_accounts=show_accounts)
        return
    if sha256:
        raise click.UsageError("--sha256 chooses among the payloads of a --submission.")
    try:
        order = desk.orders.show(order_id)
    except OrderNotFound as error:
        _end_without_record(session, order_id, error)
    if show_accounts:
        desk.record_accounts_shown(f"order {order_id}")
    if payload:
        print_payload(session, order.order, show_accounts=show_accounts)
        return
    url = order.s3_url if show_accounts else None
    history = (
        session.shown(record, show_accounts=show_accounts)
        for record in desk.orders.history(order_id)
    )
    main = session.shown(order.order, show_accounts=show_accounts)
    if session.as_json:
        records = [record_json(record, FILE_TEXTS) for record in history]
        order_json = record_json(main, FILE_TEXTS)
        put_away = put_away_json(put_away_of(session, order_id, show_accounts=show_accounts))
        session.print_json(
            {"order": order_json, "s3Url": url, "records": records, "putAway": put_away}
        )
        return
    show_facts(session.out, order_facts(main, session.texts, url))
    _show_history(session, history, order.order)
    for line in put_away_lines(put_away_of(session, order_id, show_accounts=show_accounts)):
        session.out.print(line)


def _end_without_record(session: Session, order_id: str, error: OrderNotFound) -> NoReturn:
    """Say what is known of an order that has no record: the operators' decisions about it."""
    put_away = put_away_of(session, order_id, show_accounts=False)
    if session.as_json and put_away:
        session.print_json(
            {"order": None, "s3Url": None, "records": [], "putAway": put_away_json(put_away)}
        )
    unrecorded = f"Nothing is recorded of {order_id} on stage {session.desk.stage.name}"
    if put_away:
        raise click.ClickException(
            " ".join([f"{unrecorded}.", *put_away_lines(put_away)])
        ) from error
    raise click.ClickException(
        f"{unrecorded}: it may still be on the queue, or be a dead letter: "
        f"`{session.desk.stage.command('dlq list', order=order_id)}`."
    ) from error


def _show_history(session: Session, history: Iterable[Record], order: Record) -> None:
    show_rows(
        session.out,
        ("processed (UTC)", "submission", "status", *open_terms(), "receives", "remark"),
        (
            (
                moment(record.processed_at),
                record.submission_id,
                status_text(record.status),
                *open_term_texts(record),
                str(record.receive_count),
                _remark(record, order),
            )
            for record in history
        ),
        "No submissions.",
    )


def _remark(record: Record, order: Record) -> str:
    ignored = ", ".join(record.ignored_attributes)
    return "; ".join(
        filter(None, (remark(record, order), ignored and f"ignored attributes: {ignored}"))
    )


for command in (submit, list_orders, tail, export_orders):
    orders.add_command(command)

COMMANDS = (orders,)
