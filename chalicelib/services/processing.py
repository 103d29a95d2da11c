"""
Processing: each message of a batch gets one of three outcomes.

It is *recorded* (archived first, if its order is valid). Or no order can be read from it, and it is
passed to the dead-letter queue at once, with the reason. Or it *failed*, and stays on the queue to
be delivered again. One that fails never holds another one up.

A batch goes through three steps, each for all of its messages: the valid orders are archived; the
first message of each orderId takes the first slot, many by one call; every other message is settled
by itself, one message of an orderId after the other. Messages that came back time and again go
through them in small parts of their own, at the end: see `suspects.py`.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, Protocol

from chalicelib.orders.errors import UnreadableOrder, sentence_to_json
from chalicelib.orders.order import parse_order
from chalicelib.orders.record import Record
from chalicelib.orders.settle import Verdict, settle
from chalicelib.orders.submission import Submission
from chalicelib.orders.times import iso
from chalicelib.services.batch_calls import Archive, BatchCalls, Queue, Records
from chalicelib.services.claims import read_claims
from chalicelib.services.message import Message
from chalicelib.services.processed import Processed, received_at_of, submission_id_of
from chalicelib.services.suspects import is_suspect, parts_of
from chalicelib.services.time_limit import OutOfTime, time_check
from chalicelib.services.unavailable import StoreUnavailable


class Reporter(Protocol):
    """Hears the outcome of each message, to log and count it; of suspects, before it as well."""

    def suspects_tried(self, suspects: Sequence[Message]) -> None: ...
    def processed(self, processed: Processed) -> None: ...
    def batch_processed(self, batch: Sequence[Processed]) -> None: ...
    def left_undeleted(self, count: int, error: StoreUnavailable) -> None: ...


Concurrently = Callable[[Callable[[Any], None], Iterable[Any]], Iterable[None]]
"""Like `map`, but may run the calls side by side: `ThreadPoolExecutor.map` is one."""


class _Delivery:
    """A message on its way through a batch, from step to step."""

    # Set once an order was read from it.
    submission: Submission
    # Set once it is finished.
    processed: Processed

    def __init__(self, message: Message) -> None:
        self.message = message
        self.is_read = False
        self.unreadable: UnreadableOrder | None = None
        # The time of its record: the same for each slot that this delivery tries.
        self.processed_at: datetime | None = None
        # None until it is finished.
        self.result: Verdict | Exception | None = None


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
        sleep: Callable[[float], None] = time.sleep,
        api_role_id: str | None = None,
    ) -> None:
        """`api_role_id` is IAM's id of the API's role, by which its messages are known."""
        self._records = records
        self._archive = archive
        self._queue = queue
        self._reporter = reporter
        self._clock = clock
        self._concurrently = concurrently
        self._sleep = sleep
        self._api_role_id = api_role_id

    def process_batch(
        self, messages: Sequence[Message], time_left_ms: Callable[[], float] | None = None
    ) -> list[Processed]:
        """
        Process each message, and return each outcome. Never raises for a message.

        Messages of one orderId are processed one after the other, in the order received; different
        orderIds side by side. When the function's time runs short, no further call is begun, and
        the rest is reported as failed: better than to be cut off in the middle.

        Suspects are processed in parts of their own. What is finished is taken off the queue before
        the next part begins, since that part may be the end of the function.
        """
        check_time = time_check(time_left_ms)
        calls = BatchCalls(self._archive, self._records, self._queue, check_time, self._sleep)
        batch: list[Processed] = []
        unacknowledged: list[Processed] = []
        for part in parts_of(messages):
            self._take_off(unacknowledged, calls)
            if is_suspect(part[0]):
                self._reporter.suspects_tried(part)
            unacknowledged = self._process_part(part, calls)
            batch += unacknowledged
        return batch

    def _take_off(self, finished: Sequence[Processed], calls: BatchCalls) -> None:
        """Take off the queue what did not fail. Delivered again, it would change nothing."""
        done = [processed.message for processed in finished if not processed.failure]
        if not done:
            return
        try:
            calls.delete(done)
        except StoreUnavailable as error:
            self._reporter.left_undeleted(len(done), error)
        except OutOfTime:
            # No further part begins a call: the answer for the batch comes at once.
            pass

    def _process_part(self, messages: Sequence[Message], calls: BatchCalls) -> list[Processed]:
        orders = _by_order([self._read(message) for message in messages])
        deliveries = list(chain.from_iterable(orders))
        self._archive_orders(deliveries, calls)
        self._take_first_slots([order[0] for order in orders], calls)
        self._finish_orders(orders, calls)
        part = [delivery.processed for delivery in deliveries]
        self._reporter.batch_processed(part)
        return part

    def _read(self, message: Message) -> _Delivery:
        delivery = _Delivery(message)
        _attempt(self._read_submission, delivery)
        return delivery

    def _read_submission(self, delivery: _Delivery) -> None:
        try:
            delivery.submission = self._submission(delivery.message)
            delivery.is_read = True
        except UnreadableOrder as unreadable:
            delivery.unreadable = unreadable

    def _submission(self, message: Message) -> Submission:
        """
        Read a message that came through POST /orders, or that any SQS client put on the queue.

        The latter may have no attributes of ours: then SQS's own message id and time serve.
        """
        claims = read_claims(message)
        sender_id = message.sender_id
        is_of_api = sender_id and sender_id.partition(":")[0] == self._api_role_id
        return Submission(
            order=parse_order(message.body),
            submission_id=submission_id_of(message),
            received_at=claims.received_at or message.sent_at or self._clock(),
            submitted_by=claims.submitted_by,
            receive_count=message.receive_count,
            message_channel=claims.channel,
            ignored_attributes=claims.ignored,
            sent_by=None if is_of_api else sender_id,
            traceparent=claims.traceparent,
        )

    def _archive_orders(self, deliveries: Sequence[_Delivery], calls: BatchCalls) -> None:
        """
        Archive the valid orders.

        S3 before DynamoDB: a crash between them leaves an object that the retry finds again. The
        reverse would leave a record whose object does not exist.
        """

        def archive(delivery: _Delivery) -> None:
            calls.keep(delivery.submission)

        valid = [each for each in deliveries if each.is_read and each.submission.order.valid]
        self._side_by_side(partial(_attempt, archive), valid)

    def _take_first_slots(self, heads: Sequence[_Delivery], calls: BatchCalls) -> None:
        """
        Take the first slots for the first message of each orderId, many by one call.

        That settles most messages. A message whose slot is or may be taken is settled by itself; so
        is a message that would be alone in its call, for the same price.
        """

        def take_free(*chunk: _Delivery) -> None:
            taken = calls.take_free([self._first_record(delivery) for delivery in chunk])
            for delivery, has_slot in zip(chunk, taken, strict=True):
                if has_slot:
                    self._record(delivery, calls)

        def attempt(chunk: Sequence[_Delivery]) -> None:
            _attempt(take_free, *chunk)

        ready = [head for head in heads if head.is_read and head.result is None]
        size = self._records.most_at_once
        chunks = [ready[start : start + size] for start in range(0, len(ready), size)]
        self._side_by_side(attempt, [chunk for chunk in chunks if len(chunk) > 1])

    def _first_record(self, delivery: _Delivery) -> Record:
        delivery.processed_at = self._clock()
        return Record.of_first(delivery.submission, delivery.processed_at)

    def _finish_orders(self, orders: Sequence[Sequence[_Delivery]], calls: BatchCalls) -> None:
        """Settle what is not settled yet, and report every message."""
        complete = partial(self._complete, calls)

        def finish(order: Sequence[_Delivery]) -> None:
            for delivery in order:
                if delivery.result is None:
                    _attempt(complete, delivery)
                self._report(delivery)

        # Most are settled by now, and a thread for each of them would only cost.
        settled: list[Sequence[_Delivery]] = []
        unsettled: list[Sequence[_Delivery]] = []
        for order in orders:
            (settled if _is_settled(order) else unsettled).append(order)
        self._side_by_side(finish, unsettled)
        for order in settled:
            finish(order)

    def _complete(self, calls: BatchCalls, delivery: _Delivery) -> None:
        if delivery.unreadable:
            self._dead_letter(delivery, delivery.unreadable, calls)
        else:
            self._record(delivery, calls)

    def _report(self, delivery: _Delivery) -> None:
        result = delivery.result
        assert result is not None  # noqa: S101 (each attempt ends with one, or fails)
        submission = delivery.submission if delivery.is_read else None
        delivery.processed = Processed(delivery.message, submission, result, self._clock())
        self._reporter.processed(delivery.processed)

    def _record(self, delivery: _Delivery, calls: BatchCalls) -> None:
        processed_at = delivery.processed_at or self._clock()
        delivery.result = settle(delivery.submission, calls.take, processed_at)

    def _dead_letter(
        self, delivery: _Delivery, unreadable: UnreadableOrder, calls: BatchCalls
    ) -> None:
        message, now = delivery.message, self._clock()
        calls.send_to_dead_letters(
            message,
            {
                "unreadableReason": unreadable.reason,
                "unreadableDetail": json.dumps(sentence_to_json(unreadable.sentence)),
                "unreadableAt": iso(now),
                "originalMessageId": message.message_id,
                # The copy gets an id and a time of its own.
                "submissionId": submission_id_of(message),
                "receivedAt": iso(received_at_of(message) or now),
            },
        )
        delivery.result = unreadable

    def _side_by_side(self, action: Callable[[Any], None], subjects: Sequence[Any]) -> None:
        # With no other call to wait for meanwhile, threads bring nothing.
        list((self._concurrently if len(subjects) > 1 else map)(action, subjects))


def _by_order(deliveries: Iterable[_Delivery]) -> list[list[_Delivery]]:
    """Put the deliveries of each orderId together. One that can't be read stands by itself."""
    orders: dict[str | _Delivery, list[_Delivery]] = {}
    for delivery in deliveries:
        key = delivery.submission.order.id if delivery.is_read else delivery
        orders.setdefault(key, []).append(delivery)
    return list(orders.values())


def _is_settled(order: Sequence[_Delivery]) -> bool:
    """Say whether all messages of an order are settled, and only the report is left."""
    return all(delivery.result is not None for delivery in order)


def _attempt(step: Callable[..., None], *deliveries: _Delivery) -> None:
    """Take a step with messages. Whatever goes wrong is their own failure, and no one else's."""
    try:
        step(*deliveries)
    except Exception as error:  # noqa: BLE001 (the boundary around one message)
        for delivery in deliveries:
            delivery.result = error
