"""The worker: it does on one machine what Lambda's SQS event source mapping does on AWS."""

# ruff: noqa: N803 (the arguments of AWS's API have AWS's names)

from __future__ import annotations

import logging
import math
import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ops.local.lambda_events import (
    Clock,
    InvalidResponse,
    LambdaContext,
    as_json,
    failed_message_ids,
    sqs_event,
)
from ops.local.mapping_settings import SQS_BATCH_LIMIT, MappingSettings
from ops.local.outage import Outage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mypy_boto3_sqs.type_defs import (
        DeleteMessageBatchRequestEntryTypeDef,
        DeleteMessageBatchResultTypeDef,
        MessageTypeDef,
        ReceiveMessageResultTypeDef,
    )

    Handler = Callable[[dict[str, Any], LambdaContext], object]

log = logging.getLogger(__name__)

# Between two looks whether a pause is over.
PAUSE_SECONDS = 0.5


class Queue(Protocol):
    """The SQS client, as far as it is used."""

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        WaitTimeSeconds: int,
        MessageSystemAttributeNames: Sequence[Literal["All"]],
        MessageAttributeNames: Sequence[str],
    ) -> ReceiveMessageResultTypeDef: ...

    def delete_message_batch(
        self, *, QueueUrl: str, Entries: Sequence[DeleteMessageBatchRequestEntryTypeDef]
    ) -> DeleteMessageBatchResultTypeDef: ...


class EventSourceMapping:
    """
    Polls a queue, invokes a handler with batches of its messages, and deletes what was processed.

    Up to `maximum_concurrency` batches run at once, on threads of one process. Lambda gives each a
    process of its own, so a handler that is safe here is safe there; not the other way round.

    A message is deleted only after its handler has answered for it. Every other one comes back
    after its visibility time-out, and goes to the DLQ after as many receives as the redrive policy
    says: that is the queue's own doing, none of it is done here.
    """

    def __init__(
        self,
        queue: Queue,
        handler: Handler,
        settings: MappingSettings,
        clock: Clock = time.monotonic,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._queue = queue
        self._handler = handler
        self._settings = settings
        self._clock = clock
        self._paused = paused
        self._stopping = threading.Event()
        self._outage = Outage()

    def run(self) -> None:
        """Process batches until `stop` is called, and return when the last one is finished."""
        pollers = [
            threading.Thread(target=self._poll, name=f"poller-{number}")
            for number in range(1, self._settings.batching.maximum_concurrency + 1)
        ]
        for poller in pollers:
            poller.start()
        for poller in pollers:
            poller.join()

    def stop(self) -> None:
        """Take no more messages. Batches in progress are finished. Returns at once."""
        self._stopping.set()

    def process_next_batch(self) -> int:
        """
        Gather a batch, invoke the handler, delete what was processed. Return the batch's size.

        Raises:
            BotoCoreError, ClientError: the queue could not be read.
        """
        batch = self._gather_batch()
        if batch:
            self._delete(self._invoke(batch))
        return len(batch)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            if self._paused():
                self._stopping.wait(PAUSE_SECONDS)
                continue
            try:
                self.process_next_batch()
            except (BotoCoreError, ClientError) as error:
                self._stopping.wait(self._outage.note_failure(error))
            else:
                self._outage.note_success()

    # Gathering

    def _gather_batch(self) -> list[MessageTypeDef]:
        """
        Poll for the first messages, then for more until the batch is full or its window over.

        Raises:
            BotoCoreError, ClientError: the queue could not be read, and no message is in hand.
        """
        batch = self._receive(self._settings.batching.batch_size, self._settings.poll_seconds)
        window_ends = self._clock() + self._settings.batching.window_seconds
        while (
            batch
            and len(batch) < self._settings.batching.batch_size
            and not self._stopping.is_set()
        ):
            remaining = window_ends - self._clock()
            if remaining <= 0:
                break
            try:
                batch += self._receive_more(len(batch), remaining)
            except (BotoCoreError, ClientError):
                # Process the messages in hand all the same; the next poll reports the outage.
                break
        return batch

    def _receive_more(self, gathered: int, remaining_seconds: float) -> list[MessageTypeDef]:
        wait_seconds = min(self._settings.poll_seconds, math.ceil(remaining_seconds))
        return self._receive(self._settings.batching.batch_size - gathered, wait_seconds)

    def _receive(self, wanted: int, wait_seconds: int) -> list[MessageTypeDef]:
        answer = self._queue.receive_message(
            QueueUrl=self._settings.queue_url,
            MaxNumberOfMessages=min(wanted, SQS_BATCH_LIMIT),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    # Invoking

    def _invoke(self, batch: list[MessageTypeDef]) -> list[MessageTypeDef]:
        """Hand the batch to the function, and return the messages that it has processed."""
        context = LambdaContext(
            self._settings.function_name, self._settings.function_timeout_seconds, clock=self._clock
        )
        try:
            answer = as_json(self._handler(sqs_event(batch, self._settings.queue_arn), context))
        # The function's boundary: anything that escapes it, SystemExit too, is a failed invocation.
        except (Exception, SystemExit) as error:  # noqa: BLE001 (see above)
            # Only the type: a message may quote the order, and no log may.
            log.warning(
                "%s failed with %s: what is left of it comes back after its visibility timeout",
                _described(batch),
                type(error).__name__,
            )
            return []
        if context.get_remaining_time_in_millis() == 0:
            log.warning("%s ran into the time-out: none of it is deleted", _described(batch))
            return []
        return self._processed(batch, answer)

    def _processed(self, batch: list[MessageTypeDef], answer: object) -> list[MessageTypeDef]:
        if not self._settings.report_batch_item_failures:
            # Without the flag Lambda doesn't look at the answer.
            return batch
        try:
            failed = failed_message_ids(answer, [message["MessageId"] for message in batch])
        except InvalidResponse as error:
            log.warning("%s failed as a whole: %s", _described(batch), error)
            return []
        return [message for message in batch if message["MessageId"] not in failed]

    # Deleting

    def _delete(self, messages: Iterable[MessageTypeDef]) -> None:
        for chunk in _chunks(messages, SQS_BATCH_LIMIT):
            try:
                answer = self._queue.delete_message_batch(
                    QueueUrl=self._settings.queue_url, Entries=_delete_entries(chunk)
                )
            except (BotoCoreError, ClientError) as error:
                log.warning("%s was processed but not deleted: %s", _described(chunk), error)
                continue
            for failure in answer.get("Failed", []):
                _warn_undeleted(chunk[int(failure["Id"])], failure["Code"])


def _chunks(messages: Iterable[MessageTypeDef], size: int) -> Iterator[list[MessageTypeDef]]:
    remaining = iter(messages)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _delete_entries(
    messages: Sequence[MessageTypeDef],
) -> list[DeleteMessageBatchRequestEntryTypeDef]:
    return [
        {"Id": str(position), "ReceiptHandle": message["ReceiptHandle"]}
        for position, message in enumerate(messages)
    ]


def _warn_undeleted(message: MessageTypeDef, code: str) -> None:
    log.warning("Message %s was processed but not deleted: %s", message["MessageId"], code)


def _described(batch: Sequence[MessageTypeDef]) -> str:
    return f"A batch of {len(batch)}"
