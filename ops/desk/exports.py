"""Records as files: CSV, NDJSON or Parquet, written as they come, a few thousand in memory."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from enum import StrEnum
from importlib.util import find_spec
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Protocol

from chalicelib.http.representation import record_json, to_json
from chalicelib.orders.record import Record, Status
from chalicelib.orders.terms import TERMS
from chalicelib.texts import ENGLISH, texts_in
from ops.desk.formulas import without_formulas
from ops.desk.masked_records import masked_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROWS_AT_ONCE = 5_000
# A record with nothing in it: every row has its fields, an export without rows too.
EMPTY_RECORD = Record(
    order_id="",
    record_id="",
    submission_id="",
    status=Status.ACCEPTED,
    is_duplicate=False,
    payload_sha256="",
    received_at=datetime.min.replace(tzinfo=UTC),
    processed_at=datetime.min.replace(tzinfo=UTC),
    receive_count=0,
)


class Format(StrEnum):
    """The forms of a file."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class FormatUnavailable(Exception):
    """A format needs a package that is not installed: the message says what to type."""


class _Writer(Protocol):
    def write(self, records: list[Record]) -> None: ...
    def close(self) -> None: ...


def can_write(form: Format) -> bool:
    """Tell whether a format can be written: `make run` does without pyarrow and its 170 MB."""
    return form is not Format.PARQUET or find_spec("pyarrow") is not None


def require_writable(form: Format) -> None:
    """
    Make sure that a format can be written, before anything is asked of AWS.

    Raises:
        FormatUnavailable: it isn't.
    """
    if not can_write(form):
        raise FormatUnavailable(
            "Parquet needs pyarrow, which is not installed here: type `make .venv`, which installs "
            "it, or export CSV or NDJSON."
        )


def export(
    records: Iterable[Record], to: IO[bytes], form: Format, *, show_accounts: bool = False
) -> Iterator[int]:
    """
    Write records to a file, and yield how many are written so far.

    The file is whole once the iterator ends. Accounts are masked unless they are asked for:
    whoever asks writes that to the audit trail.
    """
    writer = _WRITERS[form](to)
    source = iter(records if show_accounts else map(masked_record, records))
    written = 0
    while rows := list(islice(source, ROWS_AT_ONCE)):
        writer.write(rows)
        written += len(rows)
        yield written
    writer.close()


class _Ndjson:
    """A JSON object on each line, as the API shows a record."""

    def __init__(self, to: IO[bytes]) -> None:
        self._to = to

    def write(self, records: list[Record]) -> None:
        self._to.writelines(f"{to_json(_row(record))}\n".encode() for record in records)

    def close(self) -> None:
        self._to.flush()


class _Csv:
    """RFC 4180, with a header. Lists are JSON in a cell."""

    def __init__(self, to: IO[bytes]) -> None:
        self._to = to
        self._write_rows([map(_cell, columns())])

    def write(self, records: list[Record]) -> None:
        self._write_rows(map(_cell, _row(record).values()) for record in records)

    def close(self) -> None:
        self._to.flush()

    def _write_rows(self, rows: Iterable[Iterable[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self._to.write(text.getvalue().encode())


class _Parquet:
    """A row group for every few thousand records; amounts are decimals, times are times."""

    def __init__(self, to: IO[bytes]) -> None:
        # Slow to import, and only needed here.
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._pa = pa
        error = pa.struct([(name, pa.string()) for name in ("field", "code", "message")])
        types = {
            "valid": pa.bool_(),
            "isDuplicate": pa.bool_(),
            "errors": pa.list_(error),
            **{name: pa.decimal128(15, 2) for name, term in TERMS.items() if term.decimal},
            "receivedAt": pa.timestamp("ms", tz="UTC"),
            "processedAt": pa.timestamp("ms", tz="UTC"),
            "receiveCount": pa.int32(),
            "differs": pa.list_(pa.string()),
            "ignoredAttributes": pa.list_(pa.string()),
        }
        self._schema = pa.schema([(name, types.get(name, pa.string())) for name in columns()])
        self._writer = pq.ParquetWriter(to, self._schema)

    def write(self, records: list[Record]) -> None:
        rows = [
            _row(record) | {"receivedAt": record.received_at, "processedAt": record.processed_at}
            for record in records
        ]
        self._writer.write_table(self._pa.Table.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


_WRITERS: dict[Format, Callable[[IO[bytes]], _Writer]] = {
    Format.CSV: _Csv,
    Format.NDJSON: _Ndjson,
    Format.PARQUET: _Parquet,
}


def columns() -> list[str]:
    """Name the fields of a row."""
    return list(_row(EMPTY_RECORD))


def _row(record: Record) -> dict[str, Any]:
    """Write a record as the API does, in English: a file is one for all its readers."""
    return record_json(record, texts_in(ENGLISH))


def _cell(value: Any) -> Any:
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return without_formulas(json.dumps(value, separators=(",", ":"))) if value else ""
        case str():
            # A sender chooses the id, and every other text.
            return without_formulas(value)
        case _:
            return value
