"""Traces of tampering that no day's leaves have: older versions of seals, and hidden records."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING

from chalicelib.services.seal import SEAL_NAME, SEALS_PREFIX, seal_key
from ops.desk.seal_findings import SealFault, SealFinding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.desk.seal_chain import SealChain
    from ops.desk.seal_check import Items, Objects
    from ops.desk.seal_findings import SealCounts


def rewritten_seals(
    chain: SealChain, objects: Objects, is_asked_for: Callable[[date], bool], newest: date
) -> Iterator[SealFinding]:
    """
    Yield the seals of which the bucket keeps older versions, and those that were cut off the end.

    A seal is put once. Somebody who deletes the newest ones has them made again by whoever seals
    next, over what the table holds then, and signed as all are.
    """
    for key, count in objects.versions_under(SEALS_PREFIX, SEAL_NAME).items():
        day = _day_of(key)
        if day is None or not is_asked_for(day):
            continue
        if count > 1:
            note = (
                f"it was deleted or overwritten, and made anew: the bucket keeps {count} versions"
            )
            yield SealFinding(SealFault.REWRITTEN, day, note)
        elif day > newest and not chain.at(day).is_there:
            note = "there is no seal: it was deleted, and the bucket keeps it as an older version"
            yield SealFinding(SealFault.NO_SEAL, day, note)


def hidden_records(items: Items, counts: SealCounts, otherwise: date) -> Iterator[SealFinding]:
    """Yield the records of the whole table that no list shows. One of no day stands on another."""
    for each in items.hidden(counts):
        day = each.day or otherwise
        yield SealFinding(SealFault.HIDDEN, day, each.why, each.order_id, each.record_id)


def _day_of(key: str) -> date | None:
    with suppress(ValueError):
        day = date.fromisoformat(key.split("/")[1])
        # ISO 8601 has other ways to write it.
        if seal_key(day) == key:
            return day
    return None
