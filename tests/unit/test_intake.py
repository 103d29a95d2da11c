"""The intake: the message that it queues, and its submission id."""

from typing import Any

import pytest

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.services.intake import (
    Intake,
    InvalidIdempotencyKey,
    Receipt,
    SubmissionUnconfirmed,
    judge,
)
from chalicelib.texts import texts_in
from tests.builders import Clock, order_text
from tests.fakes import FakeQueue

ROLE = "arn:aws:sts::123456789012:assumed-role/web-channel"


@pytest.fixture
def queue() -> FakeQueue:
    return FakeQueue()


@pytest.fixture
def intake(queue: FakeQueue) -> Intake:
    ids = iter(f"id-{number}" for number in range(1, 100))
    return Intake(queue, Clock(), new_id=lambda: next(ids))


def submit(
    intake: Intake, body: str | None = None, *, caller: str | None = None, key: str | None = None
) -> Receipt:
    return intake.submit(
        (order_text() if body is None else body).encode(),
        request_id="request-1",
        caller=caller,
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
