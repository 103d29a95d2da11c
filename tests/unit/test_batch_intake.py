"""The intake of many orders: each line is a submission of its own, and has a result of its own."""

import itertools
from collections.abc import Sequence

from chalicelib.services.batch_intake import (
    BatchIntake,
    BatchReceipt,
    LineStatus,
    lines_in,
)
from chalicelib.services.intake import Intake
from chalicelib.services.outgoing import Outgoing
from chalicelib.services.principals import ANYONE, Caller
from chalicelib.services.unavailable import StoreUnavailable
from tests.builders import Clock, order_text
from tests.fakes import FakeKeyStore, FakeQueue, FakeReporter

QUEUED, REFUSED, UNCONFIRMED = LineStatus.QUEUED, LineStatus.REFUSED, LineStatus.UNCONFIRMED
ROLE = "arn:aws:sts::123456789012:assumed-role/web-channel"


class PartialQueue(FakeQueue):
    """A queue that answers each call by a plan: a failure for each message, or one for all."""

    def __init__(self, *plan: Sequence[str | None] | str | None) -> None:
        super().__init__()
        self.plan = iter(plan)
        self.calls: list[list[str]] = []

    def send_batch(self, messages: Sequence[Outgoing]) -> list[str | None]:
        self.calls.append([message.payload for message in messages])
        answer = next(self.plan, None)
        if isinstance(answer, str):
            raise StoreUnavailable(answer)
        confirmed = super().send_batch(messages)
        return confirmed if answer is None else list(answer)


def make_intake(queue: FakeQueue) -> BatchIntake:
    ids = (f"id-{number}" for number in itertools.count(1))
    return BatchIntake(queue, Clock(), new_id=lambda: next(ids))


def body_of(*texts: str) -> bytes:
    return "\n".join(texts).encode()


def many(count: int) -> list[str]:
    return [order_text(f"o-{number}") for number in range(count)]


def submit(
    queue: FakeQueue, *texts: str, key: str | None = None, caller: Caller = ANYONE
) -> BatchReceipt:
    return make_intake(queue).submit(
        lines_in(body_of(*texts)), request_id="request-1", caller=caller, idempotency_key=key
    )


def statuses(receipt: BatchReceipt) -> list[LineStatus]:
    return [each.status for each in receipt.results]


def test_each_line_that_can_be_read_is_queued_valid_or_not() -> None:
    queue = FakeQueue()

    receipt = submit(queue, order_text("a"), "[]", order_text("b", amount=0))

    assert statuses(receipt) == [QUEUED, REFUSED, QUEUED]
    assert [sent.body for sent in queue.sent] == [order_text("a"), order_text("b", amount=0)]
    assert [each.submission_id for each in receipt.results] == ["id-1", None, "id-2"]


def test_a_line_goes_with_the_attributes_of_a_submission_of_its_own() -> None:
    alone, together = FakeQueue(), FakeQueue()
    caller = Caller(f"{ROLE}/i-1", channel="web")
    intake = Intake(alone, Clock(), lambda: "id-1", FakeKeyStore(), FakeReporter())
    intake.submit(order_text().encode(), request_id="request-1", caller=caller)

    submit(together, order_text(), caller=caller)

    assert together.sent == alone.sent


def test_ten_messages_go_by_one_call_in_their_order() -> None:
    queue = PartialQueue()

    submit(queue, *many(25))

    assert [len(call) for call in queue.calls] == [10, 10, 5]
    assert [sent.body for sent in queue.sent] == many(25)


def test_further_lines_of_an_order_follow_when_its_first_one_is_sent() -> None:
    """Calls that are made side by side would turn them round now and then."""
    queue = PartialQueue()
    again = [order_text("o-0", amount=amount) for amount in (1, 2)]

    submit(queue, order_text("o-0"), *again, *many(12)[1:])

    assert queue.calls[0][0] == order_text("o-0")
    assert queue.calls[-1] == again
