"""Processing: one message, a batch of them, and the answer for a batch."""

import itertools
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib.orders.errors import sentence_from_json
from chalicelib.orders.record import Record, Status, parted
from chalicelib.orders.submission import Submission
from chalicelib.services.acknowledging import BatchFailed, delete_then_raise, report_failures
from chalicelib.services.message import Message
from chalicelib.services.processed import Processed
from chalicelib.services.processing import Processor
from chalicelib.services.time_limit import TIME_FOR_ONE_CALL_MS, OutOfTime
from chalicelib.services.unavailable import StoreConflict, StoreUnavailable
from chalicelib.texts import texts_in
from tests import envelopes
from tests.builders import (
    START,
    Clock,
    order_text,
    redelivered,
    sqs_message,
    sqs_record,
)
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter


class System:
    """A processor over fakes."""

    def __init__(self) -> None:
        self.records = FakeRecordStore()
        self.archive = FakeArchive()
        self.queue = FakeQueue()
        self.reporter = FakeReporter()
        self.clock = Clock()

    def processor(self, **changes: Any) -> Processor:
        parts: dict[str, Any] = {
            "records": self.records,
            "archive": self.archive,
            "queue": self.queue,
            "reporter": self.reporter,
            "clock": self.clock,
        }
        return Processor(**{**parts, **changes})

    def process(self, *messages: Message) -> list[Processed]:
        return self.processor().process_batch(messages)

    def record(self, order_id: str = "order-001") -> Record:
        (record,) = self.records.of(order_id)
        return record


class SlowRecordStore(FakeRecordStore):
    """Each record takes some time."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def take(self, record: Record) -> Record | None:
        self._clock.advance(milliseconds=5)
        return super().take(record)


def status_of(processed: Processed) -> tuple[Status, bool]:
    """Tell the status of its record, and whether this delivery wrote it."""
    assert processed.verdict
    return processed.verdict.record.status, processed.verdict.new


@pytest.fixture
def system() -> System:
    return System()


def test_a_valid_order_is_archived_as_it_was_received_and_recorded(system: System) -> None:
    body = '{ "id":"order-001","amount":2580.0,"fromAccount":"1","toAccount":"2","ñ":"\\ud800"}'

    system.process(sqs_message(body))

    record = system.record()
    assert record.status is Status.ACCEPTED
    assert system.archive.objects == {record.s3_key: body.encode()}


def test_an_invalid_order_is_recorded_and_not_archived(system: System) -> None:
    system.process(sqs_message(order_text(amount=0)))

    assert system.record().status is Status.REJECTED
    assert system.archive.objects == {}


def test_the_usual_order_costs_one_call_to_each_store(system: System) -> None:
    system.process(sqs_message())

    assert (system.archive.calls, system.records.calls) == (["keep"], ["take"])


def test_one_call_takes_the_first_slots_of_many_orders(system: System) -> None:
    system.records.most_at_once = 3

    batch = system.process(*(sqs_message(order_text(f"order-{n}")) for n in range(7)))

    assert system.archive.calls == 7 * ["keep"]
    # The seventh would be alone in its call.
    assert system.records.calls == ["take_free", "take_free", "take"]
    assert [status_of(processed) for processed in batch] == 7 * [(Status.ACCEPTED, True)]


def test_the_processor_sends_no_more_records_than_the_store_takes_at_once(system: System) -> None:
    system.records.most_at_once = 1

    system.process(sqs_message(), sqs_message(order_text("order-002")))

    assert system.records.calls == ["take", "take"]


def test_a_message_whose_slot_is_taken_is_settled_by_itself(system: System) -> None:
    redelivery = sqs_message()
    system.process(redelivery)
    system.records.calls.clear()

    batch = system.process(
        redelivered(redelivery),
        sqs_message(order_text("order-002"), message_id="new"),
        sqs_message(order_text("order-003", amount=0), message_id="invalid"),
    )

    assert [status_of(processed) for processed in batch] == [
        (Status.ACCEPTED, False),
        (Status.ACCEPTED, True),
        (Status.REJECTED, True),
    ]
    assert system.records.calls == ["take_free", "take"]


def test_one_batch_may_hold_a_duplicate_and_a_correction(system: System) -> None:
    batch = system.process(
        sqs_message(order_text("a")),
        sqs_message(order_text("b", amount=0)),
        sqs_message(order_text("a", amount=1)),
        sqs_message(order_text("b")),
    )

    assert [(p.verdict and p.verdict.record.order_id, *status_of(p)) for p in batch] == [
        ("a", Status.ACCEPTED, True),
        ("a", Status.DUPLICATE, True),
        ("b", Status.REJECTED, True),
        ("b", Status.ACCEPTED, True),
    ]
    assert system.records.calls[0] == "take_free"


def test_a_batch_does_not_ask_again_for_its_first_record(system: System) -> None:
    """The first record is known and never changes: each duplicate costs one call, for its own."""
    batch = system.process(
        sqs_message(order_text("a"), message_id="first"),
        sqs_message(order_text("b")),
        sqs_message(order_text("a")),
        sqs_message(order_text("a", amount=1)),
    )

    assert [(p.verdict and p.verdict.record.differs, *status_of(p)) for p in batch] == [
        ((), Status.ACCEPTED, True),
        ((), Status.DUPLICATE, True),
        (("amount",), Status.DUPLICATE, True),
        ((), Status.ACCEPTED, True),
    ]
    assert system.records.calls == ["take_free", "take", "take"]


def test_a_message_that_comes_twice_in_a_batch_is_recorded_once(system: System) -> None:
    system.records = SlowRecordStore(system.clock)
    message = sqs_message()
    batch = system.process(message, message)

    assert [status_of(p) for p in batch] == [(Status.ACCEPTED, True), (Status.ACCEPTED, False)]
    assert system.records.calls == ["take"]


def test_a_batch_asks_once_for_the_holder_of_a_slot(system: System) -> None:
    system.process(sqs_message(message_id="recorded"))
    system.records.calls.clear()

    batch = system.process(sqs_message(), sqs_message(), sqs_message())

    assert [status_of(processed) for processed in batch] == 3 * [(Status.DUPLICATE, True)]
    assert system.records.calls == ["take", *3 * ["take"]]


def test_a_failed_message_is_not_taken_for_the_first_of_its_order(system: System) -> None:
    class FailingOnce(FakeRecordStore):
        def take(self, record: Record) -> Record | None:
            if record.submission_id == "fails":
                raise StoreUnavailable("DynamoDB PutItem: ThrottlingException")
            return super().take(record)

    system.records = FailingOnce()
    failed, after = system.process(sqs_message(message_id="fails"), sqs_message(message_id="next"))

    assert failed.failure
    assert status_of(after) == (Status.ACCEPTED, True)
    assert system.record().submission_id == "next"


def test_a_batch_remembers_a_holder_after_a_message_that_fails(system: System) -> None:
    class FailingOnce(FakeArchive):
        def keep(self, submission: Submission) -> None:
            if submission.submission_id == "fails":
                raise StoreUnavailable("S3 PutObject: SlowDown")
            super().keep(submission)

    system.archive = FailingOnce()
    batch = system.process(*(sqs_message(message_id=name) for name in ("first", "fails", "last")))

    assert [bool(processed.failure) for processed in batch] == [False, True, False]
    assert system.records.calls == ["take", "take"]


def test_the_history_has_the_messages_of_a_batch_in_the_order_received(system: System) -> None:
    system.records = SlowRecordStore(system.clock)
    names = [f"m-{number}" for number in range(8, 0, -1)]
    system.process(*(sqs_message(message_id=name) for name in names))

    history, _ = system.records.read_history("order-001", None, 100)
    assert [record.submission_id for record in parted(history)[0]] == names[1:]


def test_only_the_messages_of_a_failed_call_stay_on_the_queue(system: System) -> None:
    class FailingOnce(FakeRecordStore):
        def take_free(self, records: Sequence[Record]) -> list[bool]:
            if records[0].order_id == "order-2":
                raise StoreUnavailable("DynamoDB BatchExecuteStatement: ReadTimeoutError")
            return super().take_free(records)

    batch = system.processor(records=FailingOnce(most_at_once=2)).process_batch(
        [sqs_message(order_text(f"order-{n}")) for n in range(6)]
    )

    failed = [processed.submission for processed in batch if processed.failure]
    assert [submission.order.id for submission in failed if submission] == ["order-2", "order-3"]


def test_the_processor_does_not_begin_to_record_an_archived_order_too_late(
    system: System,
) -> None:
    system.process(sqs_message(order_text("a")))
    left = iter([*[60_000] * 4, TIME_FOR_ONE_CALL_MS - 1])

    batch = system.processor().process_batch(
        [sqs_message(order_text("a")), sqs_message(order_text("b"))], lambda: next(left)
    )

    assert [type(processed.failure) for processed in batch] == [OutOfTime, type(None)]


def test_a_redelivered_message_is_not_its_own_duplicate(system: System) -> None:
    """SQS delivers at least once; the second delivery must leave no trace."""
    message = sqs_message()

    system.process(message)
    (again,) = system.process(redelivered(message))

    assert again.verdict
    assert not again.verdict.new
    assert not system.record().is_duplicate
    assert len(system.archive.objects) == 1


def test_a_redriven_message_stays_the_same_submission(system: System) -> None:
    """A redrive gives a new messageId and enqueue time; only the attributes are kept."""
    system.process(sqs_message(message_id="before", submissionId="s-1"))
    system.process(sqs_message(message_id="after", submissionId="s-1"))

    assert len(system.records.all()) == 1


def test_a_plain_message_is_identified_by_its_message_id(system: System) -> None:
    system.process(sqs_message(message_id="m-1"))

    assert system.record().submission_id == "m-1"
    assert system.record().received_at == START


def test_a_record_keeps_the_attributes_of_the_submission(system: System) -> None:
    system.process(
        sqs_message(
            receive_count=3,
            submissionId="s-1",
            receivedAt="2026-02-28T23:59:59.999Z",
            submittedBy="arn:aws:iam::123456789012:user/ana",
            channel="atm",
        )
    )

    record = system.record()
    assert record.submission_id == "s-1"
    assert record.received_at.isoformat() == "2026-02-28T23:59:59.999000+00:00"
    assert record.processed_at == START
    assert record.submitted_by == "arn:aws:iam::123456789012:user/ana"
    assert (record.terms.channel, record.message_channel, record.channel) == (None, "atm", "atm")
    assert record.receive_count == 3
    assert record.ignored_attributes == ()


def test_a_message_without_any_time_counts_as_received_now(system: System) -> None:
    record = sqs_record()
    del record["attributes"]
    system.clock.advance(seconds=5)

    system.process(Message.from_record(record))

    assert system.record().received_at == system.clock()
    assert system.record().receive_count == 1


def test_an_unreadable_message_goes_to_the_dead_letters_with_the_reason(system: System) -> None:
    (processed,) = system.process(sqs_message("[1]", message_id="m-1", channel="web"))

    assert processed.failure is None
    (dead,) = system.queue.dead_letters
    assert dead.body == "[1]"
    assert dead.attributes == {
        "channel": "web",
        "unreadableReason": "not_an_object",
        "unreadableDetail": json.dumps(
            {
                "key": "order.not_an_object",
                "parameters": {"got": {"key": "got.list", "parameters": {}}},
            }
        ),
        "unreadableAt": "2026-03-01T12:00:00.000Z",
        "originalMessageId": "m-1",
        "submissionId": "m-1",
        # SQS gives the copy a time of its own.
        "receivedAt": "2026-03-01T12:00:00.000Z",
    }
    detail = sentence_from_json(json.loads(dead.attributes["unreadableDetail"]))
    assert texts_in("en").sentence(detail) == "is not a JSON object: got a list"
    assert system.records.all() == []


def test_an_envelope_goes_to_the_dead_letters_at_once_although_it_has_an_id(
    system: System,
) -> None:
    """As an order it would be rejected, and nobody would hear of it."""
    (processed,) = system.process(sqs_message(envelopes.texts()["EventBridge"]))

    assert processed.failure is None
    (dead,) = system.queue.dead_letters
    assert dead.attributes["unreadableReason"] == "foreign_envelope"
    assert system.records.all() == []


def test_an_attribute_of_ours_counts_only_where_it_stands_by_itself(system: System) -> None:
    """Ours are never packed: a sender that packs one can't be read in two ways."""
    forged = {
        name: {"dataType": "String", "stringValue": value}
        for name, value in {"channel": "atm", "submissionId": "s-2"}.items()
    }
    text = json.dumps(forged, separators=(",", ":"), sort_keys=True)

    system.process(sqs_message(message_id="m-1", otherMessageAttributes=text))

    assert system.record().terms.channel is None
    assert system.record().submission_id == "m-1"


def test_an_unreadable_message_stays_if_the_dead_letter_queue_fails(
    system: System,
) -> None:
    with system.queue.outage():
        (processed,) = system.process(sqs_message("[1]"))

    assert isinstance(processed.failure, StoreUnavailable)


def test_the_processor_records_nothing_if_the_archive_fails(system: System) -> None:
    with system.archive.outage():
        (processed,) = system.process(sqs_message())

    assert processed.failure
    assert system.records.all() == []


def test_a_retry_finds_its_object_again_after_the_record_store_failed(system: System) -> None:
    message = sqs_message()
    with system.records.outage():
        system.process(message)

    system.process(redelivered(message))

    assert system.record().receive_count == 2
    assert list(system.archive.objects) == [system.record().s3_key]


def test_a_failed_message_holds_up_no_other(system: System) -> None:
    class PoisonArchive(FakeArchive):
        def keep(self, submission: Submission) -> None:
            if submission.order.id == "poison":
                raise ZeroDivisionError
            super().keep(submission)

    orders = ["a", "poison", "b"]
    batch = system.processor(archive=PoisonArchive()).process_batch(
        [sqs_message(order_text(order)) for order in orders]
    )

    assert [type(processed.failure) for processed in batch] == [
        type(None),
        ZeroDivisionError,
        type(None),
    ]


def test_a_message_that_fails_to_be_read_holds_up_no_other(system: System) -> None:
    class Poison(Message):
        def attribute(self, name: str) -> str | None:
            raise RecursionError(name)

    poison = Poison(*sqs_message())
    batch = system.process(poison, sqs_message())

    assert [type(processed.failure) for processed in batch] == [RecursionError, type(None)]


def test_messages_of_one_order_are_processed_in_the_order_received(system: System) -> None:
    with ThreadPoolExecutor(max_workers=8) as executor:
        system.processor(concurrently=executor.map).process_batch(
            [
                sqs_message(order_text(amount=amount), message_id=f"m-{amount}")
                for amount in range(1, 9)
            ]
        )

    first = system.records.of("order-001")[0]
    assert first.submission_id == "m-1"
    assert first.status is Status.ACCEPTED


@pytest.mark.parametrize("orders", [["a", "b", "c", "d"], 4 * ["a"]], ids=["different", "the same"])
def test_all_orders_of_a_batch_are_archived_side_by_side(system: System, orders: list[str]) -> None:
    """Orders of one orderId too: each submission has an object of its own."""
    meeting = threading.Barrier(4, timeout=5)

    class WaitingArchive(FakeArchive):
        def keep(self, submission: Submission) -> None:
            meeting.wait()
            super().keep(submission)

    with ThreadPoolExecutor(max_workers=4) as executor:
        batch = system.processor(archive=WaitingArchive(), concurrently=executor.map).process_batch(
            [sqs_message(order_text(order)) for order in orders]
        )

    assert not any(processed.failure for processed in batch)


class ConflictingArchive(FakeArchive):
    """Another worker puts the same object: so many of our puts meet its put."""

    def __init__(self, conflicts: int) -> None:
        super().__init__()
        self._conflicts = itertools.repeat(None, conflicts)

    def keep(self, submission: Submission) -> None:
        for _ in self._conflicts:
            raise StoreConflict("S3 PutObject: ConditionalRequestConflict")
        super().keep(submission)


@pytest.mark.parametrize("conflicts", [1, 2])
def test_a_put_that_meets_another_one_is_tried_again_soon(system: System, conflicts: int) -> None:
    slept: list[float] = []
    processor = system.processor(archive=ConflictingArchive(conflicts), sleep=slept.append)

    (processed,) = processor.process_batch([sqs_message()])

    assert status_of(processed) == (Status.ACCEPTED, True)
    assert slept == [0.05, 0.2][:conflicts]


def test_a_put_that_meets_another_one_three_times_leaves_the_message_on_the_queue(
    system: System,
) -> None:
    processor = system.processor(archive=ConflictingArchive(3), sleep=lambda _: None)

    (processed,) = processor.process_batch([sqs_message()])

    assert isinstance(processed.failure, StoreUnavailable)
    assert system.records.all() == []


def test_a_put_is_not_tried_again_if_the_time_is_too_short(system: System) -> None:
    """The pause comes out of the time for one call: it has room for both."""
    slept: list[float] = []
    left = iter([60_000, TIME_FOR_ONE_CALL_MS, TIME_FOR_ONE_CALL_MS - 1])
    processor = system.processor(archive=ConflictingArchive(1), sleep=slept.append)

    (processed,) = processor.process_batch([sqs_message()], lambda: next(left))

    assert isinstance(processed.failure, OutOfTime)
    assert slept == []


def test_the_processor_begins_no_call_that_its_time_is_too_short_for(system: System) -> None:
    enough, too_little = TIME_FOR_ONE_CALL_MS, TIME_FOR_ONE_CALL_MS - 1
    left = iter([60_000, enough, too_little, enough, enough])
    batch = system.processor().process_batch(
        [sqs_message(order_text("a")), sqs_message(order_text("b"))], lambda: next(left)
    )

    assert [type(processed.failure) for processed in batch] == [type(None), OutOfTime]
    assert [record.order_id for record in system.records.all()] == ["a"]


def test_a_slow_message_stops_between_two_calls_before_it_is_cut_off(system: System) -> None:
    """A duplicate takes up to four calls, and each may use its whole time limit."""
    message = sqs_message()
    left = iter([60_000, TIME_FOR_ONE_CALL_MS, TIME_FOR_ONE_CALL_MS - 1])

    (late,) = system.processor().process_batch([message], lambda: next(left))
    assert isinstance(late.failure, OutOfTime)
    assert system.records.all() == []

    system.process(redelivered(message))
    assert system.archive.objects.keys() == {system.record().s3_key}


def test_a_function_with_little_time_uses_half_of_it(system: System) -> None:
    left = iter([3_000, 1_500, 1_499, 1_500, 1_500])
    batch = system.processor().process_batch(
        [sqs_message(order_text("a")), sqs_message(order_text("b"))], lambda: next(left)
    )

    assert [type(processed.failure) for processed in batch] == [type(None), OutOfTime]


def test_the_reporter_hears_of_each_message_and_of_the_batch(system: System) -> None:
    batch = system.process(sqs_message(), sqs_message("[]"))

    assert system.reporter.messages == batch
    assert system.reporter.batches == [batch]


def test_the_age_counts_from_the_submission(system: System) -> None:
    system.clock.advance(seconds=2)

    (recorded, unreadable) = system.process(sqs_message(), sqs_message("[]"))

    assert (recorded.age_ms, unreadable.age_ms) == (2000, 2000)


def test_the_attribute_or_else_the_message_names_the_request() -> None:
    def request_of(message: Message) -> str:
        return Processed(message, None, OutOfTime(), START).request_id

    assert request_of(sqs_message(requestId="request-1")) == "request-1"
    assert request_of(sqs_message(message_id="m-1")) == "m-1"
    assert request_of(sqs_message(message_id="m-1", requestId="forged\nline")) == "m-1"


def mixed_batch(system: System) -> list[Processed]:
    """Make a batch of two finished messages, one of them unreadable, and one that failed."""

    class FailingArchive(FakeArchive):
        def keep(self, submission: Submission) -> None:
            if submission.submission_id == "failed":
                raise StoreUnavailable("S3 PutObject: ServiceUnavailable")
            super().keep(submission)

    return system.processor(archive=FailingArchive()).process_batch(
        [
            sqs_message(message_id="good"),
            sqs_message(order_text("b"), message_id="failed"),
            sqs_message("{", message_id="unreadable"),
        ]
    )


def test_a_partial_batch_response_names_the_failed_messages(system: System) -> None:
    assert report_failures(mixed_batch(system)) == {
        "batchItemFailures": [{"itemIdentifier": "failed"}]
    }


def test_a_partial_batch_response_is_empty_if_nothing_failed(system: System) -> None:
    assert report_failures(system.process(sqs_message())) == {"batchItemFailures": []}


def test_delete_then_raise_deletes_the_finished_messages_and_fails_the_batch(
    system: System,
) -> None:
    batch = mixed_batch(system)

    with pytest.raises(BatchFailed, match="1 of 3 messages"):
        delete_then_raise(system.queue, system.reporter)(batch)

    assert system.queue.deleted == ["good", "unreadable"]


def test_delete_then_raise_leaves_a_batch_without_failures_to_lambda(system: System) -> None:
    batch = system.process(sqs_message())

    assert delete_then_raise(system.queue, system.reporter)(batch) is None
    assert system.queue.deleted == []


def test_delete_then_raise_reports_a_failed_deletion_and_fails_the_batch(
    system: System,
) -> None:
    batch = mixed_batch(system)

    with system.queue.outage(), pytest.raises(BatchFailed):
        delete_then_raise(system.queue, system.reporter)(batch)

    assert system.reporter.undeleted == [2]


def test_the_error_of_a_failed_batch_holds_no_payload(system: System) -> None:
    with pytest.raises(BatchFailed) as failed:
        delete_then_raise(system.queue, system.reporter)(mixed_batch(system))

    assert json.loads(order_text())["fromAccount"] not in str(failed.value)
    assert failed.value.__context__ is None
