"""Submitting: what is put on the queue, and under which submission id."""

import pytest

from chalicelib.intake import Intake, InvalidIdempotencyKey, Receipt, SubmissionUnconfirmed
from chalicelib.orders import UnreadableOrder
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


def test_an_order_is_queued_as_it_was_sent_with_what_identifies_it(
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


def test_an_invalid_order_is_queued_too(intake: Intake, queue: FakeQueue) -> None:
    receipt = submit(intake, order_text(amount=0))

    assert not receipt.order.valid
    assert len(queue.sent) == 1


def test_an_unreadable_order_is_not_queued(intake: Intake, queue: FakeQueue) -> None:
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
def test_an_idempotency_key_that_cannot_be_used_is_refused_and_nothing_queued(
    intake: Intake, queue: FakeQueue, key: str
) -> None:
    with pytest.raises(InvalidIdempotencyKey, match=f"got {len(key)} characters"):
        submit(intake, key=key)

    assert queue.sent == []


@pytest.mark.parametrize("key", ["k", "x" * 255, '"quoted"', "~!@"])
def test_an_idempotency_key_is_1_to_255_visible_characters(intake: Intake, key: str) -> None:
    assert submit(intake, key=key).submission_id


def test_a_queue_that_fails_leaves_open_whether_the_order_is_queued(
    intake: Intake, queue: FakeQueue
) -> None:
    """A time-out can hide a success. What the log gets to know is what the queue said."""
    with queue.outage(), pytest.raises(SubmissionUnconfirmed, match="SendMessage: Service"):
        submit(intake)
