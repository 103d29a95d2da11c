"""Acknowledging: the answer for a batch, so that SQS keeps exactly the messages that failed."""

from collections.abc import Callable, Sequence
from typing import Protocol

from chalicelib.services.message import Message
from chalicelib.services.processed import Processed
from chalicelib.services.unavailable import StoreUnavailable

Answer = dict[str, list[dict[str, str]]] | None
Acknowledge = Callable[[Sequence[Processed]], Answer]


class BatchFailed(Exception):
    """Some messages of a batch failed, so that SQS must deliver them again."""


class Queue(Protocol):
    """The orders' queue, as far as acknowledging needs it."""

    def delete(self, messages: Sequence[Message]) -> None: ...


class Reporter(Protocol):
    """Hears of messages that could not be deleted, to log it."""

    def left_undeleted(self, count: int, error: StoreUnavailable) -> None: ...


def report_failures(batch: Sequence[Processed]) -> Answer:
    """
    Answer by a partial batch response: SQS keeps the messages that it names.

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
    Make the answer for batches without `ReportBatchItemFailures`: nothing is lost without it.

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
