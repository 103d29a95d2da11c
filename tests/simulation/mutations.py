"""
Mistakes that this system, or one like it, could make. The simulation must find each of them.

A mutation is the real code with one part replaced by what is often written instead.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.items import to_item
from chalicelib.aws.s3 import OrderArchive
from chalicelib.aws.sqs import OrderQueue
from chalicelib.orders.record import (
    CORRECTION_SLOT,
    FIRST_SLOT,
    OWN_SLOT_PREFIX,
    Record,
    Status,
)
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from chalicelib.orders.terms import JsonNumber, read_terms
from chalicelib.services.batch_calls import BatchCalls
from chalicelib.services.message import Message
from chalicelib.services.processed import Processed
from chalicelib.services.processing import Processor
from chalicelib.services.time_limit import OutOfTime
from chalicelib.services.unavailable import StoreUnavailable
from tests.simulation.delivery import System


@dataclass(frozen=True)
class Mutation:
    """A mistake, the scenario that shows it, and the violation that the simulation reports."""

    name: str
    system: System
    scenario: str
    violated: str
    steps: int


class UnconditionalPut(RecordStore):
    """A put without a condition: the last one wins."""

    def take(self, record: Record) -> Record | None:
        with unavailable_on_failure("DynamoDB PutItem"):
            self._client.put_item(TableName=self._table, Item=to_item(record, self.audit_shards))
        return None


class QueryThenPut(UnconditionalPut):
    """Look first, then put: two deliveries at a time both see nothing."""

    def take(self, record: Record) -> Record | None:
        try:
            return self._get(record.order_id, record.record_id)
        except KeyError:
            return super().take(record)


class AnyErrorIsTaken(RecordStore):
    """Any error of DynamoDB is taken to mean that the record is there already."""

    def take(self, record: Record) -> Record | None:
        try:
            return super().take(record)
        except StoreUnavailable:
            return record


class AnyErrorIsThere(OrderArchive):
    """Any error of S3 is taken to mean that the object is there already."""

    def keep(self, submission: Submission) -> None:
        try:
            super().keep(submission)
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, ClientError):
                raise


class OverwritingArchive(OrderArchive):
    """A put without `IfNoneMatch`."""

    def keep(self, submission: Submission) -> None:
        with unavailable_on_failure("S3 PutObject"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=submission.archive_key,
                Body=submission.order.payload.encode(),
                ContentType="application/json",
            )


class EveryInsertIsWritten(RecordStore):
    """The store ignores the errors of a batch's statements."""

    def take_free(self, records: Sequence[Record]) -> list[bool]:
        return [True for _ in super().take_free(records)]


class DynamoDBFirst(Processor):
    """The record is written before the object."""

    def _archive_orders(self, *_: Any) -> None:
        """Do nothing yet."""

    def _record(self, delivery: Any, _calls: BatchCalls) -> None:
        submission = delivery.submission
        delivery.result = settle(submission, self._records.take, self._clock())
        if submission.order.valid:
            self._archive.keep(submission)


class MessageIdIsIdentity(Processor):
    """The message id of SQS is taken for the submission's identity."""

    def _submission(self, message: Message) -> Submission:
        return super()._submission(message)._replace(submission_id=message.message_id)


class ChannelBesideIsATerm(Processor):
    """A message's attribute `channel` is a term of an order that names none."""

    def _submission(self, message: Message) -> Submission:
        submission = super()._submission(message)
        channel = message.attribute("channel")
        if channel is None or submission.order.terms.channel:
            return submission
        fields = json.loads(message.body, parse_int=JsonNumber, parse_float=JsonNumber)
        terms, errors = read_terms({**fields, "channel": channel})
        return submission._replace(order=submission.order._replace(terms=terms, errors=errors))


class SubmissionOfOneKey(Submission):
    """The S3 key is made of the orderId alone."""

    @property
    def archive_key(self) -> str:
        return f"orders/{self.order.id}.json"


class OneObjectPerOrder(Processor):
    """All submissions of an order have one S3 key."""

    def _submission(self, message: Message) -> Submission:
        submission = super()._submission(message)
        return SubmissionOfOneKey(
            submission.order, submission.submission_id, submission.received_at
        )


class SubmissionIdAloneIsIdentity(RecordStore):
    """The payload is no part of a submission's identity."""

    def take(self, record: Record) -> Record | None:
        holder = super().take(record)
        same = holder is not None and holder.submission_id == record.submission_id
        return record if same else holder


class OrderIdAloneIsIdentity(RecordStore):
    """A submission of a recorded orderId is a duplicate: also the redelivery of the first."""

    def take(self, record: Record) -> Record | None:
        holder = super().take(record)
        if holder is None or record.record_id != FIRST_SLOT:
            return holder
        return holder._replace(submission_id="another")


class NoCorrectionSlot(RecordStore):
    """A correction is accepted under its own identity: so is the next one."""

    def take(self, record: Record) -> Record | None:
        if record.record_id != CORRECTION_SLOT:
            return super().take(record)
        own = f"{OWN_SLOT_PREFIX}{record.submission_id}#{record.payload_sha256}"
        moved = record._replace(record_id=own)
        return super().take(moved) or moved


class DiffersFromFirst(RecordStore):
    """A duplicate is compared with the first record of its orderId, accepted or not."""

    def take(self, record: Record) -> Record | None:
        if record.status is not Status.DUPLICATE:
            return super().take(record)
        first = self._get(record.order_id, FIRST_SLOT)
        changed = record._replace(differs=record.terms.differing_from(first.terms))
        return super().take(changed) or changed


class FailedDeadLetterIsDone(OrderQueue):
    """An unreadable message is acknowledged, whether it came to the dead-letter queue or not."""

    def send_to_dead_letters(self, message: Message, attributes: Mapping[str, str]) -> None:
        try:
            super().send_to_dead_letters(message, attributes)
        except StoreUnavailable:
            return


class FirstUnseen(Processor):
    """The first of an order in a batch is taken for its first of all, whatever the table says."""

    def _record(self, delivery: Any, calls: BatchCalls) -> None:
        super()._record(delivery, calls)
        first = self._first_record(delivery)
        calls._holders[first.order_id, FIRST_SLOT] = first


class FailuresSwallowed(Processor):
    """The processor logs a failure and leaves it at that."""

    def process_batch(self, *batch: Any) -> Any:
        return [processed for processed in super().process_batch(*batch) if not processed.failure]


class FailuresTakenOff(Processor):
    """Before the next part of a batch, all of the last part is taken off the queue."""

    def _take_off(self, finished: Sequence[Processed], calls: BatchCalls) -> None:
        with suppress(OutOfTime):
            calls.delete([processed.message for processed in finished])


MUTATIONS = (
    Mutation(
        "an unconditional put",
        System(record_store=UnconditionalPut),
        "an order and an exact duplicate",
        "a record was changed",
        steps=6,
    ),
    Mutation(
        "a query, then a put",
        System(record_store=QueryThenPut),
        "an order and an exact duplicate",
        "a record was changed",
        steps=8,
    ),
    Mutation(
        "DynamoDB before S3",
        System(processor=DynamoDBFirst),
        "one submission, delivered three times",
        "the record of first has an s3Key without an object",
        steps=2,
    ),
    Mutation(
        "any error of DynamoDB taken for a duplicate",
        System(record_store=AnyErrorIsTaken),
        "one submission, delivered three times",
        "a delivery vouches for a record that is not there",
        steps=3,
    ),
    Mutation(
        "a batch's errors not looked at",
        System(record_store=EveryInsertIsWritten, most_at_once=2),
        "a batch of two orders, recorded by one call",
        "a delivery vouches for a record that is not there",
        steps=8,
    ),
    Mutation(
        "any error of S3 taken for a duplicate",
        System(order_archive=AnyErrorIsThere),
        "one submission, delivered three times",
        "the record of first has an s3Key without an object",
        steps=3,
    ),
    Mutation(
        "the messageId for identity",
        System(processor=MessageIdIsIdentity),
        "one submission, sent twice by an SDK or a client's retry",
        "a submission is recorded more than once",
        steps=7,
    ),
    Mutation(
        "a channel beside the order decides its validity",
        System(processor=ChannelBesideIsATerm),
        "one submission, delivered three times",
        "no order of the submissions explains the records",
        steps=2,
    ),
    Mutation(
        "failures returned without the flag",
        System(returns_failures=True, mapping_reads_failures=False),
        "one submission, delivered three times",
        "first is lost: neither recorded, nor on a queue",
        steps=3,
    ),
    Mutation(
        "the first of a batch held to be the first of its order",
        System(processor=FirstUnseen),
        "a batch of two duplicates of a recorded order",
        "no order of the submissions explains the records",
        steps=6,
    ),
    Mutation(
        "failures swallowed",
        System(processor=FailuresSwallowed),
        "one submission, delivered three times",
        "first is lost: neither recorded, nor on a queue",
        steps=3,
    ),
    Mutation(
        "the orderId alone for identity",
        System(record_store=OrderIdAloneIsIdentity),
        "one submission, delivered three times",
        "a submission is recorded more than once",
        steps=7,
    ),
    Mutation(
        "the submissionId alone for identity",
        System(record_store=SubmissionIdAloneIsIdentity),
        "one submission id with two payloads",
        "a delivery vouches for a record that is not there",
        steps=6,
    ),
    Mutation(
        "no slot for the correction",
        System(record_store=NoCorrectionSlot),
        "two corrections of a recorded invalid order",
        "more than one record is ACCEPTED",
        steps=8,
    ),
    Mutation(
        "a duplicate compared with the first record, not with the accepted one",
        System(record_store=DiffersFromFirst),
        "an invalid order and two corrections",
        "no order of the submissions explains the records",
        steps=12,
    ),
    Mutation(
        "an unconditional put of the object",
        System(order_archive=OverwritingArchive),
        "one submission, delivered three times",
        "an object was overwritten",
        steps=4,
    ),
    Mutation(
        "one object for all submissions of an order",
        System(processor=OneObjectPerOrder),
        "an order and a conflicting duplicate",
        "the object of second is not what was received",
        steps=5,
    ),
    Mutation(
        "an unreadable message acknowledged although the dead-letter queue failed",
        System(order_queue=FailedDeadLetterIsDone),
        "an unreadable message",
        "unreadable is lost: neither recorded, nor on a queue",
        steps=3,
    ),
    Mutation(
        "a failed message taken off the queue before the next part of its batch",
        System(processor=FailuresTakenOff, returns_failures=True, mapping_reads_failures=True),
        "a batch of two suspects, with partial batch responses",
        "elsewhere is lost: neither recorded, nor on a queue",
        steps=3,
    ),
)
