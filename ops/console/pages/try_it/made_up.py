"""Orders that are made up, and handed in as one of each kind."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.orders.terms import CHANNELS
from chalicelib.services.intake import IdempotencyKeyReused
from ops.desk.order_table import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.desk.desk import Desk
    from ops.desk.following import Followed, Following

KINDS = ("valid", "invalid", "duplicate", "conflict", "replay", "reused_key", "unreadable")
# These hand the last order in once more. Only a replay has its key.
AGAIN = ("duplicate", "conflict", "replay")
NO_ORDER = '{"id": "try-broken", "amount": 12'

Order = dict[str, Any]


class Handed(NamedTuple):
    """An order that was handed in. `followed` is None if it was refused: nothing was queued."""

    kind: str
    order_id: str | None
    followed: Followed | None


class MadeUp:
    """Makes orders up and hands them in. It knows the last one, to do it again."""

    def __init__(self, desk: Desk, following: Following) -> None:
        self._desk = desk
        self._following = following
        self._last: Order | None = None

    def hand_in(self, kind: str) -> Iterator[Handed]:
        """
        Hand one of a kind in, and before it, if it is one of two, the first.

        Raises:
            StoreUnavailable: it is not known to be queued.
        """
        if kind == "unreadable":
            yield self._put_unreadable()
            return
        if kind in (*AGAIN, "reused_key") and self._last is None:
            yield self._submit("valid", self._valid(), keyed=True)
        if kind == "reused_key":
            yield self._reuse_key()
        else:
            yield self._submit(
                kind, self._of_kind(kind), keyed=kind not in ("duplicate", "conflict")
            )

    def burst(self, count: int) -> Iterator[Handed]:
        """
        Hand in so many, mostly valid, and every so often one of the others.

        Raises:
            StoreUnavailable: one is not known to be queued, and no more are handed in.
        """
        for number in range(count):
            order = _new_order()
            kind = "valid"
            if number % 9 == 8:  # noqa: PLR2004
                order["amount"], kind = 0, "invalid"
            yield self._submit(kind, order)
            if number % 11 == 10:  # noqa: PLR2004
                again = order | {"amount": 7}
                yield self._submit("conflict" if kind == "valid" else "correction", again)

    def _valid(self) -> Order:
        self._last = _new_order()
        return self._last

    def _of_kind(self, kind: str) -> Order:
        if self._last and kind in AGAIN:
            changed = {"amount": self._last["amount"] + 1} if kind == "conflict" else {}
            return self._last | changed
        if kind == "invalid":
            order = _new_order()
            return order | {"amount": -1, "toAccount": order["fromAccount"], "channel": "fax"}
        return self._valid()

    def _reuse_key(self) -> Handed:
        """Hand another order in under the last one's key: it is refused, unless nobody can tell."""
        other = _new_order()
        try:
            return self._submit("valid", other, key=str((self._last or other)["id"]))
        except IdempotencyKeyReused as refused:
            return Handed("reused_key", refused.order_id, None)

    def _submit(
        self, kind: str, order: Order, *, keyed: bool = False, key: str | None = None
    ) -> Handed:
        """Hand an order in. The id of a made-up order serves as its key, too."""
        body = json.dumps(order).encode()
        key = order["id"] if keyed else key
        receipt = self._desk.orders.submit(body, idempotency_key=key)
        name = Identity(receipt.order.id, receipt.submission_id, receipt.order.payload_sha256)
        return Handed(kind, name.order_id, self._following.follow(name.submission_id, name))

    def _put_unreadable(self) -> Handed:
        """Put a message straight on the queue, as a channel could: the API would refuse it."""
        stage = self._desk.stage
        sent = stage.sqs.send_message(QueueUrl=stage.settings.queue_url, MessageBody=NO_ORDER)
        # Without a submission's id among its attributes, the message's own serves.
        return Handed("unreadable", None, self._following.follow(sent["MessageId"], None))


def _new_order() -> Order:
    return {
        "id": f"try-{secrets.token_hex(4)}",
        "amount": secrets.randbelow(500_000) / 100 + 1,
        "fromAccount": str(10_000_000 + secrets.randbelow(10_000_000)),
        "toAccount": str(20_000_000 + secrets.randbelow(10_000_000)),
        "channel": secrets.choice(CHANNELS),
    }
