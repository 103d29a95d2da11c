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
from ops.cli.session import MASKED_RENDERING, Session, desk_command
from ops.cli.tables import (
    error_facts,
    moment,
    open_terms,
    remark,
    show_facts,
    show_rows,
    status_text,
    term_text,
)
from ops.desk.masked_records import masked_key
from ops.desk.masking import masked_payload
from ops.desk.object_failures import ObjectMissing, ObjectUnreadable, PayloadAltered
from ops.terminal.lines import say_exactly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chalicelib.orders.record import Record


@click.group(epilog="Example: python -m ops orders show order-001")
def orders() -> None:
    """Hand in, look up, list, follow and export orders."""


@orders.command(
    epilog="""\b
Example: python -m ops orders show order-001
Example: python -m ops orders show order-001 --payload --show-accounts"""
)
@click.argument("order_id", type=OrderId())
@click.option("--payload", is_flag=True, help="Print the order's JSON as it was received instead.")
@show_accounts_option
@desk_command
def show(session: Session, order_id: str, payload: bool, show_accounts: bool) -> None:
    """
    Show an order and the history of its submissions, oldest first.

    A submission that an operator discarded, or resubmitted as another order, has no record: it is
    named below them. Exit code 1: nothing is recorded of the order; it may still be on the queue.
    """
    desk = session.desk
    try:
        order = desk.orders.show(order_id)
    except OrderNotFound as error:
        _end_without_record(session, order_id, error)
    if show_accounts:
        desk.record_accounts_shown(f"order {order_id}")
    if payload:
        _print_payload(session, order.order, show_accounts=show_accounts)
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
    _show_order(session, main, url)
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


def _show_order(session: Session, record: Record, url: str | None) -> None:
    show_facts(
        session.out,
        [
            ("order", record.order_id),
            ("status", status_text(record.status)),
            *((name, term_text(value) or None) for name, value in record.terms.items()),
            ("received", f"{moment(record.received_at)} UTC"),
            ("submitted by", record.submitted_by),
            ("sent by", record.sent_by),
            ("message's channel", record.message_channel),
            ("ignored attributes", ", ".join(record.ignored_attributes) or None),
            *error_facts(record.errors, session.texts),
            ("archived as", record.s3_key),
            ("download", url),
        ],
    )


def _show_history(session: Session, history: Iterable[Record], order: Record) -> None:
    show_rows(
        session.out,
        ("processed (UTC)", "submission", "status", *open_terms(), "receives", "remark"),
        (
            (
                moment(record.processed_at),
                record.submission_id,
                status_text(record.status),
                *(term_text(record.terms[name]) for name in open_terms()),
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


def _print_payload(session: Session, record: Record, *, show_accounts: bool) -> None:
    try:
        text = session.desk.orders.payload(record)
    except ObjectMissing as error:
        raise click.ClickException(
            f"The archive has no object {masked_key(str(error))}, though the record says so: see "
            f"`{session.desk.stage.command('reconcile')}`."
        ) from error
    except ObjectUnreadable as error:
        raise click.ClickException(
            f"S3 does not give {masked_key(record.s3_key or '')}: {error}."
        ) from error
    except PayloadAltered as error:
        raise click.ClickException(
            f"The {error}. It is not shown, as it is not what was handed in. "
            f"`{session.desk.stage.command('reconcile', repair=True)}` restores an object from its "
            "true version."
        ) from error
    say_exactly(text if show_accounts else masked_payload(text))
    if not show_accounts:
        session.note(MASKED_RENDERING)


for command in (submit, list_orders, tail, export_orders):
    orders.add_command(command)

COMMANDS = (orders,)
