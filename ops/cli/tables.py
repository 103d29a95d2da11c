"""Tables for operators: records, dead letters and findings."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from chalicelib.orders.record import Status
from chalicelib.orders.terms import TERMS
from ops.desk.findings import DAY_COUNTS
from ops.desk.listed_terms import listed_terms
from ops.terminal.consoles import cell
from ops.terminal.tables import Column, facts_table, headed_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from rich.table import Table
    from rich.text import Text

    from chalicelib.orders.errors import FieldError
    from chalicelib.orders.record import Record
    from chalicelib.orders.terms import Value
    from chalicelib.texts import Texts
    from ops.desk.letters import DeadLetter
    from ops.terminal.consoles import PlainConsole
    from ops.terminal.tables import Cell


ROWS_AT_ONCE = 200
STATUS_STYLES = {Status.ACCEPTED: "green", Status.REJECTED: "red", Status.DUPLICATE: "yellow"}
RIGHT = {"receives", "count", "ms", "p50 ms", "p95 ms", "conflicts"}
RIGHT |= {name.replace("_", " ") for name in DAY_COUNTS}
# To be copied and typed again.
WHOLE = {"message", "submission"}
RIGHT |= {status.value for status in Status}


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Make a table of columns with these names."""
    return headed_table(map(_column, columns), rows)


def _column(name: str) -> Column:
    decimal = name in TERMS and TERMS[name].decimal
    return Column(name, numeric=decimal or name in RIGHT, whole=name in WHOLE)


def show_rows(
    out: PlainConsole, columns: Sequence[str], rows: Iterable[Sequence[Cell]], nothing: str | None
) -> int:
    """Print a table, a few hundred rows at a time, or a sentence (if any) if there is nothing."""
    source = iter(rows)
    shown = 0
    while piece := list(islice(source, ROWS_AT_ONCE)):
        out.print(table(columns, piece))
        shown += len(piece)
    if not shown and nothing:
        out.print(nothing)
    return shown


def show_facts(out: PlainConsole, values: Iterable[tuple[str, Cell]]) -> None:
    """Print names and values, one a line."""
    out.print(facts_table(values))


def moment(value: datetime | None) -> str:
    """Write a time in UTC, to the second."""
    return value.strftime("%Y-%m-%d %H:%M:%S") if value else "unknown"


def status_text(status: Status) -> Text:
    """Write a verdict in its colour."""
    return cell(status.value, STATUS_STYLES[status])


def term_text(value: Value) -> str:
    """Write a term for people: a decimal with its thousands apart, nothing for no value."""
    return f"{value:,.2f}" if isinstance(value, Decimal) else value or ""


def open_terms() -> list[str]:
    """Name the terms that are never masked: enough to tell submissions apart."""
    return [name for name, term in TERMS.items() if not term.masked]


def open_term_texts(record: Record) -> Iterable[str]:
    """Write the terms of `open_terms` that a list shows of a record."""
    terms = listed_terms(record)
    return (term_text(terms[name]) for name in open_terms())


def error_facts(errors: Iterable[FieldError], texts: Texts) -> Iterable[tuple[str, str]]:
    """Write errors by their fields, each with its code and its sentence."""
    return ((error.field, f"{error.code}: {texts.sentence(error.sentence)}") for error in errors)


def needs_accepted(record: Record) -> bool:
    """Tell whether the remark on a record depends on the accepted one of its order."""
    return record.status is Status.DUPLICATE and not record.differs


def remark(record: Record, accepted: Record | None = None) -> str:
    """
    Write the remark on a record, beside its verdict.

    `differs` compares no more than the terms. Whether a duplicate is the same to the byte only the
    accepted record tells.
    """
    if record.errors:
        return ", ".join(f"{error.field}: {error.code}" for error in record.errors)
    if record.differs:
        return f"differs: {', '.join(record.differs)}"
    if needs_accepted(record):
        return _likeness(record, accepted)
    return "correction" if record.is_duplicate else ""


def _likeness(record: Record, accepted: Record | None) -> str:
    if accepted and record.payload_sha256 == accepted.payload_sha256:
        return "exact resend"
    return "same terms; the body differs" if accepted else "same terms"


def record_columns() -> Sequence[str]:
    """Name the columns of `record_row`. A term has its name in JSON, as in errors."""
    return ("processed (UTC)", "order", "status", *TERMS, "remark")


def record_row(record: Record, accepted: Record | None = None) -> Sequence[Cell]:
    """Make the cells of `record_columns`."""
    return (
        moment(record.processed_at),
        record.order_id,
        status_text(record.status),
        *map(term_text, listed_terms(record).values()),
        remark(record, accepted),
    )


LETTER_COLUMNS = (
    "message",
    "order",
    "reason",
    "first seen (UTC)",
    "last seen (UTC)",
    "receives",
    "record store says",
)


def letter_row(letter: DeadLetter) -> Sequence[Cell]:
    """Make the cells of `LETTER_COLUMNS`."""
    return (
        letter.message_id,
        letter.order_id or cell("unreadable", "dim"),
        letter.reason,
        moment(letter.first_seen_at),
        moment(letter.last_seen_at),
        str(letter.message.receive_count),
        what_is_recorded(letter),
    )


def what_is_recorded(letter: DeadLetter) -> str:
    """Say in a few words what is recorded of a letter's order."""
    return f"{letter.status} ({letter.known})" if letter.status else letter.known.value


def limited(values: Iterable[Any], limit: int) -> Iterable[Any]:
    """Take the first so many; 0 takes all."""
    return islice(values, limit) if limit else values
