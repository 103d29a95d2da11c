"""The ways out of the desk: exports, masking and statistics."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import hypothesis
import pyarrow.parquet
import pytest
from hypothesis import strategies

from chalicelib.orders.errors import sentence
from chalicelib.orders.record import Record, Status
from chalicelib.orders.terms import MAX_AMOUNT, TERMS, Terms
from chalicelib.services.queries import AuditFilter
from ops.desk.exports import ROWS_AT_ONCE, Format, _cell, columns, export
from ops.desk.external_sort import sorted_lines
from ops.desk.formulas import without_formulas
from ops.desk.masked_records import masked_error, masked_record, masked_sentence
from ops.desk.masking import mask, masked_payload, masked_text
from ops.desk.stats import Ages, Stats, grouped_by_error
from tests.builders import START, Clock, order_text, submission
from tests.hostile_texts import HOSTILE


def record_of(order_id: str = "order-001", age_ms: int = 100, **changes: object) -> Record:
    made = submission(order_text(order_id, **changes))
    return Record.of_first(made, START + timedelta(milliseconds=age_ms))


def exported(form: Format, *records: Record, show_accounts: bool = False) -> bytes:
    file = io.BytesIO()
    for _ in export(records, file, form, show_accounts=show_accounts):
        pass
    return file.getvalue()


CONFLICT = record_of(amount="12.50")._replace(
    status=Status.DUPLICATE, is_duplicate=True, differs=("amount",)
)


def test_ndjson_has_one_record_per_line_as_the_api_shows_it() -> None:
    first, second = exported(Format.NDJSON, CONFLICT, record_of(amount=0)).splitlines()

    fields = json.loads(first)
    assert (fields["status"], fields["amount"], fields["differs"]) == (
        "DUPLICATE",
        12.5,
        ["amount"],
    )
    assert json.loads(second)["errors"][0]["code"] == "not_positive"


def test_csv_has_a_header_and_lists_as_json() -> None:
    text = exported(Format.CSV, CONFLICT).decode()

    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert list(row) == columns()
    assert (row["amount"], row["isDuplicate"], row["differs"]) == ("12.50", "true", '["amount"]')
    assert row["channel"] == ""


def test_csv_holds_no_formula() -> None:
    """An id may begin with a minus, which a spreadsheet would compute."""
    (row,) = csv.DictReader(io.StringIO(exported(Format.CSV, record_of("-1")).decode()))

    assert row["orderId"] == "'-1"


BLANKS = ("", " ", "\t", "\r", "\n", "\u00a0", "\u3000", '"', "'", "\ufeff", ' \t"')
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
FORMULAS = [f"{blank}{sign}1+cmd" for blank in BLANKS for sign in SIGNS]
# Each is a cell where a semicolon, a tab or a line break ends one.
FORMULAS += [f"x{end}{blank}=1" for end in ";\t\r\n" for blank in BLANKS]
FORMULAS += ["\tx", "\rx", "\nx", "'\tx", "a;b;=1;=2", 'x;"=1"', "'=1", "''=1"]
HARMLESS = ["order-1", "a=b", "x;y", "1;2", "a - b", "it's", "'x", "x\ty", "a,=1", "", ";", "[-1]"]
# For whoever imports the file.
GUIDE = Path("docs/operators.md").read_text()
APOSTROPHE = re.compile(re.search(r'APOSTROPHE = re.compile\(\n    r"""(.*)"""\n\)', GUIDE)[1])  # type: ignore[index]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    written = without_formulas(text)

    assert written.replace("'", "") == text.replace("'", "")
    for cell in re.split("[;\t\r\n]", written):
        assert not cell.strip(' \u00a0\u3000"\ufeff').startswith(tuple(SIGNS))
    assert not written.startswith(("\t", "\r", "\n"))


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_that_no_spreadsheet_computes_stays_as_it_is(text: str) -> None:
    assert without_formulas(text) == text


@pytest.mark.parametrize("text", [*FORMULAS, *HARMLESS, *HOSTILE])
def test_an_import_can_take_the_apostrophes_off_again(text: str) -> None:
    assert APOSTROPHE.sub("", without_formulas(text)) == text


@hypothesis.given(strategies.text("=+-@\uff1d;\t\r\n '\"a1\ufeff", max_size=12))
def test_every_text_comes_back_from_a_csv_file_as_it_was(text: str) -> None:
    assert APOSTROPHE.sub("", without_formulas(text)) == text


@pytest.mark.parametrize("name", columns())
@pytest.mark.parametrize("text", ["=1", "\t=1", "x;=1", "\uff1d1"])
def test_no_cell_holds_a_formula_whatever_column_it_is_in(name: str, text: str) -> None:
    assert csv_row(dict.fromkeys(columns(), text))[name] == without_formulas(text)


@pytest.mark.parametrize("value", [Decimal("-12.50"), -1, 12.5, 0])
def test_a_number_stays_a_number(value: object) -> None:
    assert csv_row({"amount": value})["amount"] == str(value)


def csv_row(values: dict[str, object]) -> dict[str, str]:
    """Write a row's cells, and read them again."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows([values, map(_cell, values.values())])
    (row,) = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    return row


def test_parquet_has_types() -> None:
    content = exported(Format.PARQUET, CONFLICT, record_of(amount=0))

    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
    assert rows[0]["amount"] == Decimal("12.50")
    assert rows[0]["receivedAt"] == START
    assert rows[0]["differs"] == ["amount"]
    assert rows[1]["amount"] is None
    assert rows[1]["errors"][0]["code"] == "not_positive"


@pytest.mark.parametrize("form", Format)
def test_accounts_are_masked_unless_asked_for(form: Format) -> None:
    assert b"1111111" not in exported(form, record_of())
    assert b"1111111" in exported(form, record_of(), show_accounts=True)


@pytest.mark.parametrize("form", Format)
def test_an_export_of_no_records_is_a_readable_file(form: Format) -> None:
    content = exported(form)

    if form is Format.PARQUET:
        assert pyarrow.parquet.read_table(io.BytesIO(content)).num_rows == 0
    else:
        assert content.decode().strip() in ("", ",".join(columns()))


def test_an_export_holds_a_few_thousand_records_at_a_time() -> None:
    read = 0

    def records() -> Iterator[Record]:
        nonlocal read
        for _ in range(ROWS_AT_ONCE * 2 + 1):
            read += 1
            yield CONFLICT

    written = export(records(), io.BytesIO(), Format.NDJSON)

    assert next(written) == read == ROWS_AT_ONCE
    assert list(written) == [ROWS_AT_ONCE * 2, ROWS_AT_ONCE * 2 + 1]


@pytest.mark.parametrize(
    ("account", "shown"),
    [(None, None), ("1", "****"), ("1234", "****"), ("12345", "****2345"), ("1" * 34, "****1111")],
)
def test_an_account_shows_its_last_four_digits_at_most(
    account: str | None, shown: str | None
) -> None:
    assert Terms({"fromAccount": account}).masked(mask)["fromAccount"] == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            '{"id": "a", "fromAccount": "1111111", "toAccount":"22"}',
            '{"id": "a", "fromAccount": "****1111", "toAccount": "****"}',
        ),
        ('{"fromAccount": 1234567, "amount": 10}', '{"fromAccount": "****4567", "amount": 10}'),
        ('{"account": "987654321"}', '{"account": "****4321"}'),
        ('{"fromAccount": "12', '{"fromAccount": "****"'),
        ("not json 1234567 at all", "not json ****4567 at all"),
    ],
)
def test_a_text_masks_everything_that_could_be_an_account(text: str, shown: str) -> None:
    assert masked_text(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            '{"fromAccount": 1234567, "amount":\n1.50}',
            '{"fromAccount": "****4567", "amount": 1.50}',
        ),
        ('{"toAccount": "22", "ok": true}', '{"toAccount": "****", "ok": true}'),
        ('{"toAccount": ["22", {"n": 333}]}', '{"toAccount": ["****", {"n": "****"}]}'),
        ('{"amount": 123456.78, "none": null}', '{"amount": "****5678", "none": null}'),
        ('{"note": "to 987654321", "9876543": []}', '{"note": "to ****4321", "****6543": []}'),
        (r'{"half": "\ud83d", "\u00f1": 1}', r'{"half": "\ud83d", "ñ": 1}'),
    ],
)
def test_a_masked_payload_stays_json(text: str, shown: str) -> None:
    assert masked_payload(text) == shown
    assert isinstance(json.loads(shown), dict)


def test_an_invalid_orders_payload_is_masked_too() -> None:
    record = masked_record(record_of(amount=0))

    assert "1111111" not in str(record)


# Too large for an amount, too.
NUMBER = "5550123456789012"


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("field", TERMS)
@pytest.mark.parametrize(
    "value", [NUMBER, int(NUMBER), f"{NUMBER}x", f"-{NUMBER}", NUMBER * 3, [NUMBER], {"a": NUMBER}]
)
def test_no_error_shows_an_account_from_any_field(field: str, value: object, form: Format) -> None:
    fields: dict[str, Any] = {"amount": 0, field: value}
    rejected = record_of(**fields)

    shown = exported(form, rejected)

    assert rejected.errors
    assert NUMBER.encode() not in shown
    assert NUMBER not in str(masked_record(rejected))


def test_an_error_of_a_masked_term_masks_the_whole_quotation() -> None:
    (error,) = record_of(fromAccount=True).errors

    assert masked_error(error).sentence.parameters == {"got": "****"}


def test_the_limits_that_an_error_names_are_shown() -> None:
    (error,) = record_of(amount=10**13).errors

    assert masked_error(error).sentence.parameters == {"got": "****0000", "most": str(MAX_AMOUNT)}


def test_a_sentence_within_a_sentence_is_masked_too() -> None:
    within = sentence("order.not_an_object", got=sentence("got.made_up", value=NUMBER))

    assert NUMBER not in str(masked_sentence(within))


class FakeOrders:
    """Records, newest first."""

    def __init__(self, *records: Record) -> None:
        self.records = records

    def since(self, moment: datetime, only: AuditFilter | None = None) -> Iterator[Record]:
        assert only is None
        return (record for record in self.records if record.processed_at >= moment)


def test_statistics_count_by_slices() -> None:
    records = [
        record_of(age_ms=50_000, channel="web"),
        record_of(age_ms=35_000, channel="web")._replace(message_channel="atm"),
        # The message's channel counts where the order names none.
        record_of(age_ms=10_000)._replace(message_channel="mobile"),
    ]
    stats = Stats(FakeOrders(*records), dict, clock=Clock(START + timedelta(minutes=1)))

    found = stats.of_last(timedelta(minutes=1), slices=2)

    assert found.total.by_status == {"ACCEPTED": 3}
    assert found.total.by_channel == {"web": 2, "mobile": 1}
    assert [part.count for part in found.slices] == [1, 2]
    assert found.complete


def test_statistics_can_be_bounded_and_say_so() -> None:
    records = [record_of(age_ms=age) for age in (50_000, 35_000, 10_000)]
    stats = Stats(FakeOrders(*records), dict, clock=Clock(START + timedelta(minutes=1)))

    found = stats.of_last(timedelta(minutes=1), at_most=2)

    assert (found.total.count, found.complete) == (2, False)
    assert found.start == START + timedelta(seconds=35)


def test_percentiles_are_right_to_within_five_percent() -> None:
    ages = Ages()
    for age in range(1, 1001):
        ages.add(age)

    assert ages.percentile(50) == pytest.approx(500, rel=0.05)
    assert ages.percentile(95) == pytest.approx(950, rel=0.05)
    assert Ages().percentile(50) is None


def test_rejects_are_grouped_by_error_most_frequent_first() -> None:
    records = [record_of(f"order-{n}", amount=0) for n in range(5)]
    records.append(record_of("other", toAccount="x", age_ms=9))

    groups = grouped_by_error(records)

    assert [(group.field_name, group.code, group.count) for group in groups] == [
        ("amount", "not_positive", 5),
        ("toAccount", "not_digits", 1),
    ]
    assert groups[0].orders == ["order-0", "order-1", "order-2"]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 10, 11])
def test_lines_are_sorted_even_if_few_fit_into_memory(count: int) -> None:
    lines = [f"{number * 7 % 11:02d}" for number in range(count)]

    assert list(sorted_lines(lines, in_memory=3)) == sorted(lines)
