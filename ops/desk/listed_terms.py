"""The terms of a record, as a list shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.orders.terms import Terms

if TYPE_CHECKING:
    from chalicelib.orders.record import Record


def listed_terms(record: Record) -> Terms:
    """
    Return a record's terms, with the channel by which filters tell it apart.

    Where the order names none, it is the one that its message brought: else a list of a channel's
    orders would show some without any.
    """
    return Terms({**record.terms, "channel": record.channel})
