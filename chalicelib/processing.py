"""
Processing: what is done with each message of a batch, and how the batch is answered for.

A message ends in one of three ways. It is *recorded* (archived first, if its order is valid); or
no order can be read from it, and it is passed to the dead-letter queue at once, with the reason;
or it *failed*, and stays on the queue to be delivered again. The three are tried for each message
by itself: one that fails never holds another one up.

A batch goes through three steps, each for all of its messages: the orders are archived; what comes
first of each orderId takes the first slot, many by one call; and what is not finished by that is
settled, one message of an orderId after the other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, compress
from typing import Any, NamedTuple, Protocol, TypeVar

from chalicelib.order_queue import Message
from chalicelib.orders import UnreadableOrder, parse_order
from chalicelib.submissions import (
    Record,
    Submission,
    Verdict,
    is_well_formed_id,
    iso,
    parse_iso,
    settle_after_first,
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

    @property
    def most_at_once(self) -> int: ...
    def take(self, record: Record) -> Record | None: ...
    def take_free(self, records: Sequence[Record]) -> list[bool]: ...


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

CheckTime = Callable[[], None]
"""Raises OutOfTime if the function's time may be too short for another call."""

Answer = dict[str, list[dict[str, str]]] | None
Acknowledge = Callable[[Sequence["Processed"]], Answer]


class Processed(NamedTuple):
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


class _Delivery:
    """A message on its way through one batch: what was read from it, and how far it has come."""

    __slots__ = ("failure", "first", "holder", "message", "read")

    def __init__(self, message: Message, read: Submission | Exception) -> None:
        self.message = message
        self.read = read
        self.failure: Exception | None = None
        # Its record for the first slot, once it was tried to write it there.
        self.first: Record | None = None
        # The record that holds the first slot of its orderId, once that is known: for good.
        self.holder: Record | None = None

    @property
    def needs_a_call(self) -> bool:
        """Whether more is to be done with it than to say what became of it."""
        return self.holder is None and self.failure is None


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
        check_time = _time_check(time_left_ms)
        groups = self._by_order(messages)
        self._archive_orders(list(chain.from_iterable(groups)), check_time)
        self._take_first_slots([group[0] for group in groups], check_time)
        batch = self._settle(groups, check_time)
        self._reporter.batch_processed(batch)
        return batch

    def _by_order(self, messages: Sequence[Message]) -> list[list[_Delivery]]:
        groups = defaultdict(list)
        for message in messages:
            read = _attempt(lambda message=message: self._submission(message))  # type: ignore[misc]
            key = read.order.id if isinstance(read, Submission) else ("unread", message.message_id)
            groups[key].append(_Delivery(message, read))
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

    def _archive_orders(self, deliveries: Sequence[_Delivery], check_time: CheckTime) -> None:
        """
        Archive the valid orders.

        S3 before DynamoDB: a crash between them leaves an object that the retry finds again. The
        reverse would leave a record whose object does not exist.
        """

        def keep(order: tuple[_Delivery, Submission]) -> None:
            delivery, submission = order
            try:
                check_time()
                self._archive.keep(submission)
            except Exception as error:  # noqa: BLE001 (the boundary around one message)
                delivery.failure = error

        self._side_by_side(keep, [order for order in _orders(deliveries) if order[1].order.valid])

    def _take_first_slots(self, heads: Sequence[_Delivery], check_time: CheckTime) -> None:
        """
        Take the first slots for what comes first of each orderId, many by one call.

        That finishes most messages. What finds its slot taken, or may have, is settled by itself;
        so is what would be alone in its call, for the same price.
        """
        begun = [order for order in _orders(heads) if order[0].failure is None]
        size = self._records.most_at_once
        chunks = [begun[start : start + size] for start in range(0, len(begun), size)]
        several = [chunk for chunk in chunks if len(chunk) > 1]
        self._side_by_side(partial(self._take_free, check_time), several)

    def _take_free(
        self, check_time: CheckTime, chunk: Sequence[tuple[_Delivery, Submission]]
    ) -> None:
        records = [self._first_of(delivery, submission) for delivery, submission in chunk]

        def take_free() -> list[bool]:
            check_time()
            return self._records.take_free(records)

        result = _attempt(take_free)
        for number, (delivery, _) in enumerate(chunk):
            if isinstance(result, Exception):
                delivery.failure = result
            elif result[number]:
                delivery.holder = records[number]

    def _settle(
        self, groups: Sequence[Sequence[_Delivery]], check_time: CheckTime
    ) -> list[Processed]:
        def settle(group: Sequence[_Delivery]) -> list[Processed]:
            processed, holder = [], None
            for delivery in group:
                # What one message has found out, the next need not ask for again.
                delivery.holder = delivery.holder or holder
                processed.append(self._process(delivery, check_time))
                holder = delivery.holder
            return processed

        # Most are finished already, and a thread for each of them would only cost.
        calling = [any(delivery.needs_a_call for delivery in group) for group in groups]
        settled = iter(self._side_by_side(settle, list(compress(groups, calling))))
        return list(
            chain.from_iterable(
                next(settled) if calls else settle(group)
                for group, calls in zip(groups, calling, strict=True)
            )
        )

    def _side_by_side(
        self, action: Callable[[Any], Result], subjects: Sequence[Any]
    ) -> list[Result]:
        # With no other call to wait for meanwhile, threads only cost.
        return list((self._concurrently if len(subjects) > 1 else map)(action, subjects))

    def _process(self, delivery: _Delivery, check_time: CheckTime) -> Processed:
        result = _attempt(lambda: self._finish(delivery, check_time))
        submission = delivery.read if isinstance(delivery.read, Submission) else None
        processed = Processed(delivery.message, submission, result, self._clock())
        self._reporter.processed(processed)
        return processed

    def _finish(self, delivery: _Delivery, check_time: CheckTime) -> Verdict | UnreadableOrder:
        if delivery.failure:
            raise delivery.failure
        match delivery.read:
            case Submission() as submission:
                return self._record(submission, delivery, check_time)
            case UnreadableOrder() as unreadable:
                check_time()
                self._dead_letter(delivery.message, unreadable)
                return unreadable
            case unexpected:
                raise unexpected

    def _record(
        self, submission: Submission, delivery: _Delivery, check_time: CheckTime
    ) -> Verdict:
        def take(record: Record) -> Record | None:
            check_time()
            return self._records.take(record)

        first = self._first_of(delivery, submission)
        delivery.holder = delivery.holder or take(first) or first
        return settle_after_first(submission, first, delivery.holder, take)

    def _first_of(self, delivery: _Delivery, submission: Submission) -> Record:
        """Its record for the first slot: the same one in all that one delivery tries."""
        if delivery.first is None:
            delivery.first = Record.of_first(submission, self._clock())
        return delivery.first

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


def _orders(deliveries: Iterable[_Delivery]) -> list[tuple[_Delivery, Submission]]:
    """Those of the deliveries that an order was read from, each with its submission."""
    return [(each, each.read) for each in deliveries if isinstance(each.read, Submission)]


def _time_check(time_left_ms: Callable[[], float] | None) -> CheckTime:
    """
    The check before each call: whether it may be begun.

    A function that has little time from the start still uses half of it: else it would never do
    anything, and all its messages would end in the dead-letter queue.
    """
    if time_left_ms is None:
        return lambda: None
    needed_ms = min(TIME_FOR_ONE_CALL_MS, time_left_ms() / 2)

    def check_time() -> None:
        if time_left_ms() < needed_ms:
            raise OutOfTime

    return check_time


def _submission_id(message: Message) -> str:
    return well_formed_submission_id(message.attribute("submissionId") or message.message_id)


def _attempt(action: Callable[[], Result]) -> Result | Exception:
    """The boundary around one message: whatever goes wrong with it is its own failure."""
    try:
        return action()
    except Exception as error:  # noqa: BLE001 (the boundary around one message)
        return error
