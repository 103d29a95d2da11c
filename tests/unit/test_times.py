"""Moments as text: one form is written, and no other is read."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.orders.times import iso, now, parse_iso


def test_iso_writes_a_time_in_utc_to_the_millisecond() -> None:
    lima = timezone(timedelta(hours=-5))

    assert iso(datetime(2026, 1, 31, 22, 0, 0, 1_500, tzinfo=lima)) == "2026-02-01T03:00:00.001Z"


def test_parse_iso_reads_what_iso_writes() -> None:
    assert parse_iso("2026-02-01T03:00:00.001Z") == datetime(2026, 2, 1, 3, 0, 0, 1_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "Z",
        "now",
        "2026-02-01",
        "2026-02-30T00:00:00.000Z",
        "2026-02-01T03:00:00Z",
        "2026-02-01T24:00:00.000Z",
        "2026-02-01T03:60:00.000Z",
        "2026-02-01T03:00:00.000Z\n",
        "2026-02-01T03:00:00.001",
        "2026-02-01T03:00:00.001+00:00",
        "2026-02-01 03:00:00.001Z",
        "20260201T030000.001Z",
        "2026-W05-7T03:00:00.001Z",
        "2026-02-01T03:00:00.001000Z",
        "0001-01-01T00:00:00.000",
        "0001-01-01T00:00:00.000+01:00",
        "٢٠٢٦-02-01T03:00:00.001Z",
        "2026-02-01T03:00:00.\ud800",
        "2026-02-01T03:00:00.\ud80001Z",
    ],
)
def test_parse_iso_reads_no_other_form(text: str | None) -> None:
    assert parse_iso(text) is None


def test_now_is_a_time_in_utc_that_iso_keeps_whole() -> None:
    moment = now()

    assert parse_iso(iso(moment)) == moment
