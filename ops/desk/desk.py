"""The desk: all services over one stage, each built when it is first used."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.health import Check, Health, HealthReport
from chalicelib.intake import Intake
from chalicelib.order_archive import OrderArchive
from chalicelib.order_queue import OrderQueue
from chalicelib.queries import Queries
from chalicelib.record_store import RecordStore
from chalicelib.wiring import now
from ops.desk.audit_trail import AuditTrail
from ops.desk.dead_letter_queue import DeadLetterQueue
from ops.desk.dead_letters import DeadLetters
from ops.desk.order_bucket import OrderBucket
from ops.desk.order_table import OrderTable
from ops.desk.orders import Orders
from ops.desk.reconcile import Reconciliation
from ops.desk.replay import Replay
from ops.desk.stats import Stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from chalicelib.submissions import Record
    from ops.desk.stage import Stage

# An operator may be far away from the stage's region.
HEALTH_LIMIT_SECONDS = 5.0


class Desk:
    """
    The services of one stage.

    orders, dead_letters, audit_trail, reconciliation, replay, stats: see their modules.
    """

    def __init__(self, stage: Stage, clock: Callable[[], datetime] = now) -> None:
        self.stage = stage
        self._clock = clock

    @cached_property
    def orders(self) -> Orders:
        return Orders(
            intake=lambda: Intake(self._queue, self._clock, _new_id),
            queries=Queries(self._records, self._archive, self._clock),
            records=self._records,
            archive=self._bucket,
            operator=lambda: self.stage.operator,
            new_id=_new_id,
            clock=self._clock,
        )

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(
            self._dead_letter_queue, self._table, self.audit_trail, clock=self._clock
        )

    @cached_property
    def audit_trail(self) -> AuditTrail:
        return AuditTrail(
            self._table,
            stage=self.stage.name,
            who=lambda: self.stage.operator,
            clock=self._clock,
        )

    @cached_property
    def reconciliation(self) -> Reconciliation:
        return Reconciliation(
            self._table, self._bucket, self._queue, self.audit_trail, clock=self._clock
        )

    @cached_property
    def replay(self) -> Replay:
        return Replay(self._bucket, self.audit_trail)

    @cached_property
    def stats(self) -> Stats:
        return Stats(self.orders, self._dead_letter_queue.depths, clock=self._clock)

    def health(self) -> HealthReport:
        """Check each dependency by itself, as `GET /health` does. Never raises."""
        checks: dict[str, Check] = {
            "queue": lambda: (self._queue.waiting(), None)[1],
            "deadLetterQueue": self._dead_letters_waiting,
            "bucket": self._archive.check,
            "table": self._records.check,
        }
        return Health(checks, HEALTH_LIMIT_SECONDS).report()

    def record_accounts_shown(self, where: str, why: str = "") -> None:
        """
        Write down that this operator is about to see account numbers: before they are shown.

        Raises:
            StoreUnavailable: it is not written down: don't show them.
        """
        self.audit_trail.write("accounts.shown", why=why, where=where)

    def accepted(self, order_ids: Iterable[str]) -> dict[str, Record]:
        """Find the accepted records of these orders, each of which has one: 50 orders a call."""
        return self._table.accepted_or_first(order_ids)

    def table(self, name: str) -> OrderTable:
        """Open another table of records, to replay into."""
        return OrderTable(self.stage.dynamodb, name, self.stage.settings.audit_shards)

    def record_store(self, table: str) -> RecordStore:
        """Open another table of records, to write to."""
        return RecordStore(self.stage.dynamodb, table, self.stage.settings.audit_shards)

    @cached_property
    def _records(self) -> RecordStore:
        return self.record_store(self.stage.settings.table)

    @cached_property
    def _table(self) -> OrderTable:
        return self.table(self.stage.settings.table)

    @cached_property
    def _archive(self) -> OrderArchive:
        return OrderArchive(self.stage.s3, self.stage.settings.bucket)

    @cached_property
    def _bucket(self) -> OrderBucket:
        return OrderBucket(self.stage.s3, self.stage.settings.bucket)

    @cached_property
    def _queue(self) -> OrderQueue:
        settings = self.stage.settings
        return OrderQueue(self.stage.sqs, settings.queue_url, settings.dead_letter_queue_url)

    @cached_property
    def _dead_letter_queue(self) -> DeadLetterQueue:
        settings = self.stage.settings
        return DeadLetterQueue(self.stage.sqs, settings.queue_url, settings.dead_letter_queue_url)

    def _dead_letters_waiting(self) -> str | None:
        return "is not empty" if self._queue.dead_letters_waiting() else None


def _new_id() -> str:
    return str(uuid.uuid4())
