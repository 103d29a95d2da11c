"""`dlq resubmit`: a dead letter's order, mended, handed in as a new submission in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chalicelib.http.representation import receipt_json
from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import parse_order
from ops.cli.found_letter import found_letter
from ops.cli.language import FILE_TEXTS
from ops.cli.parameters import why_option, yes_option
from ops.cli.session import Session, desk_command
from ops.cli.tables import error_facts, show_facts
from ops.desk.decisions import DecisionStands
from ops.desk.masked_records import masked_error, unreadable_words

if TYPE_CHECKING:
    from chalicelib.orders.order import Order
    from ops.desk.letters import DeadLetter


@click.command(
    epilog="""\b
Example: python -m ops dlq resubmit 0f6a1c6e-... --file order-7b.json --why "id was taken"
"""
)
@click.argument("message_id")
@click.option("--file", type=click.Path(), required=True, help="The order's JSON; - is stdin.")
@why_option
@yes_option
@desk_command
def resubmit(session: Session, message_id: str, file: str, why: str, yes: bool) -> None:
    """
    Hand an order in, in place of a dead letter's.

    It is a new submission, of the same order or another one. The letter stays: discard it once the
    new one is recorded. It can't be redriven then, and no repair or replay hands its order in: one
    of the two is accepted at most. To repeat the command with the same file is safe. Exit code 1:
    nothing was handed in.
    """
    body = _body(file)
    order = _read(session, body)
    letter = found_letter(session, message_id)
    _ask(session, letter, order, yes=yes)
    try:
        receipt = session.desk.resubmissions.hand_in(letter, body, why=why)
    except DecisionStands as error:
        raise click.ClickException(f"Nothing was handed in. {error}") from error
    receipt = receipt._replace(order=order)
    if session.as_json:
        session.print_json(receipt_json(receipt, FILE_TEXTS))
        return
    show_facts(
        session.out,
        [
            ("order", receipt.order.id),
            ("submission", receipt.submission_id),
            ("status", "QUEUED"),
            ("in place of", letter.order_id or "an unreadable order"),
        ],
    )


def _body(file: str) -> bytes:
    try:
        with click.open_file(file, "rb") as opened:
            content: bytes = opened.read()
    except OSError as error:
        raise click.FileError(file, error.strerror or str(error)) from error
    return content


def _read(session: Session, body: bytes) -> Order:
    try:
        order = parse_order(body)
        return order._replace(errors=tuple(map(masked_error, order.errors)))
    except UnreadableOrder as error:
        raise click.ClickException(unreadable_words(error, session.texts)) from error


def _ask(session: Session, letter: DeadLetter, order: Order, *, yes: bool) -> None:
    if order.errors and not session.as_json:
        session.out.print("It will be rejected:")
        show_facts(session.out, error_facts(order.errors, session.texts))
    instead = letter.order_id or "the unreadable letter"
    session.confirm(f"Hand in {order.id} in place of {instead}?", yes=yes)
