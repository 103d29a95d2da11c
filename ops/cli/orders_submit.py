"""`orders submit`: hand an order in, or judge it in a dry run."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import click

from chalicelib.http.problems import problem_of
from chalicelib.http.representation import (
    NOT_QUEUED,
    QUEUED,
    judgement_json,
    path_of_receipt,
    receipt_json,
)
from chalicelib.orders.errors import UnreadableOrder
from chalicelib.services.intake import (
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    judge,
    require_usable_key,
)
from ops.cli.api_address import api_url_option
from ops.cli.exits import FOUND_WANTING
from ops.cli.language import FILE_TEXTS
from ops.cli.orders_judge_lines import show_judged_lines
from ops.cli.orders_submit_lines import STDIN, Typed, submit_lines
from ops.cli.session import Session, deskless_command
from ops.cli.shown_submissions import Wanted, show_command
from ops.cli.tables import error_facts, show_facts
from ops.desk.masked_records import masked_order, masked_sentence
from ops.desk.masking import masked_text
from ops.terminal.consoles import cell

LINES_SUFFIXES = (".ndjson", ".jsonl")
STDIN_NAME = "<stdin>"

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.orders.order import Order
    from chalicelib.services.intake import Receipt


@click.command(
    epilog="""\b
Example: python -m ops orders submit '{"id": "order-001", "amount": 2580,
         "fromAccount": "1111111", "toAccount": "7777777"}'
Example: python -m ops orders submit --file order.json --stage dev
Example: python -m ops orders submit --file order.json --dry-run
Example: python -m ops orders submit orders.ndjson --stage dev"""
)
@click.argument("order", required=False)
@click.option("--file", type=click.File("rb"), help="Read the order from a file; - is stdin.")
@click.option("--lines", is_flag=True, help="A file of orders, one a line, whatever its name.")
@click.option("--idempotency-key", help="One key is one submission, for 24 hours.")
@click.option("--dry-run", is_flag=True, help="Judge what is given, queue nothing; needs no stage.")
@click.option("--afresh", is_flag=True, help="Of a file of lines: begin anew, as new submissions.")
@api_url_option
@deskless_command
def submit(
    session: Session,
    order: str | None,
    file: IO[bytes] | None,
    *,
    lines: bool,
    idempotency_key: str | None,
    dry_run: bool,
    afresh: bool,
    api_url: str | None,
) -> None:
    """
    Hand in an order, as POST /orders does, or a file of orders, one a line.

    One order goes straight to the queue. In place of the JSON, - reads it from stdin. Exit code 1:
    no order can be read from it, or the key was used for other bytes; nothing was queued.

    A file whose name ends in .ndjson or .jsonl goes through the stage's API, batch by batch,
    however large it is. Typed again after an interruption, the command goes on, and doubles
    nothing. Refused lines are copied to a file beside it. Exit code 1: some were refused. 3: the
    API does not take them now.

    A dry run says what is wrong with the orders by themselves, and asks no service: not whether
    an id is taken. Exit code 1: not all are valid.
    """
    _require_one_source(order, file)
    name = _file_name(file) if file else str(order)
    if lines or name.endswith(LINES_SUFFIXES):
        typed = Typed(name, lines, api_url, idempotency_key, afresh)
        with _refusing_in_the_apis_words(session):
            require_usable_key(idempotency_key)
        _take_lines(session, typed, dry_run=dry_run)
        return
    if afresh or api_url:
        raise click.UsageError("--afresh and --api-url are for a file of lines.")
    with _refusing_in_the_apis_words(session):
        if dry_run:
            _show_judgement(session, judge(_body(order, file), idempotency_key))
            return
        # Before the order is read: whoever types it should not do so in vain.
        orders = session.desk.orders
        receipt = orders.submit(_body(order, file), idempotency_key=idempotency_key)
    _show_receipt(session, receipt, keyed=idempotency_key is not None)


@contextmanager
def _refusing_in_the_apis_words(session: Session) -> Iterator[None]:
    """End the command with what the API says of a refused order, without accounts."""
    try:
        yield
    except (UnreadableOrder, InvalidIdempotencyKey, IdempotencyKeyReused) as error:
        if not isinstance(error, IdempotencyKeyReused):
            error.sentence = masked_sentence(error.sentence)
        raise click.ClickException(problem_of(error).body(session.texts)["detail"]) from error


def _require_one_source(order: str | None, file: IO[bytes] | None) -> None:
    if (order is None) == (file is None):
        raise click.UsageError("Give the order's JSON, or --file.")
    if order is not None and order.startswith("@"):
        name = masked_text(order[1:])
        raise click.UsageError(f"To read the order from a file, type --file {name}")


def _file_name(file: IO[bytes]) -> str:
    name = str(getattr(file, "name", STDIN_NAME))
    return STDIN if name == STDIN_NAME else name


def _take_lines(session: Session, typed: Typed, *, dry_run: bool) -> None:
    if typed.file == STDIN and typed.afresh:
        raise click.UsageError("--afresh is for a file: stdin is always handed in from its start.")
    if not dry_run:
        typed.require_file()
        submit_lines(session, typed)
    elif typed.file == STDIN:
        show_judged_lines(session, sys.stdin.buffer)
    else:
        typed.require_file()
        with typed.path.open("rb") as file:
            show_judged_lines(session, file)


def _body(order: str | None, file: IO[bytes] | None) -> bytes:
    source = sys.stdin.buffer if order == "-" else file
    # What is typed may be no UTF-8: then it stands in the argument as surrogates.
    return source.read() if source else (order or "").encode(errors="surrogateescape")


def _show_receipt(session: Session, receipt: Receipt, *, keyed: bool) -> None:
    order = masked_order(receipt.order)
    if session.as_json:
        session.print_json(receipt_json(receipt._replace(order=order), FILE_TEXTS))
    else:
        _show_order(session, order, QUEUED, receipt.submission_id, path_of_receipt(receipt))
        # Under a key of the sender's, other payloads may have the same submission id.
        payload = order.payload_sha256 if keyed else None
        wanted = Wanted(order.id, receipt.submission_id, payload)
        command = show_command(session.desk.stage, wanted)
        session.note(f"To see what becomes of it, type `{command}`.")
    if receipt.replayed:
        session.note("A replay: the key was used for these very bytes before. They count once.")
    if receipt.unchecked:
        session.note(
            "The key could not be checked, as the table did not answer. Under this key, hand in "
            "the same bytes only."
        )


def _show_judgement(session: Session, judged: Order) -> None:
    order = masked_order(judged)
    if session.as_json:
        session.print_json(judgement_json(order, FILE_TEXTS))
    else:
        _show_order(session, order, NOT_QUEUED)
        session.out.print("A dry run: nothing was queued.")
    if not order.valid:
        sys.exit(FOUND_WANTING)


def _show_order(
    session: Session,
    order: Order,
    status: str,
    submission_id: str | None = None,
    path: str | None = None,
) -> None:
    """Show a judged order; `submission_id` and `path` are those of one that was queued."""
    show_facts(
        session.out,
        [
            ("order", order.id),
            ("submission", submission_id),
            ("status", status),
            ("valid", "yes" if order.valid else cell("no", "red")),
            *error_facts(order.errors, session.texts),
            ("read it at", path),
        ],
    )
