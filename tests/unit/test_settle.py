"""Settling a submission: first, redelivery, duplicate, conflict, correction."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.orders.record import CORRECTION_SLOT, FIRST_SLOT, Record, Status
from chalicelib.orders.settle import Verdict, settle
from chalicelib.orders.submission import Submission
from chalicelib.services.unavailable import StoreUnavailable
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


def test_the_first_valid_submission_is_accepted_with_one_write(
    settled: Settled, records: FakeRecordStore
) -> None:
    verdict = settled(submission())

    assert verdict.new
    assert verdict.record.status is Status.ACCEPTED
    assert not verdict.record.is_duplicate
    assert records.calls == ["take"]


def test_a_rejected_record_keeps_the_text_of_its_submission(settled: Settled) -> None:
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


def test_another_submission_of_the_same_text_is_a_duplicate_without_differences(
    settled: Settled,
) -> None:
    settled(submission())

    resend = settled(submission())

    assert resend.record.status is Status.DUPLICATE
    assert resend.record.is_duplicate
    assert resend.record.differs == ()
    assert not resend.conflicting


def test_a_duplicate_names_the_terms_that_differ(settled: Settled) -> None:
    settled(submission())

    conflict = settled(submission(order_text(amount=2581, toAccount="8", channel="atm")))

    assert conflict.record.differs == ("amount", "toAccount", "channel")
    assert conflict.conflicting


def test_equal_amounts_that_are_written_differently_do_not_differ(settled: Settled) -> None:
    settled(submission())

    assert settled(submission(order_text(amount="2580.00"))).record.differs == ()


def test_one_submission_id_with_two_texts_is_two_submissions(settled: Settled) -> None:
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


def test_settle_accepts_at_most_one_submission_in_any_sequence(
    settled: Settled, records: FakeRecordStore
) -> None:
    for text in [INVALID, order_text(), INVALID, order_text(amount=9), order_text()]:
        settled(submission(text))

    statuses = [record.status for record in records.of("order-001")]
    assert sorted(statuses) == ["ACCEPTED", "DUPLICATE", "DUPLICATE", "REJECTED", "REJECTED"]
    assert [record.is_duplicate for record in records.of("order-001")].count(False) == 1


def test_a_delivery_recognises_its_own_record_after_a_lost_answer(
    records: FakeRecordStore,
) -> None:
    def take_twice(record: Record) -> Record | None:
        records.take(record)  # took effect, but its answer never came: the SDK sends it again
        return records.take(record)

    assert settle(submission(), take_twice, START).new


def test_settle_never_takes_a_failure_for_a_duplicate(records: FakeRecordStore) -> None:
    with records.outage(), pytest.raises(StoreUnavailable):
        settle(submission(), records.take, START)

    assert records.all() == []


def test_a_delivery_finds_the_record_of_another_one_and_is_not_new(
    records: FakeRecordStore,
) -> None:
    delivered = submission(submission_id="s-1")
    settle(delivered, records.take, START)

    again = settle(delivered._replace(receive_count=2), records.take, START)

    assert not again.new
