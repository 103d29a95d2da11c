"""Reading records for a page: the newest ones, and never more than a page has time for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chalicelib.services.queries import MAX_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.orders.record import Record
    from chalicelib.services.queries import AuditQuery
    from ops.desk.orders import Orders

READ_AT_MOST = 5_000


class Newest(NamedTuple):
    """The newest records of a query. `complete` says that these are all."""

    records: Sequence[Record]
    complete: bool


def read_newest(orders: Orders, query: AuditQuery, at_most: int = READ_AT_MOST) -> Newest:
    """
    Read the newest records of a query.

    A page of a list ends after a number of reads, full or not. One that is not full means that
    hardly any record meets the filter: going on could take a million of them.
    """
    query = query._replace(limit=MAX_LIMIT)
    found: list[Record] = []
    cursor: str | None = None
    while True:
        page = orders.page(query, cursor)
        found += page.records
        cursor = page.cursor
        if cursor is None:
            return Newest(found, complete=True)
        if len(page.records) < MAX_LIMIT or len(found) >= at_most:
            return Newest(found, complete=False)
