"""A field that is added to the terms shows wherever operators look, without another line."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet
import pytest
from click.testing import CliRunner

from chalicelib.orders.errors import FieldError, sentence
from chalicelib.orders.record import Record
from chalicelib.orders.terms import TERMS, Term, Value
from chalicelib.services.queries import AuditQuery, OrderHistory
from ops.cli.commands import main
from ops.desk.exports import Format, export
from ops.desk.proof import Difference, Progress, compare, line_of
from tests.builders import START, order_text, submission

REFERENCE, SECRET = "rent-2026", "holder-4242"


def any_text(field: str, value: Any) -> tuple[Value, list[FieldError]]:
    if value is None or isinstance(value, str):
        return value, []
    return None, [FieldError(field, "not_text", sentence("reference.not_text", got=value))]


@pytest.fixture(autouse=True)
def new_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TERMS, "reference", Term(any_text))
    monkeypatch.setitem(TERMS, "holder", Term(any_text, masked=True))


def record_with(reference: str | None = REFERENCE, **changes: Any) -> Record:
    fields = {"reference": reference, "holder": SECRET, **changes}
    made = submission(order_text(**fields), "s-1")
    return Record.of_first(made, START)


def row_of_csv(content: bytes) -> dict[str, Any]:
    (row,) = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return row


def row_of_parquet(content: bytes) -> dict[str, Any]:
    (row,) = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
    return dict(row)


@pytest.mark.parametrize(
    ("form", "read"),
    [
        (Format.CSV, row_of_csv),
        (Format.NDJSON, json.loads),
        (Format.PARQUET, row_of_parquet),
    ],
)
def test_a_new_term_is_in_every_export(
    form: Format, read: Callable[[bytes], dict[str, Any]]
) -> None:
    file = io.BytesIO()

    assert list(export([record_with()], file, form)) == [1]

    row = read(file.getvalue())
    assert (row["reference"], row["holder"]) == (REFERENCE, "****4242")


def test_the_proof_of_a_replay_compares_a_new_term() -> None:
    original = record_with()
    other = record_with("another")._replace(
        payload_sha256=original.payload_sha256, s3_key=original.s3_key
    )
    progress = Progress()

    (unequal,) = compare(progress, [line_of(original)], [line_of(other)])

    assert unequal.kind is Difference.CONTENT
    assert not progress.is_equal


class Recorded:
    """Orders of which one record is kept."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def show(self, _: str) -> OrderHistory:
        return OrderHistory(self.record, None, [self.record], None)

    def history(self, _: str) -> Iterator[Record]:
        yield self.record

    def newest_first(self, _: AuditQuery) -> Iterator[Record]:
        yield self.record

    def follow(self, *_: Any, **__: Any) -> Iterator[Record]:
        yield self.record


def printed(*arguments: str, record: Record | None = None) -> str:
    desk = SimpleNamespace(
        orders=Recorded(record or record_with()),
        accepted=lambda _: {},
        unreadable=(),
        decisions=SimpleNamespace(of_order=lambda _: []),
    )
    terminal = {"COLUMNS": "220", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    done = CliRunner(env=terminal).invoke(main, arguments, obj=lambda *_: desk)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    "arguments", [["orders", "show", "order-001"], ["orders", "list"]], ids=" ".join
)
def test_a_new_term_is_shown_masked_if_the_list_says_so(arguments: list[str]) -> None:
    shown = printed(*arguments)

    assert "reference" in shown
    assert REFERENCE in shown
    assert "****4242" in shown
    assert SECRET not in shown


def test_a_new_term_is_in_the_tail_if_it_is_never_masked() -> None:
    line = printed("orders", "tail")

    assert REFERENCE in line
    assert "4242" not in line


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        (["orders", "show", "order-001"], lambda shown: shown["order"]),
        (["orders", "list"], lambda shown: shown),
    ],
    ids=["show", "list"],
)
def test_a_new_term_is_in_the_json(
    arguments: list[str],
    read: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    fields = read(json.loads(printed(*arguments, "--json")))

    assert (fields["reference"], fields["holder"]) == (REFERENCE, "****4242")


def test_markup_in_a_new_term_is_shown_as_it_was_sent() -> None:
    record = record_with("[red]rent[/red]")

    assert "[red]rent[/red]" in printed("orders", "list", record=record)


def test_an_error_of_a_masked_new_term_does_not_show_it() -> None:
    record = record_with(holder=True)

    shown = printed("orders", "show", "order-001", record=record)

    assert "holder" in shown
    assert "True" not in shown
