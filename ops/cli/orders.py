"""`orders`, `duplicates` and `rejects`: what was handed in, and what became of it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from rich.text import Text

from chalicelib.intake import InvalidIdempotencyKey
from chalicelib.orders import CHANNELS, UnreadableOrder
from chalicelib.problems import problem_of
from chalicelib.queries import AuditQuery, OrderNotFound
from chalicelib.record_store import AuditFilter
from chalicelib.representation import receipt_json, record_json
from chalicelib.submissions import Record, Status, iso
from ops.cli.exits import OutOfReach
from ops.cli.options import either, options
from ops.cli.session import (
    Moment,
    OrderId,
    Session,
    desk_command,
    limit_option,
    period,
    period_options,
    show_accounts_option,
    yes_option,
)
from ops.cli.tables import (
    RECORD_COLUMNS,
    ROWS_AT_ONCE,
    amount_text,
    facts,
    limited,
    moment,
    needs_accepted,
    record_row,
    remark,
    show_rows,
    status_text,
)
from ops.desk.exports import Format, FormatUnavailable, export, require_writable
from ops.desk.masking import masked_json, masked_text
from ops.desk.order_bucket import ObjectMissing
from ops.desk.stats import grouped_by_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ops.cli.tables import Cell

FORMATS = {".csv": Format.CSV, ".ndjson": Format.NDJSON, ".jsonl": Format.NDJSON}
FORMATS |= {".parquet": Format.PARQUET}

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


@click.group(epilog="Example: python -m ops orders show order-001")
def orders() -> None:
    """Hand in, look up, list, follow and export orders."""


@orders.command(
    epilog="""\b
Example: python -m ops orders submit '{"id": "order-001", "amount": 2580,
         "fromAccount": "1111111", "toAccount": "7777777"}'
Example: python -m ops orders submit --file order.json --stage dev"""
)
@click.argument("order", required=False)
@click.option("--file", type=click.File("rb"), help="Read the order from a file; - is stdin.")
@click.option("--idempotency-key", help="The same key again is the same submission.")
@desk_command
def submit(
    session: Session, order: str | None, file: IO[bytes] | None, idempotency_key: str | None
) -> None:
    """
    Hand in an order, as POST /orders does.

    It goes straight to the queue. In place of the JSON, - reads it from stdin. Exit code 1: no
    order can be read from it, nothing was queued.
    """
    if (order is None) == (file is None):
        raise click.UsageError("Give the order's JSON, or --file.")
    if order is not None and order.startswith("@"):
        raise click.UsageError(f"To read the order from a file, type --file {order[1:]}")
    source = sys.stdin.buffer if order == "-" else file
    body = source.read() if source else (order or "").encode()
    try:
        receipt = session.desk.orders.submit(body, idempotency_key=idempotency_key)
    except (UnreadableOrder, InvalidIdempotencyKey) as error:
        raise click.ClickException(problem_of(error).body()["detail"]) from error
    if session.as_json:
        session.line(receipt_json(receipt))
        return
    facts(
        session.out,
        [
            ("order", receipt.order.id),
            ("submission", receipt.submission_id),
            ("status", "QUEUED"),
            ("valid", "yes" if receipt.order.valid else Text("no", "red")),
            *((error.field, f"{error.code}: {error.message}") for error in receipt.order.errors),
        ],
    )


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

    Exit code 1: nothing is recorded of it; it may still be on the queue.
    """
    desk = session.desk
    try:
        order = desk.orders.show(order_id)
    except OrderNotFound as error:
        raise click.ClickException(
            f"Nothing is recorded of {order_id} on stage {desk.stage.name}: it may still be on "
            f"the queue, or be a dead letter: `{session.command(f'dlq list --order {order_id}')}`."
        ) from error
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
        records = [record_json(record) for record in history]
        session.line({"order": record_json(main), "s3Url": url, "records": records})
        return
    _show_order(session, main, url)
    show_rows(
        session.out,
        ("processed (UTC)", "submission", "status", "amount", "receives", "remark"),
        (
            (
                moment(record.processed_at),
                record.submission_id,
                status_text(record.status),
                amount_text(record),
                str(record.receive_count),
                remark(record, order.order),
            )
            for record in history
        ),
        "No submissions.",
    )


@orders.command(
    "list",
    epilog="""\b
Example: python -m ops orders list --status REJECTED --from 2026-01-01 --to 2026-01-31
Example: python -m ops orders list --limit 0 --json | jq -r .orderId""",
)
@period_options
@filter_options
@limit_option
@show_accounts_option
@desk_command
def list_orders(session: Session, limit: int, show_accounts: bool, **chosen: Any) -> None:
    """List the records of a period, newest first."""
    query = _query(**chosen)
    _list(session, session.desk.orders.newest_first(query), limit, show_accounts=show_accounts)


@orders.command(epilog="Example: python -m ops orders tail --status REJECTED --stage prod")
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
        AuditFilter(**_filter(**chosen)), since=since, every_seconds=every_seconds
    )
    if not session.as_json:
        session.note("Waiting for records. Ctrl-C ends it.")
    try:
        for record in islice(records, count):
            shown = session.shown(record, show_accounts=show_accounts)
            if session.as_json:
                session.line(record_json(shown))
                sys.stdout.flush()
            else:
                session.out.print(_tail_line(shown))
    except KeyboardInterrupt:
        session.note("Ended.")


@orders.command(
    "export",
    epilog="""\b
Example: python -m ops orders export january.parquet --from 2026-01-01 --to 2026-01-31
Example: python -m ops orders export - --format csv --duplicate | gzip > duplicates.csv.gz""",
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(Format, case_sensitive=False),
    help="[default: by the file's name: .csv, .ndjson, .parquet]",
)
@period_options
@filter_options
@show_accounts_option
@yes_option
@desk_command
def export_orders(
    session: Session,
    file: Path,
    form: Format | None,
    show_accounts: bool,
    yes: bool,
    **chosen: Any,
) -> None:
    """
    Write the records of a period to a file, newest first.

    It streams: a million records take no more memory than a thousand. The file appears under its
    name only when it is whole. It asks before it overwrites one. Accounts are masked.
    """
    form = form or FORMATS.get(file.suffix)
    if form is None:
        raise click.UsageError("Say which --format, or name the file .csv, .ndjson or .parquet.")
    try:
        require_writable(form)
    except FormatUnavailable as error:
        raise OutOfReach(str(error)) from error
    query = _query(**chosen)
    if not yes and str(file) != "-" and file.exists():
        click.confirm(f"{file} is there already. Overwrite it?", abort=True, err=True)
    if show_accounts:
        session.desk.record_accounts_shown(
            f"orders export of {query.first_day} to {query.last_day}"
        )
    records = session.desk.orders.newest_first(query)
    written = 0
    with _opened(file) as to, session.progress("records") as progress:
        for written in export(records, to, form, show_accounts=show_accounts):
            progress(written)
    if session.as_json and str(file) != "-":
        session.line({"file": str(file), "format": form.value, "records": written})
    else:
        where = "stdout" if str(file) == "-" else file
        session.note(f"{written:,} records written to {where} as {form.value}.")


@click.command(
    epilog="""\b
Example: python -m ops duplicates --conflicts
Example: python -m ops duplicates --from 2026-01-01 --json"""
)
@period_options
@click.option(
    "--conflicts",
    is_flag=True,
    help="Only those with another amount, account or channel than the accepted one.",
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

    They are valid orders whose id was accepted before. One with another amount, account or channel
    than the accepted one is a conflict, which someone must look into.
    """
    query = _query(**days, status=Status.DUPLICATE)
    records = session.desk.orders.newest_first(query)
    wanted = (record for record in records if record.differs or not conflicts)
    _list(session, wanted, limit, show_accounts=show_accounts)


@click.command(epilog="Example: python -m ops rejects --from 2026-01-01")
@period_options
@desk_command
def rejects(session: Session, **days: Any) -> None:
    """
    Show rejected orders, grouped by error.

    Those of a period, the most frequent error first. An order with two errors counts in both.
    """
    query = _query(**days, status=Status.REJECTED)
    groups = grouped_by_error(session.desk.orders.newest_first(query))
    if session.as_json:
        for group in groups:
            session.line(
                {
                    "field": group.field_name,
                    "code": group.code,
                    "count": group.count,
                    "lastAt": iso(group.last_at),
                    "orders": group.orders,
                }
            )
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


def _list(session: Session, records: Iterable[Record], limit: int, *, show_accounts: bool) -> None:
    if show_accounts:
        session.desk.record_accounts_shown("list of orders")
    shown = (
        session.shown(record, show_accounts=show_accounts) for record in limited(records, limit)
    )
    if session.as_json:
        for record in shown:
            session.line(record_json(record))
        return
    count = show_rows(session.out, RECORD_COLUMNS, _rows(session, shown), "No such records.")
    if count == limit:
        session.note(f"The newest {limit}; --limit 0 shows all.")


def _rows(session: Session, records: Iterable[Record]) -> Iterator[Sequence[Cell]]:
    """The rows of records; what is accepted is read once for as many as are printed at once."""
    source = iter(records)
    while piece := list(islice(source, ROWS_AT_ONCE)):
        compared = {record.order_id for record in piece if needs_accepted(record)}
        accepted = session.desk.accepted(compared) if compared else {}
        for record in piece:
            yield record_row(record, accepted.get(record.order_id))


def _show_order(session: Session, record: Record, url: str | None) -> None:
    facts(
        session.out,
        [
            ("order", record.order_id),
            ("status", status_text(record.status)),
            ("amount", amount_text(record) or None),
            ("from", record.from_account),
            ("to", record.to_account),
            ("channel", record.channel),
            ("received", f"{moment(record.received_at)} UTC"),
            ("submitted by", record.submitted_by),
            *((error.field, f"{error.code}: {error.message}") for error in record.errors),
            ("archived as", record.s3_key),
            ("download", url),
        ],
    )


def _print_payload(session: Session, record: Record, *, show_accounts: bool) -> None:
    try:
        text = session.desk.orders.payload(record)
    except ObjectMissing as error:
        raise click.ClickException(
            f"The archive has no object {error}, though the record says so: see "
            f"`{session.command('reconcile')}`."
        ) from error
    masked = masked_json if session.as_json else masked_text
    click.echo(text if show_accounts else masked(text))


def _tail_line(record: Record) -> Text:
    status = Text(f"{record.status:<10}", status_text(record.status).style)
    line = Text(f"{moment(record.processed_at)} ").append_text(status)
    parts = [record.order_id, amount_text(record), record.channel or "", remark(record)]
    return line.append("  ".join(filter(None, parts)))


def _query(first_day: Any = None, last_day: Any = None, **chosen: Any) -> AuditQuery:
    first, last = period(first_day, last_day)
    return AuditQuery(first, last, AuditFilter(**_filter(**chosen)))


def _filter(**chosen: Any) -> dict[str, Any]:
    return {name: value for name, value in chosen.items() if value is not None}


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """Stdout, or a file that gets its name when it is whole."""
    if str(file) == "-":
        yield sys.stdout.buffer
        return
    unfinished = file.with_name(f"{file.name}.part")
    try:
        with unfinished.open("wb") as to:
            yield to
        os.replace(unfinished, file)  # noqa: PTH105 (replaces on Windows too)
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


COMMANDS = (orders, duplicates, rejects)
