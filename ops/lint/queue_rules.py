"""Rules of the queue, and of the function that it feeds: pairs of settings that must not part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.services.time_limit import TIME_FOR_ONE_CALL_MS
from ops.lint.rule import LAMBDA_DOCS, SQS_DOCS, rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops.lint.stage import StageSettings

VISIBILITY_TIMES_FUNCTION_TIMEOUT = 6
FEWEST_RECEIVES = 5
# Ours: the outage of a store that sends no good order to the dead-letter queue.
OUTAGE_SECONDS = 2 * 3600
# From its third receive on, the age of the oldest message leaves a message out.
RECEIVES_WITH_AN_AGE = 2


def least_visibility_timeout(timeout_seconds: int, window_seconds: int) -> int:
    """Return the shortest visibility timeout that Lambda recommends for a function, in seconds."""
    return VISIBILITY_TIMES_FUNCTION_TIMEOUT * timeout_seconds + window_seconds


@rule(
    "partial-batch-pair",
    "Return batchItemFailures only to a mapping with ReportBatchItemFailures.",
    f"{LAMBDA_DOCS}/services-sqs-errorhandling.html",
)
def _partial_batch_pair(stage: StageSettings) -> Iterable[str]:
    variable = stage.processor.variables.get("ORDERS_PARTIAL_BATCH", "disabled") == "enabled"
    flag = stage.mapping.reports_failures
    if variable and not flag:
        yield (
            "ORDERS_PARTIAL_BATCH is enabled, but the mapping has no ReportBatchItemFailures: "
            "messages that fail are deleted"
        )
    if flag and not variable:
        yield (
            "the mapping has ReportBatchItemFailures, but ORDERS_PARTIAL_BATCH is not enabled: "
            "one message that fails brings its whole batch back"
        )


@rule(
    "visibility-timeout",
    "At least six times the function's time-out, plus the batching window.",
    f"{LAMBDA_DOCS}/services-sqs-configure.html",
)
def _visibility_timeout(stage: StageSettings) -> Iterable[str]:
    timeout, window = stage.processor.timeout_seconds, stage.mapping.window_seconds
    least = least_visibility_timeout(timeout, window)
    actual = stage.queue.visibility_timeout_seconds
    if actual < least:
        yield (
            f"the visibility timeout is {actual} s, and should be at least {least} s for a "
            f"function of {timeout} s and a window of {window} s (it follows from them unless "
            "VisibilityTimeoutSeconds is set; `resources up` sets it)"
        )


@rule(
    "oldest-message-alarm",
    "A message that is received three times and not deleted no longer counts in the age.",
    f"{SQS_DOCS}/sqs-available-cloudwatch-metrics.html",
)
def _oldest_message_alarm(stage: StageSettings) -> Iterable[str]:
    alarm = stage.oldest_message_alarm
    counted = RECEIVES_WITH_AN_AGE * stage.queue.visibility_timeout_seconds
    if alarm and alarm.threshold + alarm.lasting_seconds > counted:
        yield (
            f"the age of the oldest message must be over {alarm.threshold:g} s for "
            f"{alarm.lasting_seconds} s to raise its alarm: an order that keeps failing counts "
            f"for {counted} s only (OldestMessageAlarmSeconds)"
        )


@rule(
    "dead-letter-queue",
    "A dead-letter queue for the source queue, with a maxReceiveCount of at least 5.",
    f"{LAMBDA_DOCS}/services-sqs-configure.html",
)
def _dead_letter_queue(stage: StageSettings) -> Iterable[str]:
    queue, dead = stage.queue, stage.dead_letter_queue
    if queue.moves_to != dead.arn:
        yield f"OrdersQueue moves what fails to {queue.moves_to}, not to OrdersDLQ"
    elif (queue.maximum_receives or 0) < FEWEST_RECEIVES:
        yield f"a message may be received {queue.maximum_receives} times, not {FEWEST_RECEIVES}"
    if dead.takes_from != (queue.arn,):
        sources = ", ".join(dead.takes_from) or "any queue"
        yield f"OrdersDLQ takes from {sources}, not from OrdersQueue only"


@rule(
    "outage-bridged",
    "A message outlasts an outage of two hours, and is a dead letter long before it expires.",
    f"{SQS_DOCS}/sqs-dead-letter-queues.html",
)
def _outage_bridged(stage: StageSettings) -> Iterable[str]:
    queue, receives = stage.queue, stage.queue.maximum_receives or 0
    # With fewer, the rule of the dead-letter queue speaks.
    if receives < FEWEST_RECEIVES:
        return
    # A store that comes back after the last receive comes too late: SQS makes no further one.
    bridged = (receives - 1) * queue.visibility_timeout_seconds
    if bridged < OUTAGE_SECONDS:
        yield (
            f"{receives} receives, one every {queue.visibility_timeout_seconds} s, "
            f"bridge an outage of {bridged} s: one of {OUTAGE_SECONDS} s sends good orders to "
            "OrdersDLQ (MaxReceiveCount)"
        )
    if 2 * bridged > queue.retention_seconds:
        yield (
            f"a message that keeps failing is a dead letter after {bridged} s, and SQS deletes it "
            f"from OrdersQueue after {queue.retention_seconds} s: a backlog needs half of that "
            "(MaxReceiveCount)"
        )


@rule(
    "retention-order",
    "The dead-letter queue keeps messages longer than its source queue.",
    f"{SQS_DOCS}/setting-up-dead-letter-queue-retention.html",
)
def _retention_order(stage: StageSettings) -> Iterable[str]:
    queue, dead = stage.queue.retention_seconds, stage.dead_letter_queue.retention_seconds
    if dead <= queue:
        yield (
            f"OrdersDLQ keeps messages for {dead} s and OrdersQueue for {queue} s: SQS counts from "
            "the first send, so a message could end as soon as it gets there"
        )


@rule(
    "time-for-a-batch",
    "The function has enough time to process a whole batch of records.",
    f"{LAMBDA_DOCS}/services-sqs-configure.html",
)
def _time_for_a_batch(stage: StageSettings) -> Iterable[str]:
    least = 2 * TIME_FOR_ONE_CALL_MS / 1000
    if stage.processor.timeout_seconds < least:
        yield (
            f"the processor has {stage.processor.timeout_seconds} s: with less than {least:g} s it "
            "begins no second call where the first was slow (lambda_timeout of process_orders)"
        )


QUEUE_RULES = (
    _partial_batch_pair,
    _visibility_timeout,
    _oldest_message_alarm,
    _dead_letter_queue,
    _outage_bridged,
    _retention_order,
    _time_for_a_batch,
)
