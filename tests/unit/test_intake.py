"""The intake: the message that it queues, and its submission id."""

from contextlib import suppress
from typing import Any

import pytest

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.services.intake import (
    IdempotencyKeyReused,
    Intake,
    InvalidIdempotencyKey,
    Receipt,
    SubmissionUnconfirmed,
    judge,
)
from chalicelib.services.principals import Caller
from chalicelib.texts import texts_in
from tests.builders import Clock, order_text
from tests.fakes import FakeKeyStore, FakeQueue, FakeReporter
from tests.properties.traceparents import TRACEPARENT

ROLE = "arn:aws:sts::123456789012:assumed-role/web-channel"


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def keys() -> FakeKeyStore:
    return FakeKeyStore()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reporter() -> FakeReporter:
    return FakeReporter()


@pytest.fixture
def intake(queue: FakeQueue, clock: Clock, keys: FakeKeyStore, reporter: FakeReporter) -> Intake:
    ids = iter(f"id-{number}" for number in range(1, 100))
    return Intake(queue, clock, lambda: next(ids), keys, reporter)


def submit(
    intake: Intake, body: str | None = None, *, caller: str | None = None, key: str | None = None
) -> Receipt:
    return intake.submit(
        (order_text() if body is None else body).encode(),
        request_id="request-1",
        caller=Caller(caller),
        idempotency_key=key,
    )


def test_submit_queues_the_order_as_it_was_sent_with_its_attributes(
    intake: Intake, queue: FakeQueue
) -> None:
    receipt = submit(intake, caller=f"{ROLE}/i-1")

    assert receipt.submission_id == "id-1"
    (sent,) = queue.sent
    assert sent.body == order_text()
    assert sent.attributes == {
        "submissionId": "id-1",
        "requestId": "request-1",
        "receivedAt": "2026-03-01T12:00:00.000Z",
        "submittedBy": f"{ROLE}/i-1",
    }


def test_submit_queues_the_callers_traceparent_with_the_order(
    intake: Intake, queue: FakeQueue
) -> None:
    intake.submit(order_text().encode(), request_id="request-1", traceparent=TRACEPARENT)

    assert queue.sent[0].attributes["traceparent"] == TRACEPARENT


def test_submit_queues_an_invalid_order_too(intake: Intake, queue: FakeQueue) -> None:
    receipt = submit(intake, order_text(amount=0))

    assert not receipt.order.valid
    assert len(queue.sent) == 1


def test_submit_queues_no_unreadable_order(intake: Intake, queue: FakeQueue) -> None:
    with pytest.raises(UnreadableOrder):
        submit(intake, "[]")

    assert queue.sent == []


def test_each_submission_has_an_id_of_its_own(intake: Intake) -> None:
    assert submit(intake).submission_id != submit(intake).submission_id


def test_a_retry_with_the_same_idempotency_key_is_the_same_submission(intake: Intake) -> None:
    first = submit(intake, caller=f"{ROLE}/i-1", key="key-1")
    retry = submit(intake, caller=f"{ROLE}/i-1", key="key-1")

    assert retry.submission_id == first.submission_id


def test_a_retry_from_another_session_of_the_same_role_is_the_same_submission(
    intake: Intake,
) -> None:
    first = submit(intake, caller=f"{ROLE}/i-1", key="key-1")
    retry = submit(intake, caller=f"{ROLE}/i-2", key="key-1")

    assert retry.submission_id == first.submission_id


def test_the_same_key_of_another_caller_is_another_submission(intake: Intake) -> None:
    callers = [None, "arn:aws:iam::123456789012:user/ana", "arn:aws:iam::123456789012:user/eva"]

    ids = {submit(intake, caller=caller, key="key-1").submission_id for caller in callers}

    assert len(ids) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\nb", "ñ", "\x7f"])
def test_submit_refuses_a_bad_idempotency_key_and_queues_nothing(
    intake: Intake, queue: FakeQueue, key: str
) -> None:
    with pytest.raises(InvalidIdempotencyKey) as refused:
        submit(intake, key=key)

    assert f"got {len(key)} characters" in texts_in("en").sentence(refused.value.sentence)
    assert queue.sent == []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "got 0 characters"),
        ("a b", "got 3 characters, and character 2 is a space"),
        ("ab\x7f", "got 3 characters, and character 3 is U+007F"),
    ],
)
def test_the_sentence_about_a_bad_key_names_its_first_bad_character(
    intake: Intake, key: str, said: str
) -> None:
    with pytest.raises(InvalidIdempotencyKey) as refused:
        submit(intake, key=key)

    rule = "must be 1 to 255 visible ASCII characters"
    assert texts_in("en").sentence(refused.value.sentence) == f"{rule}: {said}"


@pytest.mark.parametrize("key", ["k", "x" * 255, '"quoted"', "~!@"])
def test_an_idempotency_key_may_have_1_to_255_visible_characters(intake: Intake, key: str) -> None:
    assert submit(intake, key=key).submission_id


def test_a_submission_without_a_key_asks_for_none(intake: Intake, keys: FakeKeyStore) -> None:
    receipt = submit(intake)

    assert keys.calls == []
    assert (receipt.replayed, receipt.unchecked) == (False, False)


def test_a_key_is_taken_once_for_each_submission_that_is_to_be_queued(
    intake: Intake, keys: FakeKeyStore, queue: FakeQueue
) -> None:
    for body in (order_text(), order_text(), "[]"):
        with suppress(UnreadableOrder):
            submit(intake, body, key="key-1")

    assert len(keys.calls) == len(queue.sent) == 2


def test_the_same_bytes_under_a_used_key_are_sent_again_and_called_replayed(
    intake: Intake, queue: FakeQueue
) -> None:
    first, retry = (submit(intake, key="key-1") for _ in range(2))

    assert (first.replayed, retry.replayed) == (False, True)
    assert retry.submission_id == first.submission_id
    assert [sent.body for sent in queue.sent] == [order_text(), order_text()]


def test_a_key_whose_first_submission_died_before_the_send_blocks_no_retry(
    intake: Intake, queue: FakeQueue
) -> None:
    """The key's item is there, and nothing on the queue: only another send can save the order."""
    with queue.outage(), pytest.raises(SubmissionUnconfirmed):
        submit(intake, key="key-1")

    assert submit(intake, key="key-1").replayed
    assert [sent.body for sent in queue.sent] == [order_text()]


@pytest.mark.parametrize(
    "other",
    [
        order_text(amount=1),
        order_text("order-002"),
        order_text(amount=0),
        order_text() + " ",
    ],
    ids=["another amount", "another order", "an invalid order", "a space more"],
)
def test_other_bytes_under_a_used_key_are_refused_and_not_queued(
    intake: Intake, queue: FakeQueue, other: str
) -> None:
    submit(intake, key="key-1")

    with pytest.raises(IdempotencyKeyReused) as refused:
        submit(intake, other, key="key-1")

    assert refused.value.order_id == "order-001"
    assert len(queue.sent) == 1


def test_a_key_stands_for_its_first_order_after_another_one_was_refused(
    intake: Intake, queue: FakeQueue
) -> None:
    submit(intake, key="key-1")
    with pytest.raises(IdempotencyKeyReused):
        submit(intake, order_text("order-002"), key="key-1")

    assert submit(intake, key="key-1").replayed
    assert [sent.body for sent in queue.sent] == [order_text(), order_text()]


def test_the_key_of_one_caller_is_not_used_by_another(intake: Intake) -> None:
    callers = [None, "arn:aws:iam::123456789012:user/ana", "arn:aws:iam::123456789012:user/eva"]

    receipts = [
        submit(intake, order_text(amount=number + 1), caller=caller, key="key-1")
        for number, caller in enumerate(callers)
    ]

    assert not any(receipt.replayed for receipt in receipts)


def test_a_key_may_stand_for_another_order_after_a_day(intake: Intake, clock: Clock) -> None:
    submit(intake, key="key-1")
    clock.advance(hours=23, minutes=59)
    with pytest.raises(IdempotencyKeyReused):
        submit(intake, order_text("order-002"), key="key-1")

    clock.advance(minutes=1)

    assert not submit(intake, order_text("order-002"), key="key-1").replayed


def test_a_replay_does_not_let_a_key_live_longer(intake: Intake, clock: Clock) -> None:
    for _ in range(2):
        submit(intake, key="key-1")
        clock.advance(hours=12)

    assert not submit(intake, key="key-1").replayed


def test_an_order_goes_on_without_a_check_where_the_keys_are_out_of_reach(
    intake: Intake, queue: FakeQueue, keys: FakeKeyStore, reporter: FakeReporter
) -> None:
    """An order is worth more than a check. It is counted, and the receipt says so."""
    submit(intake, key="key-1")

    with keys.outage():
        receipts = [submit(intake, body, key="key-1") for body in (order_text(), order_text("b"))]

    assert [(each.replayed, each.unchecked) for each in receipts] == [(False, True)] * 2
    assert reporter.unchecked == [(each.submission_id, "request-1") for each in receipts]
    assert len(queue.sent) == 3


def test_a_failing_queue_leaves_open_whether_the_order_is_queued(
    intake: Intake, queue: FakeQueue
) -> None:
    """A time-out can hide a success. The log gets the queue's own words."""
    with queue.outage(), pytest.raises(SubmissionUnconfirmed, match="SendMessage: Service"):
        submit(intake)


@pytest.mark.parametrize("changes", [{}, {"amount": 0, "channel": "fax"}], ids=["valid", "invalid"])
def test_judge_says_of_an_order_what_its_receipt_says(
    intake: Intake, changes: dict[str, Any]
) -> None:
    body = order_text(**changes)

    assert judge(body.encode()) == submit(intake, body).order


@pytest.mark.parametrize(
    ("body", "key"), [("[]", None), ("{}", "a b"), (order_text(), "a b"), (order_text(), "")]
)
def test_judge_refuses_what_submit_refuses(intake: Intake, body: str, key: str | None) -> None:
    with pytest.raises((UnreadableOrder, InvalidIdempotencyKey)) as by_submit:
        submit(intake, body, key=key)
    with pytest.raises((UnreadableOrder, InvalidIdempotencyKey)) as by_judge:
        judge(body.encode(), key)

    assert by_judge.type is by_submit.type
    assert by_judge.value.sentence == by_submit.value.sentence


def test_an_operator_hands_an_order_in_for_a_channel_whatever_channel_it_names(
    intake: Intake, queue: FakeQueue
) -> None:
    """Who may do all corrects the channel, too. The attribute speaks where the order does not."""
    for channel in (None, "web"):
        operator = Caller("arn:aws:iam::123456789012:user/ana", "atm")
        body = order_text(channel=channel).encode()
        intake.submit(body, request_id="request-1", caller=operator)

    assert [sent.attributes.get("channel") for sent in queue.sent] == ["atm", None]
