"""Orders: handed in, looked up, listed and followed."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from chalicelib.orders.record import UnreadableRecord
from chalicelib.services.principals import Caller
from chalicelib.services.queries import (
    AuditFilter,
    AuditList,
    AuditQuery,
    OrderHistory,
    Queries,
)
from ops.desk.newest_first import UNBOUNDED, Bounds, NewestFirst, Records, Source
from ops.desk.object_failures import PayloadAltered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from chalicelib.orders.record import Record
    from chalicelib.services.intake import Intake, Receipt
    from chalicelib.services.submissions import SubmissionRead, Submissions
    from ops.desk.search import Wanted
    from ops.desk.unreadable_records import UnreadableRecords

# A search goes through all records: each read is about as large as DynamoDB's largest, 1 MB.
SEARCHED_AT_ONCE = 1_000
# A record shows in the index a moment after the time it bears: each look goes back this far.
OVERLAP = timedelta(seconds=15)


class Archive(Protocol):
    """The archive, as far as it is needed here."""

    def payload(self, key: str) -> bytes: ...


class Table(Protocol):
    """The table, as far as a record's own item is needed, and the days that have records."""

    def payload(self, order_id: str, record_id: str) -> str: ...
    def recorded_days(self) -> Iterator[Iterable[date]]: ...


class Orders:
    """The orders of a stage."""

    def __init__(
        self,
        *,
        intake: Intake,
        queries: Queries,
        submissions: Submissions,
        records: Records,
        searched: Callable[[Wanted], Records],
        archive: Archive,
        table: Table,
        unreadable: UnreadableRecords,
        operator: Callable[[], str],
        new_id: Callable[[], str],
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take also `searched`, which makes a view of the records that has only the wanted ones."""
        self._intake = intake
        self._queries = queries
        self._submissions = submissions
        self._records = records
        self._searched = searched
        self._archive = archive
        self._table = table
        self._unreadable = unreadable
        self._operator = operator
        self._new_id = new_id
        self._clock = clock
        self._sleep = sleep

    def submit(self, body: bytes, *, idempotency_key: str | None = None) -> Receipt:
        """
        Hand an order in, as `POST /orders` does, straight to the queue: a new submission.

        Raises:
            UnreadableOrder: no order can be read; nothing was queued.
            InvalidIdempotencyKey: nothing was queued.
        """
        return self._intake.submit(
            body,
            request_id=f"ops-{self._new_id()}",
            caller=Caller(self._operator()),
            idempotency_key=idempotency_key,
        )

    def show(self, order_id: str, cursor: str | None = None, limit: int = 50) -> OrderHistory:
        """
        Look an order up, with one page of its history, as `GET /orders/{orderId}` does.

        Raises:
            OrderNotFound: nothing is recorded of it.
            InvalidCursor: the cursor is not one of this order's.
            UnreadableRecord: what may be the accepted record can't be read.
        """
        try:
            history = self._queries.get_order(order_id, cursor, limit)
        except UnreadableRecord as unreadable:
            self._unreadable.add(unreadable)
            raise
        self._unreadable.kept_from(history.unreadable)
        return history

    def history(self, order_id: str) -> Iterator[Record]:
        """
        Yield the records of all submissions of an order, oldest first.

        Raises:
            OrderNotFound: nothing is recorded of it.
        """
        cursor: str | None = None
        while True:
            page = self.show(order_id, cursor)
            yield from page.records
            cursor = page.cursor
            if cursor is None:
                return

    def submission(
        self, order_id: str, submission_id: str, payload_sha256: str | None = None
    ) -> SubmissionRead:
        """
        Look one submission up, as `GET /orders/{orderId}/submissions/{submissionId}` does.

        Raises:
            SubmissionNotFound: it is not recorded.
            SubmissionAmbiguous: several payloads have this id, and none was chosen.
            UnreadableRecord: what may be its record can't be read.
        """
        return self._submissions.read(order_id, submission_id, payload_sha256)

    def payload(self, record: Record) -> str:
        """
        Read a submission's text, byte for byte: a valid one's from S3, else from its item.

        Raises:
            ObjectMissing: the archive does not have it, against invariant 3.
            ObjectUnreadable: S3 does not give it now.
            PayloadAltered: the bytes are not those that were recorded.
        """
        if record.s3_key:
            place, payload = f"object {record.s3_key}", self._archive.payload(record.s3_key)
        else:
            place = f"payload in item {record.record_id}"
            payload = self._table.payload(record.order_id, record.record_id).encode()
        found = sha256(payload).hexdigest()
        if found != record.payload_sha256:
            raise PayloadAltered(place, found, record.payload_sha256)
        return payload.decode()

    def page(self, query: AuditQuery, cursor: str | None = None) -> AuditList:
        """
        Read a page of a period's records, newest first, as `GET /orders` does.

        Raises:
            InvalidCursor: the cursor is not one of this query's.
        """
        page = self._queries.list_orders(query, cursor)
        self._unreadable.kept_from(page.unreadable)
        return page

    def newest_first(
        self, query: AuditQuery, before_read: Callable[[], None] = lambda: None
    ) -> NewestFirst:
        """
        Walk through all records of a period, newest first. `limit` is ignored.

        `before_read` is called before each read of the table. It ends the work by raising.
        """
        source = Source(self._records, self._table.recorded_days, self._unreadable)
        return self._walk(source, query, Bounds(before_read=before_read))

    def search(self, query: AuditQuery, wanted: Wanted, bounds: Bounds = UNBOUNDED) -> NewestFirst:
        """Walk through the records of a period that have what is wanted, newest first."""
        records = self._searched(wanted)
        source = Source(records, self._table.recorded_days, self._unreadable, SEARCHED_AT_ONCE)
        return self._walk(source, query, bounds)

    def _walk(self, source: Source, query: AuditQuery, bounds: Bounds) -> NewestFirst:
        return NewestFirst(source, query, self._clock().date(), bounds)

    def since(self, moment: datetime, only: AuditFilter | None = None) -> Iterator[Record]:
        """Yield all records that were processed at or after a moment, newest first."""
        query = AuditQuery(moment.date(), self._clock().date(), only or AuditFilter())
        for record in self.newest_first(query):
            if record.processed_at < moment:
                return
            yield record

    def follow(
        self,
        only: AuditFilter | None = None,
        *,
        since: datetime | None = None,
        every_seconds: float = 1.0,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Record]:
        """
        Yield new records as they are written, oldest first, until `stopped` says so.

        Each look goes back a little, since the index follows the table with a short delay; what
        was shown is not shown again.
        """
        start = since or self._clock()
        shown: dict[str, datetime] = {}
        while not stopped():
            horizon = max(start, self._clock() - OVERLAP)
            fresh = [
                record
                for record in self.since(horizon if shown else start, only)
                if record.audit_position not in shown
            ]
            for record in reversed(fresh):
                shown[record.audit_position] = record.processed_at
                yield record
            oldest = horizon - OVERLAP
            shown = {place: moment for place, moment in shown.items() if moment >= oldest}
            self._sleep(every_seconds)
