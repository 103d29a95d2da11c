"""Submitting: a channel hands in an order, and it is put on the queue."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol

from chalicelib.messages import Message, message
from chalicelib.orders import Order, parse_order
from chalicelib.submissions import iso, submission_id_for
from chalicelib.unavailable import StoreUnavailable

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
NOT_VISIBLE = re.compile(r"[^\x21-\x7e]")


class InvalidIdempotencyKey(ValueError):
    """The Idempotency-Key of a submission can't be used: nothing was queued."""


class SubmissionUnconfirmed(StoreUnavailable):
    """The queue did not say that it has the order, which may be queued all the same."""


class Queue(Protocol):
    """What the intake needs of a queue."""

    def send(self, payload: str, attributes: dict[str, str | None]) -> None: ...


class Receipt(NamedTuple):
    """What a channel is told of the order that it handed in."""

    order: Order
    submission_id: str


class Intake:
    """Takes orders in: each one that can be read is queued, valid or not."""

    def __init__(
        self, queue: Queue, clock: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._new_id = new_id

    def submit(
        self,
        body: bytes,
        *,
        request_id: str,
        caller: str | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """
        Queue an order. Once this returns, the order will not be lost.

        The submission id is minted before the order is sent, so however often the SDK sends it,
        it stays one submission. With an idempotency key it is derived from the caller and the
        key, so that the caller's own retry is the same submission too.

        Raises:
            UnreadableOrder: no order can be read from the body; nothing was queued.
            InvalidIdempotencyKey: the key can't be used; nothing was queued.
            SubmissionUnconfirmed: the queue did not answer; hand the order in again.
        """
        order = parse_order(body)
        submission_id = self._submission_id(caller, idempotency_key)
        attributes = {
            "submissionId": submission_id,
            "requestId": request_id,
            "receivedAt": iso(self._clock()),
            "submittedBy": caller,
        }
        try:
            self._queue.send(order.payload, attributes)
        except StoreUnavailable as error:
            raise SubmissionUnconfirmed(str(error)) from error
        return Receipt(order, submission_id)

    def _submission_id(self, caller: str | None, idempotency_key: str | None) -> str:
        if idempotency_key is None:
            return self._new_id()
        if not IDEMPOTENCY_KEY.fullmatch(idempotency_key):
            raise InvalidIdempotencyKey(_problem_of_key(idempotency_key))
        return submission_id_for(_principal(caller), idempotency_key)


def _problem_of_key(key: str) -> Message:
    problem = message("key.bad", count=len(key))
    found = NOT_VISIBLE.search(key)
    if not found:
        return problem
    what = message("key.space") if found[0] == " " else f"U+{ord(found[0]):04X}"
    return message("key.bad_character", problem=problem, position=found.start() + 1, what=what)


def _principal(caller: str | None) -> str:
    """
    Whose idempotency key it is.

    The session name is left out of an assumed role's ARN: it changes from instance to instance of
    a channel, and with it a retry would look like another submission.
    """
    if caller is None:
        return "anonymous"
    if ":assumed-role/" in caller:
        return caller.rsplit("/", 1)[0]
    return caller
