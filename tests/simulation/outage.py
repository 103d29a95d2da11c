"""
Hours of one queue in a moment: SQS and Lambda by the minute, and the real processor behind them.

Minutes are all that is simulated of time: a message that no delivery took off the queue is visible
again after the visibility timeout, and goes to the dead-letter queue instead of being received once
more than the template says. Batches are as unlucky as they can be: messages that were received
together are received together again, as from a queue that is otherwise empty.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.orders.submission import Submission
from chalicelib.services.acknowledging import BatchFailed, delete_then_raise, report_failures
from chalicelib.services.message import Message
from chalicelib.services.processing import Processor
from tests.builders import Clock, order_text
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter
from tests.resources import properties_of_resources

_QUEUE = properties_of_resources()["OrdersQueue"]
MAX_RECEIVES: int = _QUEUE["RedrivePolicy"]["maxReceiveCount"]
VISIBILITY_MINUTES: int = _QUEUE["VisibilityTimeout"] // 60
BATCH_SIZE = 10


class Killed(BaseException):
    """The function died. Not an Exception: no code of it goes on."""


class DeadlyArchive(FakeArchive):
    """An archive in which orders of some ids kill the function. It dies before anything is kept."""

    def __init__(self, deadly: Iterable[str]) -> None:
        super().__init__()
        self._deadly = frozenset(deadly)

    def keep(self, submission: Submission) -> None:
        if submission.order.id in self._deadly:
            raise Killed
        super().keep(submission)


@dataclass(kw_only=True)
class Order:
    """An order's message on its way, and the minutes at which something became of it."""

    order_id: str
    message_id: str
    sent_at: int
    visible_at: int
    receive_count: int = 0
    recorded_at: int | None = None
    dead_at: int | None = None

    @property
    def waits(self) -> bool:
        return self.recorded_at is None and self.dead_at is None

    @property
    def delay(self) -> int:
        """Minutes until it was recorded."""
        assert self.recorded_at is not None, self
        return self.recorded_at - self.sent_at


@dataclass
class Night:
    """A queue, its stores, and a processor that a deadly order kills."""

    deadly: frozenset[str] = frozenset()
    partial_batch: bool = True
    processor: type[Processor] = Processor
    batch_size: int = BATCH_SIZE
    minute: int = 0
    deaths: int = 0
    orders: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.records = FakeRecordStore()
        self.queue = FakeQueue()
        reporter = FakeReporter()
        self._processor = self.processor(
            records=self.records,
            archive=DeadlyArchive(self.deadly),
            queue=self.queue,
            reporter=reporter,
            clock=Clock(),
        )
        self._acknowledge = (
            report_failures if self.partial_batch else delete_then_raise(self.queue, reporter)
        )

    def send(self, *order_ids: str, run: int = 0) -> None:
        """Put orders on the queue. Another `run` gives them other message ids."""
        self.orders += [
            Order(
                order_id=order_id,
                message_id=f"{run}-{order_id}",
                sent_at=self.minute,
                visible_at=self.minute,
            )
            for order_id in order_ids
        ]

    def go_on(self, minutes: int) -> None:
        """Let minutes pass, with a delivery of all that is visible in each."""
        for _ in range(minutes):
            visible = [
                each for each in self.orders if each.waits and each.visible_at <= self.minute
            ]
            # Messages of one batch were hidden together, and are visible again together.
            for start in range(0, len(visible), self.batch_size):
                self._deliver(self._receive(visible[start : start + self.batch_size]))
            self.minute += 1

    def dead(self) -> list[str]:
        """Return the orders that are in the dead-letter queue."""
        return [each.order_id for each in self.orders if each.dead_at is not None]

    def recorded(self) -> list[Order]:
        """Return the orders that are recorded, and that no one receives any more."""
        return [each for each in self.orders if each.recorded_at is not None]

    def _receive(self, orders: Sequence[Order]) -> list[Order]:
        received = []
        for each in orders:
            if each.receive_count == MAX_RECEIVES:
                each.dead_at = self.minute
            else:
                each.receive_count += 1
                each.visible_at = self.minute + VISIBILITY_MINUTES
                received.append(each)
        return received

    def _deliver(self, batch: Sequence[Order]) -> None:
        if not batch:
            return
        self.queue.deleted.clear()
        kept = {each.message_id for each in batch}
        try:
            answer: Any = self._acknowledge(self._processor.process_batch(_messages(batch)))
            failures = answer["batchItemFailures"] if answer else []
            kept = {failure["itemIdentifier"] for failure in failures}
        except BatchFailed:
            pass
        except Killed:
            self.deaths += 1
        for each in batch:
            if each.message_id not in kept or each.message_id in self.queue.deleted:
                each.recorded_at = self.minute


def _messages(batch: Sequence[Order]) -> list[Message]:
    return [
        Message(
            message_id=each.message_id,
            receipt_handle=f"{each.message_id}/{each.receive_count}",
            body=order_text(each.order_id),
            receive_count=each.receive_count,
        )
        for each in batch
    ]
