"""The desk: all services over one stage, each built when it is first used."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from chalicelib.application import Application
from chalicelib.orders.times import now
from chalicelib.services.intake import Intake
from chalicelib.services.principals import Caller
from ops.desk.audit_trail import AuditTrail
from ops.desk.dead_letter_queue import DeadLetterQueue
from ops.desk.dead_letters import DeadLetters
from ops.desk.decision_bucket import DecisionBucket
from ops.desk.decision_log import Decisions
from ops.desk.event_sources import events_of
from ops.desk.event_tap import EventTap
from ops.desk.following import Following
from ops.desk.order_bucket import OrderBucket
from ops.desk.order_table import OrderTable
from ops.desk.orders import Orders
from ops.desk.processing import Processing
from ops.desk.reconcile import Reconciliation
from ops.desk.record_search import RecordSearch
from ops.desk.replay import Replay
from ops.desk.resending import Resending
from ops.desk.resubmission import Resubmissions
from ops.desk.search import ANYTHING
from ops.desk.stats import Stats
from ops.desk.unreadable_records import UnreadableRecords
from ops.desk.waiting_orders import OrdersQueue
from ops.processing_switch import MappingSwitch, WorkerSwitch, queue_arn
from ops.stage_names import processor_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from chalicelib.aws.dynamodb import RecordStore
    from chalicelib.orders.record import Record
    from chalicelib.services.claims import Claims
    from chalicelib.services.health import HealthReport
    from chalicelib.services.intake import Receipt
    from chalicelib.services.sealing import Sealing
    from chalicelib.services.unavailable import StoreUnavailable
    from ops.desk.seals import Seals
    from ops.desk.search import Wanted
    from ops.desk.stage import Stage

# An operator may be far away from the stage's region.
HEALTH_LIMIT_SECONDS = 5.0


class Unlogged:
    """Logs and counts nothing: a receipt tells the operator whether its key was checked."""

    def key_unchecked(
        self, error: StoreUnavailable, *, submission_id: str, request_id: str
    ) -> None:
        """Do nothing."""


class Desk:
    """
    The services of one stage, for its operators.

    orders, dead_letters, resubmissions, decisions, audit_trail, processing, reconciliation, seals,
    replay, stats: see their modules.
    `unreadable` is what they have met that can't be read as a record.
    """

    def __init__(self, stage: Stage, clock: Callable[[], datetime] = now) -> None:
        self.stage = stage
        self._clock = clock
        self.unreadable = UnreadableRecords()
        self._application = self._application_over(stage.environment)

    @property
    def records(self) -> RecordStore:
        """The stage's own records."""
        return self._application.records

    @cached_property
    def orders(self) -> Orders:
        application = self._application
        return Orders(
            intake=self._intake(application.new_id),
            queries=application.queries,
            submissions=application.submissions,
            records=application.records,
            searched=self._searched,
            archive=self._bucket,
            table=self._table,
            unreadable=self.unreadable,
            operator=lambda: self.stage.operator,
            new_id=application.new_id,
            clock=self._clock,
        )

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(
            self._dead_letter_queue,
            self._table,
            self.audit_trail,
            self.decisions,
            clock=self._clock,
        )

    @cached_property
    def decisions(self) -> Decisions:
        return Decisions(
            DecisionBucket(self.stage.s3, self.stage.settings.bucket),
            who=lambda: self.stage.operator,
            clock=self._clock,
            new_id=self._application.new_id,
        )

    @cached_property
    def audit_trail(self) -> AuditTrail:
        return self._trail(self._table)

    def _trail(self, table: OrderTable) -> AuditTrail:
        return AuditTrail(
            table,
            stage=self.stage.name,
            who=lambda: self.stage.operator,
            clock=self._clock,
            unreadable=self.unreadable,
        )

    @cached_property
    def resubmissions(self) -> Resubmissions:
        return Resubmissions(self._submit_as, self.audit_trail, self.decisions)

    def _submit_as(self, body: bytes, submission_id: str, claims: Claims) -> Receipt:
        return self._intake(lambda: submission_id).submit(
            body,
            request_id=f"ops-{self._application.new_id()}",
            caller=Caller(self.stage.operator, claims.channel),
            traceparent=claims.traceparent,
        )

    def _intake(self, new_id: Callable[[], str]) -> Intake:
        application = self._application
        return Intake(application.queue, self._clock, new_id, application.keys, Unlogged())

    @cached_property
    def reconciliation(self) -> Reconciliation:
        return Reconciliation(
            self._table,
            self._bucket,
            self._application.queue,
            self.audit_trail,
            self.decisions,
            clock=self._clock,
        )

    @cached_property
    def seals(self) -> Seals:
        # Few commands need them: the others start without the library that verifies signatures.
        from chalicelib.aws.seal_store import SealStore  # noqa: PLC0415
        from ops.desk.seal_items import VerifiedItems  # noqa: PLC0415
        from ops.desk.seals import Seals  # noqa: PLC0415
        from ops.desk.stage_key import stage_public_key  # noqa: PLC0415

        settings = self.stage.settings
        return Seals(
            SealStore(self.stage.s3, settings.bucket),
            VerifiedItems(self.stage.dynamodb, self._table, settings.audit_shards),
            self._bucket,
            lambda: stage_public_key(self.stage),
            settings.stage,
        )

    @cached_property
    def replay(self) -> Replay:
        return Replay(self._bucket, self.audit_trail, self.decisions)

    @cached_property
    def processing(self) -> Processing:
        stage, settings = self.stage, self.stage.settings
        queue = OrdersQueue(
            stage.sqs,
            settings.queue_url,
            self._clock,
            None if stage.is_local else lambda: stage.cloudwatch,
        )
        switch = (
            WorkerSwitch(stage.sqs, settings.queue_url)
            if stage.is_local
            else MappingSwitch(
                stage.awslambda,
                processor_name(stage.name),
                partial(queue_arn, stage.sqs, settings.queue_url),
            )
        )
        return Processing(
            switch,
            queue,
            self.audit_trail,
            hurried=self._trail(self.table(settings.table, hurried=True)),
            own_maximum=_number(stage.environment.get("ORDERS_MAXIMUM_CONCURRENCY", "")),
            who=lambda: stage.operator,
            clock=self._clock,
        )

    @cached_property
    def sealing(self) -> Sealing:
        """
        Make the sealing of the stage's days.

        Raises:
            NoKey: the stage has no key to seal with.
        """
        # The library of keys takes 40 ms to load: no other command needs it.
        from ops.desk.stage_key import stage_signer  # noqa: PLC0415

        return self._application.sealing_with(stage_signer(self.stage))

    @cached_property
    def stats(self) -> Stats:
        return Stats(self.orders, self._dead_letter_queue.depths, clock=self._clock)

    def following(self) -> Following:
        """Make something that follows submissions until it is known what became of them."""
        return Following(self._table.find, self.dead_letters.look)

    def event_tap(self) -> EventTap:
        """
        Make a tap on the stage's events, which hears them in a `with` block.

        Raises:
            StageUnavailable: the stage publishes no events.
        """
        return EventTap.on(self.stage, self._clock, self._application.new_id)

    @cached_property
    def resending(self) -> Resending:
        """
        The sender of the stage's events once more.

        Raises:
            StageUnavailable: the stage publishes no events.
        """
        target = events_of(self.stage).target
        return Resending(
            lambda query, bounds: self.orders.search(query, ANYTHING, bounds),
            self._table,
            self._application.events,
            self.audit_trail,
            target,
        )

    def health(self) -> HealthReport:
        """Check each dependency by itself, as `GET /health` does. Never raises."""
        return self._application.health.report()

    def record_accounts_shown(self, where: str, why: str = "") -> None:
        """
        Write down that this operator is about to see account numbers: before they are shown.

        Raises:
            StoreUnavailable: it is not written down: don't show them.
        """
        self.audit_trail.write("accounts.shown", why=why, where=where)

    def record_search(self, wanted: Wanted, where: str) -> None:
        """
        Write down that this operator searches for an account, if it is one: before it is done.

        Raises:
            StoreUnavailable: it is not written down: don't search.
        """
        if wanted.accounts:
            self.audit_trail.write("accounts.searched", where=where, **wanted.accounts)

    def accepted(self, order_ids: Iterable[str]) -> dict[str, Record]:
        """Find the accepted records of these orders, each of which has one: 50 orders a call."""
        return self._table.accepted_or_first(order_ids)

    def table(self, name: str, *, hurried: bool = False) -> OrderTable:
        """Open another table of records, to replay into. A hurried one soon gives up."""
        shards = self.stage.settings.audit_shards
        client = self.stage.hurried_dynamodb if hurried else self.stage.dynamodb
        return OrderTable(client, name, shards, self.unreadable)

    def record_store(self, table: str) -> RecordStore:
        """Open another table of records, to write to."""
        return self._application_over({**self.stage.environment, "ORDERS_TABLE": table}).records

    def _application_over(self, environment: Mapping[str, str]) -> Application:
        return Application(
            environment, self.stage, clock=self._clock, health_limit_seconds=HEALTH_LIMIT_SECONDS
        )

    def _searched(self, wanted: Wanted) -> RecordSearch:
        return RecordSearch(self._application.records, wanted)

    @cached_property
    def _table(self) -> OrderTable:
        return self.table(self.stage.settings.table)

    @cached_property
    def _bucket(self) -> OrderBucket:
        return OrderBucket(self.stage.s3, self.stage.settings.bucket)

    @cached_property
    def _dead_letter_queue(self) -> DeadLetterQueue:
        settings = self.stage.settings
        return DeadLetterQueue(self.stage.sqs, settings.queue_url, settings.dead_letter_queue_url)


def _number(setting: str) -> int | None:
    return int(setting) if setting.isdecimal() else None
