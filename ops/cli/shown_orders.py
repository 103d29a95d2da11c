"""Parts of an order that several commands show: the facts of a record, and its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ops.cli.session import MASKED_RENDERING
from ops.cli.tables import error_facts, moment, status_text, term_text
from ops.desk.masked_records import masked_key
from ops.desk.masking import masked_payload
from ops.desk.object_failures import ObjectMissing, ObjectUnreadable, PayloadAltered
from ops.terminal.lines import say_exactly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.orders.record import Record
    from chalicelib.texts import Texts
    from ops.cli.session import Session
    from ops.terminal.tables import Cell


def order_facts(record: Record, texts: Texts, url: str | None) -> Iterator[tuple[str, Cell]]:
    """Yield the facts of an order by its record, or by one submission's. It may be masked."""
    yield "order", record.order_id
    yield "status", status_text(record.status)
    yield from ((name, term_text(value) or None) for name, value in record.terms.items())
    yield "received", f"{moment(record.received_at)} UTC"
    yield "submitted by", record.submitted_by
    yield "sent by", record.sent_by
    yield "message's channel", record.message_channel
    yield "ignored attributes", ", ".join(record.ignored_attributes) or None
    yield "trace", record.trace_id
    yield from error_facts(record.errors, texts)
    yield "archived as", record.s3_key
    yield "download", url


def print_payload(session: Session, record: Record, *, show_accounts: bool) -> None:
    """Print a record's text as it was received, or with its accounts masked."""
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
