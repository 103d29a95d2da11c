"""
One delivery: the real processor over simulated clients, which can be stopped at each of its calls.

A delivery is code whose only inputs are its messages, the time, and AWS's answers. So it needs no
thread to wait in: it is run from its beginning with the answers given so far, and stopped at the
first call that has none yet. That list of answers is the whole state of a running delivery.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.items import to_item
from chalicelib.aws.key_store import KeyStore
from chalicelib.aws.s3 import OrderArchive
from chalicelib.aws.sqs import OrderQueue
from chalicelib.services.acknowledging import BatchFailed, delete_then_raise, report_failures
from chalicelib.services.intake import Intake
from chalicelib.services.message import Message
from chalicelib.services.processed import Processed
from chalicelib.services.processing import Concurrently, Processor
from chalicelib.services.unavailable import StoreUnavailable
from tests.simulation.clients import (
    BUCKET,
    DEAD_LETTERS_URL,
    QUEUE_URL,
    TABLE,
    Clients,
    NotSimulated,
    simulated,
)
from tests.simulation.world import (
    Answer,
    Call,
    DeleteMessages,
    Outcome,
    StoredMessage,
    item_json,
)

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
AUDIT_SHARDS = 4
MAIN_THREAD = 0
PLENTY_MS = 60_000
# The attributes beside the orders of one delivery, the next, … The first delivery has the first.
CLAIMS: tuple[Mapping[str, str], ...] = (
    {},
    {
        "channel": "ATM",
        "receivedAt": "yesterday",
        "submittedBy": "",
        "requestId": "?",
        "traceparent": "00-none-of-yours",
    },
    {
        "channel": "atm",
        "receivedAt": "0001-01-01T00:00:00.000Z",
        "submittedBy": "anybody",
        "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
    },
)


@dataclass(frozen=True, slots=True)
class System:
    """The code under test, and how its event source mapping is set up. Mutations replace parts."""

    processor: type[Processor] = Processor
    record_store: type[RecordStore] = RecordStore
    order_archive: type[OrderArchive] = OrderArchive
    order_queue: type[OrderQueue] = OrderQueue
    intake: type[Intake] = Intake
    key_store: type[KeyStore] = KeyStore
    # Whether the handler returns `batchItemFailures`, and whether the mapping takes notice of them.
    returns_failures: bool = False
    mapping_reads_failures: bool = False
    # How many first slots are taken by one call; the adapter's most is 25.
    most_at_once: int = 1
    # Some implementations of DynamoDB don't return the item with a failed condition.
    returns_old: bool = True


ORDINARY = System()
BATCHED = System(most_at_once=2)
PARTIAL_BATCHES = System(returns_failures=True, mapping_reads_failures=True)


class Answered(NamedTuple):
    """An answer that one of a delivery's threads got."""

    thread: int
    answer: Answer


class Delivery(NamedTuple):
    """A delivery of messages to a worker, and the answers it has had so far, by thread."""

    number: int
    messages: tuple[StoredMessage, ...]
    answers: tuple[Answered, ...] = ()

    @property
    def worker(self) -> str:
        """The worker's name: A for the first delivery."""
        return f"worker {chr(ord('A') + self.number - 1)}"

    def answered(self, thread: int, answer: Answer) -> "Delivery":
        """Return the delivery after one answer more."""
        answers = (*self.answers, Answered(thread, answer))
        # The order of answers to different threads does not matter: each knows its own only.
        ordered = tuple(sorted(answers, key=itemgetter(0)))
        return Delivery(self.number, self.messages, ordered)


class Waiting(NamedTuple):
    """The delivery's threads each wait for an answer to a call."""

    calls: tuple[tuple[int, Call], ...]


class Finished(NamedTuple):
    """The handler came to its end: the messages that Lambda deletes, the records it vouches for."""

    raised: bool
    deletes: tuple[str, ...]
    vouched_for: tuple[str, ...]


def run(system: System, delivery: Delivery) -> Waiting | Finished:
    """Run a delivery as far as its answers reach."""
    replay = _Replay(delivery.answers)
    clients = simulated(replay, returns_old=system.returns_old)
    try:
        return handle(system, delivery, clients, replay.side_by_side, replay.time_left_ms)
    except _Blocked as blocked:
        return Waiting(blocked.calls)


def handle(
    system: System,
    delivery: Delivery,
    clients: Clients,
    concurrently: Concurrently,
    time_left_ms: Callable[[], float],
) -> Finished:
    """Do what the handler in app.py does, over these clients."""
    queue = system.order_queue(lambda: clients.sqs, QUEUE_URL, DEAD_LETTERS_URL)
    reporter = _Reporter()
    processor = system.processor(
        records=system.record_store(clients.dynamodb, TABLE, AUDIT_SHARDS, system.most_at_once),
        archive=system.order_archive(clients.s3, BUCKET),
        queue=queue,
        reporter=reporter,
        # Each delivery has a clock of its own, which shows the same times in each run.
        clock=lambda: START + timedelta(seconds=delivery.number),
        concurrently=concurrently,
        sleep=lambda _: None,
    )
    acknowledge = report_failures if system.returns_failures else delete_then_raise(queue, reporter)
    messages = [Message.from_record(record) for record in _lambda_records(delivery)]
    try:
        response = acknowledge(processor.process_batch(messages, time_left_ms))
    except BatchFailed:
        return Finished(raised=True, deletes=(), vouched_for=reporter.vouched_for())
    return Finished(
        raised=False,
        deletes=tuple(_deleted_by_lambda(system, delivery, response)),
        vouched_for=reporter.vouched_for(),
    )


class _Blocked(BaseException):
    """All of a delivery's threads wait. Not an Exception: the code under test must not catch it."""

    def __init__(self, calls: tuple[tuple[int, Call], ...]) -> None:
        super().__init__(calls)
        self.calls = calls


class _Replay:
    """Answers each thread's calls as they were answered before, and stops it at the next."""

    def __init__(self, answers: Sequence[Answered]) -> None:
        self._left: dict[int, list[Answer]] = defaultdict(list)
        for thread, answer in answers:
            self._left[thread].append(answer)
        for of_thread in self._left.values():
            of_thread.reverse()
        self._thread = MAIN_THREAD
        self._asked_for_time = False
        self._out_of_time = any(answer.outcome is Outcome.OUT_OF_TIME for _, answer in answers)

    def __call__(self, call: Call) -> Answer:
        left = self._left[self._thread]
        if isinstance(call, DeleteMessages) and left and left[-1].outcome is Outcome.OUT_OF_TIME:
            left.pop()  # Finished messages are deleted however little time is left.
        if not left:
            raise _Blocked(((self._thread, call),))
        if left[-1].outcome is Outcome.OUT_OF_TIME:
            raise NotSimulated(f"{call} is made although the time is over")
        return left.pop()

    def time_left_ms(self) -> float:
        """Leave enough time for each call that was made, and then none if time ran out."""
        left = self._left[self._thread]
        at_the_beginning, self._asked_for_time = not self._asked_for_time, True
        if at_the_beginning or (left and left[-1].outcome is not Outcome.OUT_OF_TIME):
            return PLENTY_MS
        return 0 if self._out_of_time else PLENTY_MS

    def side_by_side(
        self, function: Callable[[Any], Any], arguments: Iterable[Any]
    ) -> Sequence[Any]:
        """Run each call in a thread of its own, as a thread pool does: stop when all wait."""
        results = []
        waiting: list[tuple[int, Call]] = []
        for thread, argument in enumerate(arguments, MAIN_THREAD + 1):
            self._thread = thread
            try:
                results.append(function(argument))
            except _Blocked as blocked:
                waiting += blocked.calls
        self._thread = MAIN_THREAD
        if waiting:
            raise _Blocked(tuple(waiting))
        return results


class _Reporter:
    """Keeps the outcome of each message."""

    def __init__(self) -> None:
        self._processed: list[Processed] = []

    def suspects_tried(self, suspects: Sequence[Message]) -> None: ...

    def processed(self, processed: Processed) -> None:
        self._processed.append(processed)

    def batch_processed(self, batch: Sequence[Processed]) -> None: ...

    def left_undeleted(self, count: int, error: StoreUnavailable) -> None: ...

    def vouched_for(self) -> tuple[str, ...]:
        """Return the items of the records that the delivery says there are."""
        return tuple(
            item_json(to_item(processed.verdict.record, AUDIT_SHARDS))
            for processed in self._processed
            if processed.verdict
        )


def _deleted_by_lambda(system: System, delivery: Delivery, response: Any) -> Iterator[str]:
    """Yield the receipts that Lambda deletes after a handler returned: its documented rules."""
    failures = (response or {}).get("batchItemFailures") or []
    kept = {failure["itemIdentifier"] for failure in failures}
    ids = {message.message_id for message in delivery.messages}
    if not system.mapping_reads_failures:
        kept = set()
    elif not kept <= ids:
        kept = ids
    return (message.receipt for message in delivery.messages if message.message_id not in kept)


def _lambda_records(delivery: Delivery) -> Iterator[dict[str, Any]]:
    """
    Make the records of a delivery's event, with other claims beside the orders at each delivery.

    So it is as if whoever may send to the queue had sent each submission again with claims of their
    own: they are no part of its identity.
    """
    claims = CLAIMS[delivery.number % len(CLAIMS)]
    for message in delivery.messages:
        yield _lambda_record(message, {**dict(message.attributes), **claims})


def _lambda_record(message: StoredMessage, attributes: Mapping[str, str]) -> dict[str, Any]:
    sent_ms = str(int(START.timestamp() * 1000))
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receive_count),
            "SentTimestamp": sent_ms,
        },
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String"} for name, value in attributes.items()
        },
    }
