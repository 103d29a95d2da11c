"""
The rules: pairs of settings that must not part, and what AWS recommends.

Each rule is one object with a name. It says what it found to be wrong, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from chalicelib.processing import TIME_FOR_ONE_CALL_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ops.lint.stage import StageSettings

    Check: TypeAlias = Callable[[StageSettings], Iterable[str]]

LAMBDA_DOCS = "https://docs.aws.amazon.com/lambda/latest/dg"
SQS_DOCS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide"
VISIBILITY_TIMES_FUNCTION_TIMEOUT = 6
FEWEST_RECEIVES = 5
LARGEST_BATCH_WITHOUT_WINDOW = 10
LARGEST_BATCH = 10_000
FEWEST_CONCURRENT, MOST_CONCURRENT = 2, 1000
API_GATEWAY_LIMIT_SECONDS = 29
OPEN_ROUTES = {"GET /health"}
UNPROTECTED_STAGES = {"dev", "local"}
ALARMS = (
    "dlq-not-empty",
    "oldest-message-age",
    "processor-errors",
    "failed-attempts",
    "processor-throttles",
    "api-5xx",
    "api-p99-latency",
    "conflicts",
)


@dataclass(frozen=True)
class Rule:
    """A rule, the recommendation that it comes from, and the check that yields what is wrong."""

    name: str
    recommendation: str
    source: str
    check: Check

    def broken_by(self, stage: StageSettings) -> list[str]:
        """What is wrong with the stage by this rule: [] if nothing is."""
        return list(self.check(stage))


def _flag_and_variable(stage: StageSettings) -> Iterable[str]:
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


def _visibility(stage: StageSettings) -> Iterable[str]:
    timeout, window = stage.processor.timeout_seconds, stage.mapping.window_seconds
    least = VISIBILITY_TIMES_FUNCTION_TIMEOUT * timeout + window
    actual = stage.queue.visibility_timeout_seconds
    if actual < least:
        yield (
            f"the visibility timeout is {actual} s, and should be at least {least} s for a "
            f"function of {timeout} s and a window of {window} s"
        )


def _redrive(stage: StageSettings) -> Iterable[str]:
    queue, dead = stage.queue, stage.dead_letter_queue
    if queue.moves_to != dead.arn:
        yield f"OrdersQueue moves what fails to {queue.moves_to}, not to OrdersDLQ"
    elif (queue.maximum_receives or 0) < FEWEST_RECEIVES:
        yield f"a message may be received {queue.maximum_receives} times, not {FEWEST_RECEIVES}"
    if dead.takes_from != (queue.arn,):
        sources = ", ".join(dead.takes_from) or "any queue"
        yield f"OrdersDLQ takes from {sources}, not from OrdersQueue only"


def _retention(stage: StageSettings) -> Iterable[str]:
    queue, dead = stage.queue.retention_seconds, stage.dead_letter_queue.retention_seconds
    if dead <= queue:
        yield (
            f"OrdersDLQ keeps messages for {dead} s and OrdersQueue for {queue} s: SQS counts from "
            "the first send, so a message could end as soon as it gets there"
        )


def _mapping_source(stage: StageSettings) -> Iterable[str]:
    if stage.mapping.queue_arn != stage.queue.arn:
        yield f"the processor is fed by {stage.mapping.queue_arn}, not by {stage.queue.arn}"


def _batch_and_window(stage: StageSettings) -> Iterable[str]:
    size, window = stage.mapping.batch_size, stage.mapping.window_seconds
    if size > LARGEST_BATCH_WITHOUT_WINDOW and window < 1:
        yield f"a batch of {size} needs a window of at least 1 s: it has {window} s"
    if not 1 <= size <= LARGEST_BATCH:
        yield f"a batch of {size} is not 1 to {LARGEST_BATCH}"


def _batch_and_time(stage: StageSettings) -> Iterable[str]:
    least = 2 * TIME_FOR_ONE_CALL_MS / 1000
    if stage.processor.timeout_seconds < least:
        yield (
            f"the processor has {stage.processor.timeout_seconds} s: with less than {least:g} s it "
            "begins no second call where the first was slow"
        )


def _concurrency(stage: StageSettings) -> Iterable[str]:
    maximum, reserved = stage.mapping.maximum_concurrency, stage.processor.reserved_concurrency
    if maximum is None:
        yield "the mapping has no maximum concurrency: a backlog takes all that the account has"
    elif not FEWEST_CONCURRENT <= maximum <= MOST_CONCURRENT:
        yield f"maximum concurrency {maximum} is not {FEWEST_CONCURRENT} to {MOST_CONCURRENT}"
    elif reserved is not None and reserved < maximum:
        yield (
            f"{reserved} are reserved for the processor, less than the mapping's {maximum}: "
            "batches beyond are throttled, and each time counts as a receive"
        )


def _api_timeout(stage: StageSettings) -> Iterable[str]:
    if stage.api.timeout_seconds >= API_GATEWAY_LIMIT_SECONDS:
        yield (
            f"the API function has {stage.api.timeout_seconds} s: API Gateway gives up after "
            f"{API_GATEWAY_LIMIT_SECONDS} s, and the function works on for nobody"
        )


def _closed_routes(stage: StageSettings) -> Iterable[str]:
    for route, closed in sorted(stage.routes.items()):
        if closed and route in OPEN_ROUTES:
            yield f"{route} asks for a signature: load balancers and monitors have none"
        if not closed and route not in OPEN_ROUTES:
            yield f"{route} is open to anyone"
    if not stage.routes:
        yield "the API has no route"


def _encryption(stage: StageSettings) -> Iterable[str]:
    everything = {
        "OrdersQueue": stage.queue.encrypted,
        "OrdersDLQ": stage.dead_letter_queue.encrypted,
        "the bucket": stage.bucket.encrypted,
    }
    yield from (
        f"{name} is not encrypted" for name, encrypted in everything.items() if not encrypted
    )


def _plain_http(stage: StageSettings) -> Iterable[str]:
    everything = {
        "OrdersQueue": stage.queue.refuses_plain_http,
        "OrdersDLQ": stage.dead_letter_queue.refuses_plain_http,
        "the bucket": stage.bucket.refuses_plain_http,
    }
    yield from (f"{name} takes plain HTTP" for name, refuses in everything.items() if not refuses)


def _bucket(stage: StageSettings) -> Iterable[str]:
    if not stage.bucket.versioned:
        yield "the bucket keeps no versions: what is overwritten or deleted is gone"
    if not stage.bucket.closed_to_the_public:
        yield "the bucket can be opened to the public"


def _table(stage: StageSettings) -> Iterable[str]:
    if not stage.table.recoverable:
        yield "the table has no point-in-time recovery"
    if not stage.table.on_demand:
        yield "the table's capacity is provisioned: a burst of orders is throttled"
    if not stage.table.protected and stage.stage not in UNPROTECTED_STAGES:
        yield "the table has no deletion protection"


def _alarms(stage: StageSettings) -> Iterable[str]:
    for name in ALARMS:
        if f"orders-{stage.stage}-{name}" not in stage.alarms:
            yield f"there is no alarm orders-{stage.stage}-{name}"


def _logs(stage: StageSettings) -> Iterable[str]:
    for name, function in {"API": stage.api, "processor": stage.processor}.items():
        if function.log_retention_days is None:
            yield f"the log of the {name} function is kept for ever, or nowhere"


RULES = (
    Rule(
        "partial-batch-pair",
        "Return batchItemFailures only to a mapping with ReportBatchItemFailures.",
        f"{LAMBDA_DOCS}/services-sqs-errorhandling.html",
        _flag_and_variable,
    ),
    Rule(
        "visibility-timeout",
        "At least six times the function's time-out, plus the batching window.",
        f"{LAMBDA_DOCS}/services-sqs-configure.html",
        _visibility,
    ),
    Rule(
        "dead-letter-queue",
        "A dead-letter queue for the source queue, with a maxReceiveCount of at least 5.",
        f"{LAMBDA_DOCS}/services-sqs-configure.html",
        _redrive,
    ),
    Rule(
        "retention-order",
        "The dead-letter queue keeps messages longer than its source queue.",
        f"{SQS_DOCS}/setting-up-dead-letter-queue-retention.html",
        _retention,
    ),
    Rule(
        "mapping-source",
        "Each stage is fed by its own queue.",
        f"{LAMBDA_DOCS}/services-sqs-configure.html",
        _mapping_source,
    ),
    Rule(
        "batch-and-window",
        "A batch over 10 needs a batching window of at least 1 second.",
        f"{LAMBDA_DOCS}/services-sqs-parameters.html",
        _batch_and_window,
    ),
    Rule(
        "time-for-a-batch",
        "The function has enough time to process a whole batch of records.",
        f"{LAMBDA_DOCS}/services-sqs-configure.html",
        _batch_and_time,
    ),
    Rule(
        "maximum-concurrency",
        "A maximum concurrency of 2 to 1000, and no more than what is reserved for the function.",
        f"{LAMBDA_DOCS}/services-sqs-scaling.html",
        _concurrency,
    ),
    Rule(
        "api-timeout",
        "A function behind a REST API answers within API Gateway's 29 seconds.",
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html",
        _api_timeout,
    ),
    Rule(
        "closed-routes",
        "Control access to a REST API with IAM permissions.",
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html",
        _closed_routes,
    ),
    Rule(
        "encryption-at-rest",
        "Implement server-side encryption.",
        f"{SQS_DOCS}/sqs-security-best-practices.html",
        _encryption,
    ),
    Rule(
        "encryption-in-transit",
        "Enforce encryption of data in transit: refuse requests without aws:SecureTransport.",
        f"{SQS_DOCS}/sqs-security-best-practices.html",
        _plain_http,
    ),
    Rule(
        "archive-bucket",
        "Enable versioning and S3 Block Public Access.",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
        _bucket,
    ),
    Rule(
        "record-table",
        "Point-in-time recovery, deletion protection, and on-demand capacity for unknown traffic.",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
        "best-practices-security-preventative.html",
        _table,
    ),
    Rule(
        "alarms",
        "Alarms on the dead-letter queue, the age of messages, errors, throttles and latency.",
        f"{SQS_DOCS}/sqs-available-cloudwatch-metrics.html",
        _alarms,
    ),
    Rule(
        "log-retention",
        "Set how long CloudWatch keeps the logs of a function.",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
        _logs,
    ),
)
