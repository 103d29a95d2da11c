"""The calls to AWS of one batch: none begins too late, and none asks for a known record."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from chalicelib.orders.record import Record
from chalicelib.orders.submission import Submission
from chalicelib.services.message import Message
from chalicelib.services.time_limit import CheckTime
from chalicelib.services.unavailable import StoreConflict

# The other put of the same object is a delivery of the same message: its upload takes some 50 ms,
# and 200 ms outlast a slow one. More would hold up the batch for what a redelivery mends.
CONFLICT_PAUSES_SECONDS = (0.05, 0.2)


class Archive(Protocol):
    """The archive, as far as processing needs it."""

    def keep(self, submission: Submission) -> None: ...


class Records(Protocol):
    """The record store, as far as processing needs it."""

    @property
    def most_at_once(self) -> int: ...
    def take(self, record: Record) -> Record | None: ...
    def take_free(self, records: Sequence[Record]) -> list[bool]: ...


class Queue(Protocol):
    """The queues, as far as processing needs them."""

    def send_to_dead_letters(self, message: Message, attributes: Mapping[str, str]) -> None: ...
    def delete(self, messages: Sequence[Message]) -> None: ...


class BatchCalls:
    """
    Archive, record store and queues, for the length of one batch.

    It remembers each slot's holder, since a record never changes: no message asks again for a
    holder that an earlier one has found. Each method raises OutOfTime instead of beginning a call
    that the function's time may be too short for.
    """

    def __init__(
        self,
        archive: Archive,
        records: Records,
        queue: Queue,
        check_time: CheckTime,
        sleep: Callable[[float], None],
    ) -> None:
        self._archive = archive
        self._records = records
        self._queue = queue
        self._check_time = check_time
        self._sleep = sleep
        self._holders: dict[tuple[str, str], Record] = {}

    def keep(self, submission: Submission) -> None:
        """Archive a submission's order. If another put of it is at work, try again, twice."""
        self._check_time()
        for pause_seconds in CONFLICT_PAUSES_SECONDS:
            try:
                self._archive.keep(submission)
            except StoreConflict:
                # The time for one call has room for the pause before it.
                self._check_time()
                self._sleep(pause_seconds)
            else:
                return
        self._archive.keep(submission)

    def take(self, record: Record) -> Record:
        """Write a record if its slot is free: the record that holds the slot from then on."""
        slot = (record.order_id, record.record_id)
        if slot not in self._holders:
            self._check_time()
            self._holders[slot] = self._records.take(record) or record
        return self._holders[slot]

    def take_free(self, records: Sequence[Record]) -> list[bool]:
        """Write the records whose slots are free, by one call: whether each was written."""
        self._check_time()
        written = self._records.take_free(records)
        for record, is_written in zip(records, written, strict=True):
            if is_written:
                self._holders[record.order_id, record.record_id] = record
        return written

    def send_to_dead_letters(self, message: Message, attributes: Mapping[str, str]) -> None:
        """Pass a message to the dead-letter queue."""
        self._check_time()
        self._queue.send_to_dead_letters(message, attributes)

    def delete(self, messages: Sequence[Message]) -> None:
        """Take messages that are done with off the queue."""
        self._check_time()
        self._queue.delete(messages)
