"""Submitting: a channel hands in an order, and it is put on the queue."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, Protocol

from chalicelib.orders.errors import Refusal, Sentence, sentence
from chalicelib.orders.order import Order, parse_order
from chalicelib.orders.submission import submission_id_for
from chalicelib.orders.times import iso
from chalicelib.orders.traceparent import TRACEPARENT
from chalicelib.services.keys import Keys, UsedKey
from chalicelib.services.principals import ANYONE, Caller
from chalicelib.services.unavailable import StoreUnavailable

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
NOT_VISIBLE = re.compile(r"[^\x21-\x7e]")


class InvalidIdempotencyKey(Refusal):
    """The Idempotency-Key of a submission can't be used: nothing was queued."""


class IdempotencyKeyReused(ValueError):
    """The Idempotency-Key stands for other bytes, those of order `order_id`: nothing was queued."""

    def __init__(self, order_id: str) -> None:
        super().__init__(order_id)
        self.order_id = order_id


class SubmissionUnconfirmed(StoreUnavailable):
    """The queue did not confirm that it has the order, which may be queued all the same."""


class Queue(Protocol):
    """The orders' queue, as far as the intake needs it."""

    def send(self, payload: str, attributes: dict[str, str | None]) -> None: ...


class Reporter(Protocol):
    """Hears of keys that were not checked, to log and count them."""

    def key_unchecked(
        self, error: StoreUnavailable, *, submission_id: str, request_id: str
    ) -> None: ...


class Receipt(NamedTuple):
    """
    The answer to a channel that handed in an order.

    `replayed`: its idempotency key was used before, for the same bytes, which were sent again.
    `unchecked`: whether the key was used before is not known.
    """

    order: Order
    submission_id: str
    replayed: bool = False
    unchecked: bool = False


def judge(body: bytes, idempotency_key: str | None = None, caller: Caller = ANYONE) -> Order:
    """
    Judge an order as `Intake.submit` does. Nothing is queued, and no service is asked.

    So it can't tell whether the order's id is taken: the processor decides that.

    Raises:
        CallerUnknown: the caller is of no channel, and may hand in nothing.
        UnreadableOrder: no order can be read from the body.
        ChannelNotYours: the order names another channel than the caller's.
        InvalidIdempotencyKey: the key can't be used.
    """
    caller.require_channel()
    order = parse_order(body)
    caller.require_own(order.terms.channel)
    require_usable_key(idempotency_key)
    return order


def require_usable_key(idempotency_key: str | None) -> None:
    """
    Refuse a key that has another form than the rule says. None is no key.

    Raises:
        InvalidIdempotencyKey: the key can't be used.
    """
    if idempotency_key is not None and not IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise InvalidIdempotencyKey(_problem_of_key(idempotency_key))


def attributes_of(
    order: Order,
    submission_id: str,
    *,
    request_id: str,
    caller: Caller,
    received_at: datetime,
    traceparent: str | None,
) -> dict[str, str | None]:
    """Write what goes with an order on the queue. Each way in sends the same attributes."""
    return {
        "submissionId": submission_id,
        "requestId": request_id,
        "receivedAt": iso(received_at),
        "submittedBy": caller.arn,
        "channel": None if order.terms.channel else caller.channel,
        TRACEPARENT: traceparent,
    }


class Intake:
    """Takes orders in: each one that can be read is queued, valid or not."""

    def __init__(
        self,
        queue: Queue,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        keys: Keys,
        reporter: Reporter,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._new_id = new_id
        self._keys = keys
        self._reporter = reporter

    def submit(
        self,
        body: bytes,
        *,
        request_id: str,
        caller: Caller = ANYONE,
        idempotency_key: str | None = None,
        traceparent: str | None = None,
    ) -> Receipt:
        """
        Queue an order. Once this returns, the order will not be lost.

        The submission id is minted before the order is sent, so however often the SDK sends it,
        it stays one submission. With an idempotency key it is derived from the caller and the
        key, so that the caller's own retry is the same submission too. Such a retry is sent again:
        the first attempt may have taken the key and never reached the queue. The caller's channel
        goes beside an order that names none.

        Raises:
            CallerUnknown: the caller is of no channel; nothing was queued.
            ChannelNotYours: the order names another channel; nothing was queued.
            UnreadableOrder: no order can be read from the body; nothing was queued.
            InvalidIdempotencyKey: the key can't be used; nothing was queued.
            IdempotencyKeyReused: the key stands for other bytes; nothing was queued.
            SubmissionUnconfirmed: the queue did not answer; hand the order in again.
        """
        order = judge(body, idempotency_key, caller)
        now = self._clock()
        submission_id = self._submission_id(caller, idempotency_key)
        receipt = Receipt(order, submission_id)
        if idempotency_key is not None:
            receipt = self._with_key_taken(receipt, now, request_id)
        attributes = attributes_of(
            order,
            submission_id,
            request_id=request_id,
            caller=caller,
            received_at=now,
            traceparent=traceparent,
        )
        try:
            self._queue.send(order.payload, attributes)
        except StoreUnavailable as error:
            raise SubmissionUnconfirmed(str(error)) from error
        return receipt

    def _submission_id(self, caller: Caller, idempotency_key: str | None) -> str:
        if idempotency_key is None:
            return self._new_id()
        return submission_id_for(caller.principal, idempotency_key)

    def _with_key_taken(self, receipt: Receipt, now: datetime, request_id: str) -> Receipt:
        """
        Take the key of a submission, and say in its receipt whether it was used before.

        Raises:
            IdempotencyKeyReused: it was used for other bytes.
        """
        order, submission_id = receipt.order, receipt.submission_id
        try:
            used = self._keys.take(UsedKey.of(order, submission_id, now), now)
        except StoreUnavailable as error:
            # An order is worth more than a check.
            self._reporter.key_unchecked(error, submission_id=submission_id, request_id=request_id)
            return receipt._replace(unchecked=True)
        if used and used.payload_sha256 != order.payload_sha256:
            raise IdempotencyKeyReused(used.order_id)
        return receipt._replace(replayed=used is not None)


def _problem_of_key(key: str) -> Sentence:
    problem = sentence("key.bad", count=len(key))
    found = NOT_VISIBLE.search(key)
    if not found:
        return problem
    what = sentence("key.space") if found[0] == " " else f"U+{ord(found[0]):04X}"
    return sentence("key.bad_character", problem=problem, position=found.start() + 1, what=what)
