"""
Processing: what is done with each message of a batch, and how the batch is answered for.

A message ends in one of three ways. It is *recorded* (archived first, if its order is valid); or
no order can be read from it, and it is passed to the dead-letter queue at once, with the reason;
or it *failed*, and stays on the queue to be delivered again. The three are tried for each message
by itself: one that fails never holds another one up.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Protocol, TypeVar

from chalicelib.order_queue import Message
from chalicelib.orders import UnreadableOrder, parse_order
from chalicelib.submissions import (
    Record,
    Submission,
    Verdict,
    is_well_formed_id,
    iso,
    parse_iso,
    settle,
    well_formed_submission_id,
)
from chalicelib.unavailable import StoreUnavailable

# What one call takes at its slowest, with the clients' time-outs and retries (see wiring.py): with
# less time left, none is begun.
TIME_FOR_ONE_CALL_MS = 22_500

Result = TypeVar("Result")


class BatchFailed(Exception):
    """Some messages of a batch failed, so that SQS must deliver them again."""


class OutOfTime(Exception):
    """The function's time was too short for what is left to do: the message stays on the queue."""


class Archive(Protocol):
    """What processing needs of the archive."""

    def keep(self, submission: Submission) -> None: ...


class Records(Protocol):
    """What processing needs of the record store."""

    def take(self, record: Record) -> Record | None: ...


class Queue(Protocol):
    """What processing needs of the queues."""

    def send_to_dead_letters(self, message: Message, attributes: Mapping[str, str]) -> None: ...
    def delete(self, messages: Sequence[Message]) -> None: ...


class Reporter(Protocol):
    """Is told what becomes of messages, to log and count it."""

    def processed(self, processed: "Processed") -> None: ...
    def batch_processed(self, batch: Sequence["Processed"]) -> None: ...
    def left_undeleted(self, count: int, error: StoreUnavailable) -> None: ...


Concurrently = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Like `map`, but may run the calls side by side: `ThreadPoolExecutor.map` is one."""

Answer = dict[str, list[dict[str, str]]] | None
Acknowledge = Callable[[Sequence["Processed"]], Answer]


@dataclass(frozen=True, slots=True)
class Processed:
    """
    What became of one message in one delivery.

    `result` is the verdict if it was recorded, an UnreadableOrder if it was passed to the
    dead-letter queue, and any other exception if it failed and stays on the queue.
    """

    message: Message
    submission: Submission | None
    result: Verdict | UnreadableOrder | Exception
    finished_at: datetime

    @property
    def verdict(self) -> Verdict | None:
        return self.result if isinstance(self.result, Verdict) else None

    @property
    def failure(self) -> Exception | None:
        return None if isinstance(self.result, Verdict | UnreadableOrder) else self.result

    @property
    def submission_id(self) -> str:
        return _submission_id(self.message)

    @property
    def request_id(self) -> str:
        """The request that brought the message; the message itself if no request did."""
        request_id = self.message.attribute("requestId")
        return (
            request_id if request_id and is_well_formed_id(request_id) else self.message.message_id
        )

    @property
    def age_ms(self) -> int | None:
        """How long ago the order was handed in, where that can be known."""
        since = self.submission.received_at if self.submission else self.message.sent_at
        return int((self.finished_at - since).total_seconds() * 1000) if since else None


class Processor:
    """Processes batches of messages."""

    def __init__(
        self,
        *,
        records: Records,
        archive: Archive,
        queue: Queue,
        reporter: Reporter,
        clock: Callable[[], datetime],
        concurrently: Concurrently = map,
    ) -> None:
        self._records = records
        self._archive = archive
        self._queue = queue
        self._reporter = reporter
        self._clock = clock
        self._concurrently = concurrently

    def process_batch(
        self, messages: Sequence[Message], time_left_ms: Callable[[], float] | None = None
    ) -> list[Processed]:
        """
        Process each message, and say what became of each. Never raises for a message.

        Messages of one orderId are processed one after the other, in the order received; different
        orderIds side by side. When the function's time runs short, no further call is begun, and
        the rest is reported as failed: better than to be cut off in the middle.
        """
        enough_time = _enough_time(time_left_ms)

        def process_group(
            group: Sequence[tuple[Message, Submission | Exception]],
        ) -> list[Processed]:
            return [self._process(message, read, enough_time) for message, read in group]

        groups = self._by_order(messages)
        batch = list(chain.from_iterable(self._concurrently(process_group, groups)))
        self._reporter.batch_processed(batch)
        return batch

    def _by_order(
        self, messages: Sequence[Message]
    ) -> list[list[tuple[Message, Submission | Exception]]]:
        groups = defaultdict(list)
        for message in messages:
            read = _attempt(lambda message=message: self._submission(message))  # type: ignore[misc]
            key = read.order.id if isinstance(read, Submission) else ("unread", message.message_id)
            groups[key].append((message, read))
        return list(groups.values())

    def _submission(self, message: Message) -> Submission:
        """
        Read a message that came through POST /orders, or that any SQS client put on the queue.

        The latter has no attributes of ours: then SQS's own message id and time serve.
        """
        received_at = parse_iso(message.attribute("receivedAt")) or message.sent_at
        return Submission(
            order=parse_order(message.body, channel=message.attribute("channel")),
            submission_id=_submission_id(message),
            received_at=received_at or self._clock(),
            submitted_by=message.attribute("submittedBy"),
            receive_count=message.receive_count,
        )

    def _process(
        self,
        message: Message,
        read: Submission | Exception,
        enough_time: Callable[[], bool],
    ) -> Processed:
        result = _attempt(lambda: self._finish(message, read, enough_time))
        submission = read if isinstance(read, Submission) else None
        processed = Processed(message, submission, result, self._clock())
        self._reporter.processed(processed)
        return processed

    def _finish(
        self,
        message: Message,
        read: Submission | Exception,
        enough_time: Callable[[], bool],
    ) -> Verdict | UnreadableOrder:
        if not enough_time():
            raise OutOfTime
        match read:
            case Submission():
                return self._record(read, enough_time)
            case UnreadableOrder():
                self._dead_letter(message, read)
                return read
            case unexpected:
                raise unexpected

    def _record(self, submission: Submission, enough_time: Callable[[], bool]) -> Verdict:
        def take_in_time(record: Record) -> Record | None:
            if not enough_time():
                raise OutOfTime
            return self._records.take(record)

        # S3 before DynamoDB: a crash between them leaves an object that the retry finds again.
        # The reverse would leave a record whose object does not exist.
        if submission.order.valid:
            self._archive.keep(submission)
        return settle(submission, take_in_time, self._clock())

    def _dead_letter(self, message: Message, unreadable: UnreadableOrder) -> None:
        self._queue.send_to_dead_letters(
            message,
            {
                "unreadableReason": unreadable.reason,
                "unreadableDetail": str(unreadable),
                "unreadableAt": iso(self._clock()),
                "originalMessageId": message.message_id,
                "submissionId": _submission_id(message),
            },
        )


def report_failures(batch: Sequence[Processed]) -> Answer:
    """
    Answer for a batch by a partial batch response: SQS keeps the messages it names.

    Only for an event source mapping that has `ReportBatchItemFailures`: without it, Lambda takes
    this answer for a success, and deletes the failed messages with the others.
    """
    return {
        "batchItemFailures": [
            {"itemIdentifier": processed.message.message_id}
            for processed in batch
            if processed.failure
        ]
    }


def delete_then_raise(queue: Queue, reporter: Reporter) -> Acknowledge:
    """
    Answer for batches so that nothing is lost without `ReportBatchItemFailures`.

    If a message failed, the others are deleted here, and the invocation fails, so that SQS keeps
    what is left of the batch.
    """

    def acknowledge(batch: Sequence[Processed]) -> Answer:
        failed = sum(1 for processed in batch if processed.failure)
        if not failed:
            return None
        done = [processed.message for processed in batch if not processed.failure]
        try:
            queue.delete(done)
        except StoreUnavailable as error:
            # Delivered again, they are recognised and change nothing.
            reporter.left_undeleted(len(done), error)
        raise BatchFailed(f"{failed} of {len(batch)} messages failed and stay on the queue")

    return acknowledge


def _enough_time(time_left_ms: Callable[[], float] | None) -> Callable[[], bool]:
    """
    Whether another call may be begun.

    A function that has little time from the start still uses half of it: else it would never do
    anything, and all its messages would end in the dead-letter queue.
    """
    if time_left_ms is None:
        return lambda: True
    needed = min(TIME_FOR_ONE_CALL_MS, time_left_ms() / 2)
    return lambda: time_left_ms() >= needed


def _submission_id(message: Message) -> str:
    return well_formed_submission_id(message.attribute("submissionId") or message.message_id)


def _attempt(action: Callable[[], Result]) -> Result | Exception:
    """The boundary around one message: whatever goes wrong with it is its own failure."""
    try:
        return action()
    except Exception as error:  # noqa: BLE001 (the boundary around one message)
        return error
