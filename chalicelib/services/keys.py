"""
Idempotency keys that were used: one key stands for one order, for a day.

The intake takes a key's item before it sends the order. An item never says that the order was
queued: whoever wrote it may have died before the send. So an order of the same bytes is always sent
again, and only one of other bytes is refused.
"""

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from chalicelib.orders.order import Order

# From the first use of a key on. Later the same key may stand for another order.
KEY_LIFETIME = timedelta(hours=24)


class UsedKey(NamedTuple):
    """
    A submission that an idempotency key stands for, by its bytes.

    The submission's id is derived from the caller and the key, so it names both of them.
    """

    submission_id: str
    payload_sha256: str
    order_id: str
    expires_at: datetime

    @classmethod
    def of(cls, order: Order, submission_id: str, now: datetime) -> "UsedKey":
        """Make the key of an order that is handed in now."""
        return cls(submission_id, order.payload_sha256, order.id, now + KEY_LIFETIME)


class Keys(Protocol):
    """Holds the keys that were used."""

    def take(self, key: UsedKey, now: datetime) -> UsedKey | None:
        """
        Write a key, unless it was used before: None if it was written, else the key as it was used.

        A key that has expired by `now` is written anew.

        Raises:
            StoreUnavailable: whether the key was used is not known.
        """
