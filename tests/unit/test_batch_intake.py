"""The intake of many orders: each line is a submission of its own, and has a result of its own."""

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from chalicelib.orders.errors import UnreadableOrder, sentence
from chalicelib.orders.order import parse_order, sha256_of
from chalicelib.orders.submission import submission_id_for_line
from chalicelib.services.batch_intake import OUT_OF_TIME, BatchIntake, Concurrently
from chalicelib.services.batch_judgement import BatchReceipt, LineStatus, judge_lines
from chalicelib.services.batch_lines import (
    MAX_BATCH_BYTES,
    MAX_BATCH_LINES,
    BatchTooLarge,
    Line,
    lines_in,
)
from chalicelib.services.intake import Intake, InvalidIdempotencyKey
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


def make_intake(queue: FakeQueue, concurrently: Concurrently = map) -> BatchIntake:
    ids = (f"id-{number}" for number in itertools.count(1))
    return BatchIntake(queue, Clock(), lambda: next(ids), concurrently)


def body_of(*texts: str) -> bytes:
    return "\n".join(texts).encode()


def many(count: int) -> list[str]:
    return [order_text(f"o-{number}") for number in range(count)]


def submit(
    queue: FakeQueue,
    *texts: str,
    key: str | None = None,
    caller: Caller = ANYONE,
    time_left_ms: Callable[[], float] | None = None,
) -> BatchReceipt:
    return make_intake(queue).submit(
        lines_in(body_of(*texts)),
        request_id="request-1",
        caller=caller,
        idempotency_key=key,
        time_left_ms=time_left_ms,
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


def test_calls_for_different_orders_are_made_side_by_side() -> None:
    together = Barrier(2, timeout=5)

    class Meeting(PartialQueue):
        def send_batch(self, messages: Sequence[Outgoing]) -> list[str | None]:
            together.wait()
            return super().send_batch(messages)

    with ThreadPoolExecutor(2) as executor:
        receipt = make_intake(Meeting(), executor.map).submit(
            lines_in(body_of(*many(20))), request_id="request-1"
        )

    assert statuses(receipt) == [QUEUED] * 20


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_call_without_an_answer_leaves_its_lines_unconfirmed_and_the_next_goes_on(
    failing: int,
) -> None:
    plan: list[str | None] = [None, None, None]
    plan[failing] = "SQS SendMessageBatch: Timeout"

    receipt = submit(PartialQueue(*plan), *many(30))

    expected = [QUEUED] * 30
    expected[10 * failing : 10 * failing + 10] = [UNCONFIRMED] * 10
    assert statuses(receipt) == expected
    assert receipt.failures == ["SQS SendMessageBatch: Timeout"]


def test_a_message_that_the_queue_refuses_leaves_its_line_alone_unconfirmed() -> None:
    """The others of the call are on the queue. Each failure is named once."""
    receipt = submit(PartialQueue([None, "busy", None, "busy", "full"]), *many(5))

    assert statuses(receipt) == [QUEUED, UNCONFIRMED, QUEUED, UNCONFIRMED, UNCONFIRMED]
    assert receipt.failures == ["busy", "full"]
    assert receipt.counts == {QUEUED: 2, UNCONFIRMED: 3}


def test_all_lines_of_one_unconfirmed_submission_are_unconfirmed() -> None:
    receipt = submit(PartialQueue(["busy"]), order_text(), order_text(), key="key-1")

    assert statuses(receipt) == [UNCONFIRMED, UNCONFIRMED]
    assert receipt.results[1].same_as_line == 1


class Ticking:
    """The clock of a function that has 20 seconds. Each call to the queue takes some of them."""

    def __init__(self) -> None:
        self.left_ms = 20_000.0

    def __call__(self) -> float:
        return self.left_ms


@pytest.mark.parametrize(("seconds_a_call", "calls"), [(0.1, 5), (2.5, 5), (4, 3), (9.5, 2)])
def test_no_call_begins_when_it_may_outlast_the_function(seconds_a_call: float, calls: int) -> None:
    """The lines that are left then are unconfirmed, and the answer is still in time."""
    clock = Ticking()

    class Slow(PartialQueue):
        def send_batch(self, messages: Sequence[Outgoing]) -> list[str | None]:
            clock.left_ms -= seconds_a_call * 1000
            return super().send_batch(messages)

    queue = Slow()
    receipt = submit(queue, *many(50), time_left_ms=clock)

    assert len(queue.calls) == calls
    assert statuses(receipt) == [QUEUED] * 10 * calls + [UNCONFIRMED] * (50 - 10 * calls)
    assert receipt.failures == ([OUT_OF_TIME] if calls < 5 else [])
    assert clock.left_ms >= 0


def test_a_silent_queue_leaves_time_for_the_answer() -> None:
    clock = Ticking()

    class Silent(PartialQueue):
        def send_batch(self, messages: Sequence[Outgoing]) -> list[str | None]:
            clock.left_ms -= 9_000
            self.calls.append([message.payload for message in messages])
            raise StoreUnavailable("SQS SendMessageBatch: ReadTimeoutError")

    receipt = submit(Silent(), *many(500), time_left_ms=clock)

    assert statuses(receipt) == [UNCONFIRMED] * 500
    assert receipt.failures == ["SQS SendMessageBatch: ReadTimeoutError", OUT_OF_TIME]
    assert clock.left_ms > 0


def test_an_unexpected_error_is_not_hidden() -> None:
    class Broken(FakeQueue):
        def send_batch(self, messages: Sequence[Outgoing]) -> list[str | None]:
            raise RuntimeError(str(len(messages)))

    with pytest.raises(RuntimeError):
        submit(Broken(), order_text())


def test_the_id_of_a_line_holds_its_callers_principal_its_key_and_its_bytes() -> None:
    receipt = submit(FakeQueue(), order_text(), key="key-1", caller=Caller(f"{ROLE}/i-1"))

    expected = submission_id_for_line(ROLE, "key-1", sha256_of(order_text()))
    assert receipt.results[0].submission_id == expected


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_a_bad_key_is_refused_before_any_line_is_queued(key: str) -> None:
    queue = FakeQueue()

    with pytest.raises(InvalidIdempotencyKey):
        submit(queue, order_text(), key=key)
    with pytest.raises(InvalidIdempotencyKey):
        judge_lines(lines_in(body_of(order_text())), key)

    assert queue.sent == []


def test_no_call_is_made_if_no_line_can_be_read() -> None:
    queue = PartialQueue()

    submit(queue, "[]", "{")
    submit(queue, "")

    assert queue.calls == []


def test_a_line_that_is_refused_unseen_keeps_its_refusal() -> None:
    refusal = UnreadableOrder("not_utf8", sentence("order.empty"))

    receipt = judge_lines([Line(3, order_text().encode(), refusal)])

    (result,) = receipt.results
    assert (result.line, result.status, result.refusal) == (3, REFUSED, refusal)


def test_judge_lines_judges_as_submit_does() -> None:
    texts = [order_text(), "[]", order_text(amount=0), order_text()]

    judged = judge_lines(lines_in(body_of(*texts)), "key-1")
    submitted = submit(FakeQueue(), *texts, key="key-1")

    for dry, real in zip(judged.results, submitted.results, strict=True):
        assert (dry.line, dry.order, dry.same_as_line) == (real.line, real.order, real.same_as_line)
        assert dry.submission_id is None
    assert judged.counts == {LineStatus.NOT_QUEUED: 3, REFUSED: 1}
    assert judged.results[0].order == parse_order(order_text())


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"", []),
        (b"\n\n", []),
        (b" \t\r\n", []),
        (b"a", [(1, b"a")]),
        (b"a\n", [(1, b"a")]),
        (b"a\nb", [(1, b"a"), (2, b"b")]),
        (b"a\r\nb\r\n", [(1, b"a"), (2, b"b")]),
        (b"a\r\r\n", [(1, b"a\r")]),
        (b"a\r", [(1, b"a")]),
        (b"a\rb", [(1, b"a\rb")]),
        (b"\n\n a \n", [(3, b" a ")]),
        (b"a\n\x00\n\x0b", [(1, b"a"), (2, b"\x00"), (3, b"\x0b")]),
        ("\u2028a\x85b".encode(), [(1, "\u2028a\x85b".encode())]),
    ],
)
def test_lf_ends_a_line_and_one_cr_before_it_is_part_of_the_end(
    body: bytes, lines: list[tuple[int, bytes]]
) -> None:
    assert [(line.number, line.body) for line in lines_in(body)] == lines


@pytest.mark.parametrize(
    "body", [b"x\n" * (MAX_BATCH_LINES + 1), b"\n" * (MAX_BATCH_BYTES + 1)], ids=["lines", "bytes"]
)
def test_a_batch_that_is_too_large_is_refused(body: bytes) -> None:
    with pytest.raises(BatchTooLarge):
        lines_in(body)


def test_a_batch_may_be_as_large_as_the_limits_say() -> None:
    assert len(lines_in(b"\n" * (MAX_BATCH_BYTES - 2 * MAX_BATCH_LINES) + b"x\n" * 500)) == 500
