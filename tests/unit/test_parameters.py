"""The parameters of the routes: defaults, bounds, and all errors at once."""

from datetime import date

import pytest

from chalicelib.http.parameters import (
    InvalidParameters,
    audit_query,
    history_limit,
    is_date,
    is_dry_run,
)
from chalicelib.orders.errors import FieldError
from chalicelib.orders.record import Status
from chalicelib.services.queries import AuditFilter
from chalicelib.texts import texts_in
from tests.builders import START


def message(error: FieldError) -> str:
    """Write the error's sentence in English."""
    return texts_in("en").sentence(error.sentence)


def errors_of(**parameters: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidParameters) as refused:
        audit_query(parameters, START)
    return [(error.field, error.code) for error in refused.value.errors]


def test_an_audit_query_without_parameters_covers_the_last_seven_days() -> None:
    query = audit_query({}, START)

    assert (query.first_day, query.last_day) == (date(2026, 2, 23), date(2026, 3, 1))
    assert query.limit == 50
    assert query.only == AuditFilter()


def test_audit_query_reads_all_parameters() -> None:
    query = audit_query(
        {
            "status": "REJECTED",
            "valid": "false",
            "isDuplicate": "true",
            "channel": "web",
            "from": "2026-01-31",
            "to": "2026-02-28",
            "limit": "200",
            "cursor": "opaque",
        },
        START,
    )

    assert (query.first_day, query.last_day) == (date(2026, 1, 31), date(2026, 2, 28))
    assert query.only.status is Status.REJECTED
    assert query.only.valid is False
    assert query.only.is_duplicate is True
    assert query.only.channel == "web"
    assert query.limit == 200


@pytest.mark.parametrize(
    "limit", ["0", "-1", "201", "1000", "ten", "", "1.5", "\u0661", " 1", "01"]
)
def test_a_limit_must_be_1_to_200(limit: str) -> None:
    assert errors_of(limit=limit) == [("limit", "bad_limit")]


@pytest.mark.parametrize(
    "day", ["2026-02-30", "2026-W01-1", "20260131", "31/01/2026", "", "2026-1-1", "0000-01-01"]
)
def test_a_date_must_be_a_day_of_the_calendar(day: str) -> None:
    assert errors_of(**{"from": day}) == [("from", "bad_date")]


def test_a_period_must_not_end_before_it_begins() -> None:
    assert errors_of(**{"from": "2026-02-02", "to": "2026-02-01"}) == [("from", "bad_date")]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"from": "2026-02-02", "to": "2026-02-01"}, "2026-02-02 is after to 2026-02-01"),
        (
            {"from": "2030-01-01"},
            "2030-01-01 is after to 2026-03-01 (today in UTC, as none was given)",
        ),
    ],
)
def test_the_sentence_about_a_backward_period_names_both_days(
    given: dict[str, str], why: str
) -> None:
    with pytest.raises(InvalidParameters) as refused:
        audit_query(given, START)

    assert [message(error) for error in refused.value.errors] == [why]


def test_a_period_may_begin_on_the_calendars_first_day() -> None:
    assert audit_query({"to": "0001-01-01"}, START).first_day == date.min


def test_audit_query_reports_all_errors_at_once() -> None:
    assert errors_of(
        status="accepted", valid="yes", isDuplicate="1", channel="fax", limit="0", stauts="x"
    ) == [
        ("stauts", "unknown_parameter"),
        ("status", "bad_status"),
        ("valid", "bad_boolean"),
        ("isDuplicate", "bad_boolean"),
        ("channel", "unknown_channel"),
        ("limit", "bad_limit"),
    ]


def test_a_message_quotes_the_beginning_of_a_value_in_ascii() -> None:
    with pytest.raises(InvalidParameters) as refused:
        audit_query({"status": "\n\u2028" * 1000}, START)

    (error,) = refused.value.errors
    assert message(error).isascii()
    assert message(error).isprintable()
    assert len(message(error)) < 400


def test_a_history_has_a_limit_too() -> None:
    assert history_limit("order-001", {"limit": "7"}) == 7
    assert history_limit("order-001", {}) == 50


@pytest.mark.parametrize("order_id", ["a%20b", "..", "x" * 65, "a b"])
def test_history_limit_refuses_a_bad_order_id(order_id: str) -> None:
    with pytest.raises(InvalidParameters) as refused:
        history_limit(order_id, {"from": "2026-01-01"})

    assert [(error.field, error.code) for error in refused.value.errors] == [
        ("from", "unknown_parameter"),
        ("orderId", "bad_id"),
    ]


def test_audit_query_reports_a_repeated_parameter_with_all_other_errors() -> None:
    """To take either value would answer a question that nobody asked."""
    with pytest.raises(InvalidParameters) as refused:
        audit_query(
            {"limit": "0"},
            START,
            {"status": ["ACCEPTED", "nonsense"], "cursor": ["x", "x"], "stauts": ["a", "b"]},
        )

    assert [(error.field, error.code) for error in refused.value.errors] == [
        ("stauts", "unknown_parameter"),
        ("status", "repeated_parameter"),
        ("cursor", "repeated_parameter"),
        ("limit", "bad_limit"),
    ]
    assert message(refused.value.errors[1]) == "must be given once: got 'ACCEPTED', 'nonsense'"


def test_history_limit_refuses_a_repeated_parameter() -> None:
    with pytest.raises(InvalidParameters) as refused:
        history_limit("order-001", {}, {"limit": ["1", "2"]})

    assert [(error.field, error.code) for error in refused.value.errors] == [
        ("limit", "repeated_parameter")
    ]


def test_a_message_quotes_the_first_values_of_a_repeated_parameter_in_ascii() -> None:
    with pytest.raises(InvalidParameters) as refused:
        audit_query({}, START, {"status": ["\n\u2028" * 1000] * 1000})

    (error,) = refused.value.errors
    assert message(error).isascii()
    assert message(error).isprintable()
    assert message(error).endswith("', ...")
    assert len(message(error)) < 1000


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [({}, False), ({"dryRun": "false"}, False), ({"dryRun": "true"}, True)],
)
def test_a_submission_is_a_dry_run_only_if_it_says_so(
    parameters: dict[str, str], expected: bool
) -> None:
    assert is_dry_run(parameters) is expected


def test_is_dry_run_refuses_all_parameters_at_once() -> None:
    with pytest.raises(InvalidParameters) as refused:
        is_dry_run({"dryRun": "yes", "dryrun": "true"}, {"limit": ["1", "2"]})

    assert [(error.field, error.code) for error in refused.value.errors] == [
        ("dryrun", "unknown_parameter"),
        ("limit", "unknown_parameter"),
        ("dryRun", "bad_boolean"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-01-31", True), ("0001-01-01", True), ("2026-02-30", False), ("20260131", False)],
)
def test_a_day_is_told_from_other_text(text: str, expected: bool) -> None:
    assert is_date(text) == expected
