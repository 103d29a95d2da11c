"""The worker: it does what Lambda's SQS event source mapping does, and no more."""

# ruff: noqa: N803 (the arguments of the fake have the names of the real one)

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ops.local.event_source import EventSourceMapping
from ops.local.lambda_events import LambdaContext
from ops.local.mapping_settings import Batching, MappingSettings
from ops.local.outage import FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS, Outage

QUEUE_URL = "http://127.0.0.1:4566/000000000000/orders-local"
QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:orders-local"


class FakeQueue:
    """Hands out each message once, ten at most a call, and remembers what was deleted."""

    def __init__(self, count: int = 0) -> None:
        self.waiting = deque(message(number) for number in range(count))
        self.deleted: list[str] = []
        self.delete_calls: list[int] = []
        self.waits: list[int] = []
        self.receive_errors: deque[Exception] = deque()
        self.delete_error: Exception | None = None
        self.undeletable: set[str] = set()
        self._lock = threading.Lock()

    def receive_message(
        self, *, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int, **names: Any
    ) -> Any:
        assert QueueUrl == QUEUE_URL
        assert 1 <= MaxNumberOfMessages <= 10
        assert names == {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        with self._lock:
            self.waits.append(WaitTimeSeconds)
            if self.receive_errors:
                raise self.receive_errors.popleft()
            count = min(MaxNumberOfMessages, len(self.waiting))
            received = [self.waiting.popleft() for _ in range(count)]
        if not received:
            time.sleep(0.005)
            return {}
        return {"Messages": received}

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:
        assert QueueUrl == QUEUE_URL
        self.delete_calls.append(len(Entries))
        if self.delete_error:
            raise self.delete_error
        ids = {entry["Id"]: entry["ReceiptHandle"].removeprefix("handle-") for entry in Entries}
        self.deleted += [name for name in ids.values() if name not in self.undeletable]
        failed = [key for key, name in ids.items() if name in self.undeletable]
        return {"Failed": [{"Id": key, "Code": "ReceiptHandleIsInvalid"} for key in failed]}


class FakeClock:
    """A clock that stands still until it is put on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Function:
    """A handler that remembers what it was invoked with, and answers as it is told."""

    def __init__(self, answer: Callable[[dict[str, Any]], object] = lambda _event: None) -> None:
        self.events: list[dict[str, Any]] = []
        self.contexts: list[LambdaContext] = []
        self._answer = answer

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> object:
        self.events.append(event)
        self.contexts.append(context)
        return self._answer(event)


def message(number: int) -> Any:
    return {
        "MessageId": f"m{number}",
        "ReceiptHandle": f"handle-m{number}",
        "Body": f'{{"id": "order-{number}"}}',
        "MD5OfBody": "0" * 32,
        "Attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000"},
    }


def mapping(
    queue: FakeQueue, function: Any, clock: Callable[[], float] = time.monotonic, **settings: Any
) -> EventSourceMapping:
    return EventSourceMapping(
        queue, function, MappingSettings(QUEUE_URL, QUEUE_ARN, **settings), clock
    )


def reporting(queue: FakeQueue, answer: object) -> EventSourceMapping:
    return mapping(queue, Function(lambda _event: answer), report_batch_item_failures=True)


def throttled(operation: str = "ReceiveMessage") -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, operation)


def raising(error: BaseException) -> Function:
    def answer(_event: dict[str, Any]) -> object:
        raise error

    return Function(answer)


def failures(*identifiers: object) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


def test_the_function_gets_each_message_in_lambdas_form() -> None:
    queue, function = FakeQueue(1), Function()
    queue.waiting[0]["MessageAttributes"] = {
        "submissionId": {"StringValue": "s-1", "DataType": "String"},
        "seal": {"BinaryValue": b"\x00\xff", "DataType": "Binary"},
    }
    queue.waiting[0]["MD5OfMessageAttributes"] = "1" * 32

    mapping(queue, function).process_next_batch()

    assert function.events == [
        {
            "Records": [
                {
                    "messageId": "m0",
                    "receiptHandle": "handle-m0",
                    "body": '{"id": "order-0"}',
                    "attributes": {
                        "ApproximateReceiveCount": "1",
                        "SentTimestamp": "1700000000000",
                    },
                    "messageAttributes": {
                        "submissionId": {
                            "stringValue": "s-1",
                            "stringListValues": [],
                            "binaryListValues": [],
                            "dataType": "String",
                        },
                        "seal": {
                            "binaryValue": "AP8=",
                            "stringListValues": [],
                            "binaryListValues": [],
                            "dataType": "Binary",
                        },
                    },
                    "md5OfBody": "0" * 32,
                    "md5OfMessageAttributes": "1" * 32,
                    "eventSource": "aws:sqs",
                    "eventSourceARN": QUEUE_ARN,
                    "awsRegion": "us-east-1",
                }
            ]
        }
    ]


def test_a_message_without_attributes_has_an_empty_object_and_no_digest_of_them() -> None:
    function = Function()

    mapping(FakeQueue(1), function).process_next_batch()

    (record,) = function.events[0]["Records"]
    assert record["messageAttributes"] == {}
    assert "md5OfMessageAttributes" not in record


def test_the_context_counts_down_the_functions_time() -> None:
    clock, function = FakeClock(), Function()

    mapping(FakeQueue(1), function, clock).process_next_batch()

    (context,) = function.contexts
    assert context.get_remaining_time_in_millis() == 60_000
    clock.now += 59.5
    assert context.get_remaining_time_in_millis() == 500
    clock.now += 10
    assert context.get_remaining_time_in_millis() == 0


def test_the_context_names_the_function_and_the_invocation() -> None:
    queue, function = FakeQueue(2), Function()
    worker = mapping(queue, function, batching=Batching(batch_size=1))

    worker.process_next_batch()
    worker.process_next_batch()

    first, second = function.contexts
    assert first.aws_request_id != second.aws_request_id
    assert first.function_name == "orders-local-process_orders"
    assert first.invoked_function_arn.endswith(":function:orders-local-process_orders")
    assert first.log_group_name == "/aws/lambda/orders-local-process_orders"
    assert first.memory_limit_in_mb == "512"


def test_an_empty_queue_invokes_nothing() -> None:
    queue, function = FakeQueue(), Function()

    assert mapping(queue, function).process_next_batch() == 0
    assert function.events == []
    assert queue.delete_calls == []


# Without partial batch responses


@pytest.mark.parametrize("answer", [None, "done", {}, failures("m1"), failures("nobody"), [1, 2]])
def test_without_the_flag_any_answer_deletes_the_whole_batch(answer: object) -> None:
    """AWS does the same with the mapping that Chalice makes: it doesn't even look at the answer."""
    queue = FakeQueue(3)

    mapping(queue, Function(lambda _event: answer)).process_next_batch()

    assert queue.deleted == ["m0", "m1", "m2"]


@pytest.mark.parametrize("error", [RuntimeError("2 of 3 failed"), SystemExit(1)])
@pytest.mark.parametrize("flag", [False, True])
def test_nothing_is_deleted_when_the_function_raises(error: BaseException, flag: bool) -> None:
    queue = FakeQueue(3)

    mapping(queue, raising(error), report_batch_item_failures=flag).process_next_batch()

    assert queue.delete_calls == []


def test_a_functions_error_is_logged_by_its_type_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its message may quote the order, and no log may hold an account number."""
    mapping(FakeQueue(1), raising(ValueError("account 1111111"))).process_next_batch()

    assert "ValueError" in caplog.text
    assert "1111111" not in caplog.text


@pytest.mark.parametrize("answer", [{"amount": object()}, {1, 2}, float])
def test_an_answer_that_is_not_json_is_a_failed_invocation(answer: object) -> None:
    queue = FakeQueue(1)

    mapping(queue, Function(lambda _event: answer)).process_next_batch()

    assert queue.delete_calls == []


def test_nothing_is_deleted_when_the_function_took_longer_than_its_timeout() -> None:
    """Lambda would have ended it. What it did so far stays done; the messages come back."""
    clock, queue = FakeClock(), FakeQueue(1)

    def slow(_event: dict[str, Any]) -> object:
        clock.now += 60
        return None

    mapping(queue, Function(slow), clock).process_next_batch()

    assert queue.delete_calls == []


# With partial batch responses


def test_every_message_that_did_not_fail_is_deleted() -> None:
    queue = FakeQueue(4)

    reporting(queue, failures("m1", "m3")).process_next_batch()

    assert queue.deleted == ["m0", "m2"]


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}]
)
def test_an_empty_response_deletes_the_whole_batch(answer: object) -> None:
    queue = FakeQueue(2)

    reporting(queue, answer).process_next_batch()

    assert queue.deleted == ["m0", "m1"]


@pytest.mark.parametrize(
    "answer",
    [
        failures("nobody"),
        failures("m0", "nobody"),
        failures(""),
        failures(None),
        failures(7),
        {"batchItemFailures": [{"id": "m0"}]},
        {"batchItemFailures": ["m0"]},
        {"batchItemFailures": "m0"},
        {"batchItemFailures": {"itemIdentifier": "m0"}},
        "m0",
        ["m0"],
        0,
    ],
)
def test_an_unknown_response_fails_the_whole_batch(answer: object) -> None:
    queue = FakeQueue(2)

    reporting(queue, answer).process_next_batch()

    assert queue.delete_calls == []


# Batches


@pytest.mark.parametrize("batch_size", [1, 7, 10])
def test_a_batch_has_no_more_messages_than_its_size(batch_size: int) -> None:
    queue, function = FakeQueue(30), Function()
    worker = mapping(queue, function, batching=Batching(batch_size=batch_size))

    assert worker.process_next_batch() == batch_size
    assert len(function.events[0]["Records"]) == batch_size


def test_a_window_gathers_more_messages_than_one_receive_returns() -> None:
    queue, function = FakeQueue(25), Function()
    batching = Batching(batch_size=25, window_seconds=1)

    mapping(queue, function, batching=batching).process_next_batch()

    assert [len(event["Records"]) for event in function.events] == [25]
    assert queue.delete_calls == [10, 10, 5]


def test_an_unfilled_batch_goes_when_its_window_ends() -> None:
    queue, function, clock = FakeQueue(12), Function(), FakeClock()

    def ticking() -> float:
        clock.now += 0.4
        return clock.now

    batching = Batching(batch_size=100, window_seconds=1)
    mapping(queue, function, ticking, batching=batching).process_next_batch()

    assert [len(event["Records"]) for event in function.events] == [12]
    assert max(queue.waits) == 1


def test_received_messages_are_processed_even_if_the_queue_fails_meanwhile() -> None:
    queue, function = FakeQueue(3), Function()
    worker = mapping(queue, function, batching=Batching(batch_size=50, window_seconds=5))
    receive = queue.receive_message

    def receive_then_fail(**arguments: Any) -> Any:
        answer = receive(**arguments)
        queue.receive_errors.append(throttled())
        return answer

    queue.receive_message = receive_then_fail  # type: ignore[method-assign]

    assert worker.process_next_batch() == 3
    assert queue.deleted == ["m0", "m1", "m2"]


@pytest.mark.parametrize(("size", "window"), [(0, 0), (101, 5), (11, 0), (11, 0.9)])
def test_the_worker_refuses_a_batching_that_lambda_refuses(size: int, window: float) -> None:
    with pytest.raises(ValueError, match="batch"):
        Batching(batch_size=size, window_seconds=window)


# Deleting


def test_a_failed_deletion_is_logged_and_holds_up_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = FakeQueue(3)
    queue.undeletable = {"m1"}

    mapping(queue, Function()).process_next_batch()

    assert queue.deleted == ["m0", "m2"]
    assert "Message m1 was processed but not deleted: ReceiptHandleIsInvalid" in caplog.text


def test_a_queue_that_refuses_deletions_does_not_end_the_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = FakeQueue(15)
    queue.delete_error = throttled("DeleteMessageBatch")
    batching = Batching(batch_size=15, window_seconds=1)

    mapping(queue, Function(), batching=batching).process_next_batch()

    assert queue.delete_calls == [10, 5]
    assert caplog.text.count("was processed but not deleted") == 2


# Running


def run_until(worker: EventSourceMapping, condition: Callable[[], bool]) -> None:
    """Run the worker until the condition holds, then stop it and wait for its end."""
    running = threading.Thread(target=worker.run)
    running.start()
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    worker.stop()
    running.join(timeout=10)
    assert not running.is_alive()
    assert condition()


def test_the_worker_goes_on_after_the_queue_is_empty() -> None:
    queue = FakeQueue(35)
    worker = mapping(queue, Function())

    run_until(worker, lambda: len(queue.deleted) == 35 and len(queue.waits) > 10)

    assert sorted(queue.deleted) == sorted(f"m{number}" for number in range(35))


def test_no_more_batches_run_at_once_than_the_maximum_concurrency() -> None:
    queue, lock = FakeQueue(12), threading.Lock()
    together = threading.Barrier(3, timeout=10)
    at_once, most = 0, 0

    def watched(_event: dict[str, Any]) -> object:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        # Passed only if three are here at once.
        together.wait()
        with lock:
            at_once -= 1
        return None

    batching = Batching(batch_size=1, maximum_concurrency=3)
    run_until(
        mapping(queue, Function(watched), batching=batching), lambda: len(queue.deleted) == 12
    )

    assert most == 3


def test_a_receive_waits_at_the_queue_while_a_batch_is_processed() -> None:
    """Else an order that comes meanwhile would wait for the batch before it."""
    queue, second_came = FakeQueue(2), threading.Event()

    def first_waits_for_second(event: dict[str, Any]) -> None:
        if event["Records"][0]["messageId"] == "m1":
            second_came.set()
        assert second_came.wait(10)

    worker = mapping(queue, Function(first_waits_for_second), batching=Batching(batch_size=1))
    run_until(worker, lambda: len(queue.deleted) == 2)

    assert sorted(queue.deleted) == ["m0", "m1"]


def test_the_worker_does_not_rest_between_receives() -> None:
    """It asks SQS to wait instead: a rest of its own would be added to each order's age."""
    queue, rests = FakeQueue(3), []

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            rests.append(timeout)
            return super().wait(timeout)

    worker = mapping(queue, Function(), batching=Batching(batch_size=1))
    vars(worker)["_stopping"] = Stopping()
    run_until(worker, lambda: len(queue.deleted) == 3 and len(queue.waits) > 10)

    assert not rests
    assert min(queue.waits) >= 1


def test_a_worker_that_is_paused_takes_nothing_until_it_is_told_to_go_on() -> None:
    queue, paused = FakeQueue(1), threading.Event()
    paused.set()
    settings = MappingSettings(QUEUE_URL, QUEUE_ARN)
    worker = EventSourceMapping(queue, Function(), settings, paused=paused.is_set)
    running = threading.Thread(target=worker.run)
    running.start()
    time.sleep(0.1)
    untouched = list(queue.waiting)

    paused.clear()
    deadline = time.monotonic() + 10
    while not queue.deleted and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.stop()
    running.join(timeout=10)

    assert len(untouched) == 1
    assert len(queue.deleted) == 1


def test_a_stop_finishes_the_batch_in_progress_and_takes_no_other() -> None:
    queue = FakeQueue(20)
    entered, released = threading.Event(), threading.Event()

    def held(_event: dict[str, Any]) -> object:
        entered.set()
        released.wait(timeout=10)
        return None

    worker = mapping(queue, Function(held), batching=Batching(maximum_concurrency=1))
    running = threading.Thread(target=worker.run)
    running.start()
    entered.wait(timeout=10)
    worker.stop()
    released.set()
    running.join(timeout=10)

    assert len(queue.deleted) == 10
    assert len(queue.waiting) == 10


def test_the_worker_survives_an_outage_and_reports_it_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = FakeQueue(1)
    caplog.set_level(logging.INFO)
    unreachable = EndpointConnectionError(endpoint_url=QUEUE_URL)
    queue.receive_errors.extend([unreachable, throttled()])

    run_until(
        mapping(queue, Function(), batching=Batching(maximum_concurrency=1)),
        lambda: queue.deleted == ["m0"],
    )

    assert caplog.text.count("can't be read") == 1
    assert caplog.text.count("can be read again") == 1


def test_the_pause_between_attempts_doubles_up_to_a_limit() -> None:
    outage = Outage()

    pauses = [outage.note_failure(throttled()) for _ in range(8)]

    assert pauses[:3] == [FIRST_BACKOFF_SECONDS, 0.5, 1.0]
    assert pauses[-1] == LONGEST_BACKOFF_SECONDS


def test_the_next_outage_begins_with_the_shortest_pause_again() -> None:
    outage = Outage()
    outage.note_failure(throttled())
    outage.note_failure(throttled())

    outage.note_success()

    assert outage.note_failure(throttled()) == FIRST_BACKOFF_SECONDS


def test_a_stop_does_not_wait_for_the_end_of_a_pause() -> None:
    queue = FakeQueue()
    queue.receive_errors.extend(throttled() for _ in range(50))
    worker = mapping(queue, Function())
    began = time.monotonic()

    run_until(worker, lambda: len(queue.waits) >= 4)

    assert time.monotonic() - began < 4
