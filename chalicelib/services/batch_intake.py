"""Submitting many: a channel hands in lines, and each is an order of its own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Protocol

from chalicelib.orders.order import Order
from chalicelib.orders.submission import submission_id_for_line
from chalicelib.services.batch_judgement import BatchReceipt, LineResult, LineStatus, judge_lines
from chalicelib.services.batch_lines import Line
from chalicelib.services.intake import attributes_of
from chalicelib.services.outgoing import Outgoing, in_batches
from chalicelib.services.principals import ANYONE, Caller
from chalicelib.services.time_limit import CheckTime, OutOfTime, time_check
from chalicelib.services.unavailable import StoreUnavailable

# A call without an answer takes 9 s with its retries (aws/clients.py); the rest is for the answer.
TIME_FOR_LAST_CALL_MS = 10_000
OUT_OF_TIME = "the function's time was too short for the call"

Concurrently = Callable[
    [Callable[[Sequence[Outgoing]], dict[str, str]], Iterable[Sequence[Outgoing]]],
    Iterable[dict[str, str]],
]
"""Calls a function with each batch, side by side or not, and gives the results in order."""


class Queue(Protocol):
    """The orders' queue, as far as the intake of many orders needs it."""

    def send_batch(self, messages: Sequence[Outgoing]) -> list[str | None]: ...


class BatchIntake:
    """Takes lines in: each one that can be read is queued as an order of its own, valid or not."""

    def __init__(
        self,
        queue: Queue,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        concurrently: Concurrently = map,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._new_id = new_id
        self._concurrently = concurrently

    def submit(
        self,
        lines: Iterable[Line],
        *,
        request_id: str,
        caller: Caller = ANYONE,
        idempotency_key: str | None = None,
        traceparent: str | None = None,
        time_left_ms: Callable[[], float] | None = None,
    ) -> BatchReceipt:
        """
        Queue each line. An order whose line is QUEUED will not be lost.

        With an idempotency key a line's submission id holds its bytes: any of the lines can be
        handed in again, and identical ones are sent once. A line that the queue did not confirm,
        or for which the function's time was too short, is UNCONFIRMED: hand it in again.

        Raises:
            CallerUnknown: the caller is of no channel; nothing was queued.
            InvalidIdempotencyKey: the key can't be used; nothing was queued.
        """
        check_time = time_check(time_left_ms, TIME_FOR_LAST_CALL_MS)
        judged = judge_lines(lines, idempotency_key, caller)
        results = [
            each._replace(submission_id=self._submission_id(each.order, caller, idempotency_key))
            if each.order
            else each
            for each in judged.results
        ]
        write = partial(
            attributes_of,
            request_id=request_id,
            caller=caller,
            received_at=self._clock(),
            traceparent=traceparent,
        )
        failures = self._send(results, write, check_time)
        return BatchReceipt(
            [_settled(each, failures) for each in results],
            list(dict.fromkeys(failures.values())),
        )

    def _submission_id(self, order: Order, caller: Caller, idempotency_key: str | None) -> str:
        if idempotency_key is None:
            return self._new_id()
        return submission_id_for_line(caller.principal, idempotency_key, order.payload_sha256)

    def _send(
        self,
        results: Iterable[LineResult],
        write: Callable[[Order, str], Mapping[str, str | None]],
        check_time: CheckTime,
    ) -> dict[str, str]:
        """Send each submission once: the failures of those that are unconfirmed, by their ids."""
        first, further = _parted(results, write)
        send = partial(self._send_batch, check_time=check_time)
        # The second part begins when the first is done.
        answers = chain(self._concurrently(send, in_batches(first)), map(send, in_batches(further)))
        return {key: failure for answer in answers for key, failure in answer.items()}

    def _send_batch(self, batch: Sequence[Outgoing], check_time: CheckTime) -> dict[str, str]:
        try:
            check_time()
            failures = self._queue.send_batch(batch)
        except OutOfTime:
            failures = [OUT_OF_TIME] * len(batch)
        except StoreUnavailable as error:
            failures = [str(error)] * len(batch)
        return {
            str(message.attributes["submissionId"]): failure
            for message, failure in zip(batch, failures, strict=True)
            if failure
        }


def _parted(
    results: Iterable[LineResult], write: Callable[[Order, str], Mapping[str, str | None]]
) -> tuple[list[Outgoing], list[Outgoing]]:
    """
    Make the messages: the first line of each order, and its further ones.

    Calls that are made side by side overtake each other. That matters between lines of one order
    only: the queue keeps no order, but it should not be turned round on the way there.
    """
    first: list[Outgoing] = []
    further: list[Outgoing] = []
    seen: set[str] = set()
    for each in results:
        if each.order and each.submission_id and each.same_as_line is None:
            message = Outgoing(each.order.payload, write(each.order, each.submission_id))
            (further if each.order.id in seen else first).append(message)
            seen.add(each.order.id)
    return first, further


def _settled(result: LineResult, failures: Mapping[str, str]) -> LineResult:
    if result.submission_id is None:
        return result
    failed = result.submission_id in failures
    return result._replace(status=LineStatus.UNCONFIRMED if failed else LineStatus.QUEUED)
