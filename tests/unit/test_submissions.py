"""What becomes of a submission: first, redelivery, duplicate, conflict, correction."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.submissions import (
    CORRECTION_SLOT,
    FIRST_SLOT,
    Record,
    Status,
    Submission,
    Verdict,
    iso,
    parse_iso,
    settle,
    submission_id_for,
    well_formed_submission_id,
)
from chalicelib.unavailable import StoreUnavailable
from tests.builders import START, order_text, submission
from tests.fakes import FakeRecordStore

INVALID = order_text(amount=0)


@pytest.fixture
def records() -> FakeRecordStore:
    return FakeRecordStore()


@pytest.fixture
def settled(records: FakeRecordStore) -> Callable[[Submission], Verdict]:
    moments = iter(START + timedelta(seconds=second) for second in range(100))
    return lambda of: settle(of, records.take, next(moments))


Settled = Callable[[Submission], Verdict]


def test_the_first_valid_submission_is_accepted_at_one_write(
    settled: Settled, records: FakeRecordStore
) -> None:
    verdict = settled(submission())

    assert verdict.new
    assert verdict.record.status is Status.ACCEPTED
    assert not verdict.record.is_duplicate
    assert records.calls == ["take"]


def test_an_invalid_submission_is_rejected_and_its_text_kept(settled: Settled) -> None:
    record = settled(submission(INVALID)).record

    assert record.status is Status.REJECTED
    assert not record.valid
    assert not record.is_duplicate
    assert record.payload == INVALID
    assert record.s3_key is None
    assert [error.code for error in record.errors] == ["not_positive"]


def test_a_redelivery_changes_nothing(settled: Settled, records: FakeRecordStore) -> None:
    first = settled(submission(submission_id="s-1"))

    again = settled(submission(submission_id="s-1", receive_count=2))

    assert not again.new
    assert again.record == first.record
    assert records.of("order-001") == [first.record]


def test_another_submission_of_the_same_text_is_an_exact_resend(settled: Settled) -> None:
    settled(submission())

    resend = settled(submission())

    assert resend.record.status is Status.DUPLICATE
    assert resend.record.is_duplicate
    assert resend.record.differs == ()
    assert not resend.conflicting


def test_a_duplicate_names_the_fields_that_differ(settled: Settled) -> None:
    settled(submission())

    conflict = settled(submission(order_text(amount=2581, toAccount="8", channel="atm")))

    assert conflict.record.differs == ("amount", "toAccount", "channel")
    assert conflict.conflicting


def test_the_same_amount_written_otherwise_does_not_differ(settled: Settled) -> None:
    settled(submission())

    assert settled(submission(order_text(amount="2580.00"))).record.differs == ()


def test_the_same_id_with_another_text_is_another_submission(settled: Settled) -> None:
    settled(submission(submission_id="s-1"))

    assert settled(submission(order_text(amount=1), "s-1")).record.status is Status.DUPLICATE


def test_a_valid_submission_after_an_invalid_one_is_its_correction(
    settled: Settled, records: FakeRecordStore
) -> None:
    settled(submission(INVALID))

    correction = settled(submission())

    assert correction.record.status is Status.ACCEPTED
    assert correction.record.is_duplicate
    assert correction.record.record_id == CORRECTION_SLOT
    assert [record.record_id for record in records.of("order-001")] == [
        FIRST_SLOT,
        CORRECTION_SLOT,
    ]


def test_a_redelivered_correction_changes_nothing(settled: Settled) -> None:
    settled(submission(INVALID))
    settled(submission(submission_id="s-2"))

    again = settled(submission(submission_id="s-2"))

    assert not again.new
    assert again.record.status is Status.ACCEPTED


def test_a_duplicate_is_compared_with_the_correction_that_was_accepted(settled: Settled) -> None:
    settled(submission(INVALID))
    settled(submission(order_text(amount=5)))

    duplicate = settled(submission(order_text(amount=7)))

    assert duplicate.record.status is Status.DUPLICATE
    assert duplicate.record.differs == ("amount",)


def test_an_invalid_submission_of_a_known_order_is_rejected_as_a_duplicate(
    settled: Settled,
) -> None:
    settled(submission())

    rejected = settled(submission(INVALID))

    assert rejected.record.status is Status.REJECTED
    assert rejected.record.is_duplicate
    assert rejected.record.differs == ()


@pytest.mark.parametrize("text", [order_text(), INVALID], ids=["valid", "invalid"])
def test_a_redelivered_duplicate_changes_nothing(
    settled: Settled, records: FakeRecordStore, text: str
) -> None:
    settled(submission())
    settled(submission(text, "s-2"))

    again = settled(submission(text, "s-2"))

    assert not again.new
    assert len(records.of("order-001")) == 2


def test_at_most_one_submission_is_accepted_whatever_follows(
    settled: Settled, records: FakeRecordStore
) -> None:
    for text in [INVALID, order_text(), INVALID, order_text(amount=9), order_text()]:
        settled(submission(text))

    statuses = [record.status for record in records.of("order-001")]
    assert sorted(statuses) == ["ACCEPTED", "DUPLICATE", "DUPLICATE", "REJECTED", "REJECTED"]
    assert [record.is_duplicate for record in records.of("order-001")].count(False) == 1


def test_a_put_whose_answer_was_lost_is_still_this_deliverys_doing(
    records: FakeRecordStore,
) -> None:
    def take_twice(record: Record) -> Record | None:
        records.take(record)  # took effect, but its answer never came: the SDK sends it again
        return records.take(record)

    assert settle(submission(), take_twice, START).new


def test_a_store_that_fails_is_never_taken_for_a_duplicate(records: FakeRecordStore) -> None:
    with records.outage(), pytest.raises(StoreUnavailable):
        settle(submission(), records.take, START)

    assert records.all() == []


def test_an_archive_key_is_of_one_submission_only() -> None:
    one, other = submission(submission_id="s-1"), submission(submission_id="s-2")
    altered = submission(order_text(amount=1), "s-1")

    assert one.archive_key.startswith("orders/order-001/s-1-")
    assert len({one.archive_key, other.archive_key, altered.archive_key}) == 3


def test_an_idempotency_key_gives_its_caller_the_same_submission_id() -> None:
    mine = submission_id_for("web", "key-1")

    assert mine == submission_id_for("web", "key-1")
    assert uuid.UUID(mine).version == 5
    assert mine != submission_id_for("atm", "key-1")
    assert mine != submission_id_for("web", "key-2")


@pytest.mark.parametrize("text", ["../../x", "a b", "a\nb", "x" * 129, "ñ"])
def test_a_submission_id_that_is_not_well_formed_is_replaced_by_the_same_one_each_time(
    text: str,
) -> None:
    replaced = well_formed_submission_id(text)

    assert replaced == well_formed_submission_id(text)
    assert uuid.UUID(replaced).version == 5


def test_a_well_formed_submission_id_stays() -> None:
    assert well_formed_submission_id("Channel.7_a-b") == "Channel.7_a-b"


def test_a_time_is_written_in_utc_to_the_millisecond() -> None:
    lima = timezone(timedelta(hours=-5))

    assert iso(datetime(2026, 1, 31, 22, 0, 0, 1_500, tzinfo=lima)) == "2026-02-01T03:00:00.001Z"


def test_a_time_that_was_written_is_read_back() -> None:
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
def test_a_time_in_another_form_is_none(text: str | None) -> None:
    assert parse_iso(text) is None


def test_a_record_of_another_delivery_is_not_new(records: FakeRecordStore) -> None:
    delivered = submission(submission_id="s-1")
    settle(delivered, records.take, START)

    again = settle(delivered._replace(receive_count=2), records.take, START)

    assert not again.new
