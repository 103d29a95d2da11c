"""Rules of everything else of a stage: the API, the stores, the alarms and the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.aws.key_store import EXPIRES_AT
from ops.lint.rule import SQS_DOCS, rule
from ops.stage_names import LOCAL_STAGE, OLDEST_MESSAGE_ALARM, REJECTED_SHARE_ALARM, alarm_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops.lint.stage import StageSettings

CLOSED_ROUTES = "closed-routes"
API_GATEWAY_LIMIT_SECONDS = 29
# Monitors and balancers have no credentials, and a developer reads before having any: what these
# say is in the public repository.
OPEN_PATHS = ("/", "/health", "/docs", "/openapi.json", "/asyncapi.json")
OPEN_ROUTES = {f"{method} {path}" for path in OPEN_PATHS for method in ("GET", "HEAD")}
UNPROTECTED_STAGES = {"dev", LOCAL_STAGE}
LOG_LEVELS_WITHOUT_METRICS = {"WARN", "ERROR", "FATAL"}
NO_ROUTES = "the API has no route"
NO_RECOVERY = "the table has no point-in-time recovery"
NO_EXPIRY = f"the table keeps each idempotency key for good: its TTL attribute is not {EXPIRES_AT}"
ALARMS = (
    "dlq-not-empty",
    OLDEST_MESSAGE_ALARM,
    "orders-expire",
    "processor-errors",
    "failed-attempts",
    "processor-throttles",
    "api-5xx",
    "api-p99-latency",
    "conflicts",
    REJECTED_SHARE_ALARM,
)


def no_alarm(name: str) -> str:
    """Say that a stage lacks an alarm."""
    return f"there is no alarm {name}"


@rule(
    "api-timeout",
    "A function behind a REST API answers within API Gateway's 29 seconds.",
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html",
)
def _api_timeout(stage: StageSettings) -> Iterable[str]:
    if stage.api.timeout_seconds >= API_GATEWAY_LIMIT_SECONDS:
        yield (
            f"the API function has {stage.api.timeout_seconds} s: API Gateway gives up after "
            f"{API_GATEWAY_LIMIT_SECONDS} s, and the function works on for nobody "
            "(lambda_timeout of api_handler)"
        )


@rule(
    CLOSED_ROUTES,
    "Control access to a REST API with IAM permissions.",
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html",
)
def _closed_routes(stage: StageSettings) -> Iterable[str]:
    routes = stage.gateway.routes
    for route, closed in sorted(routes.items()):
        if closed and route in OPEN_ROUTES:
            yield f"{route} asks for a signature: those who need it have none"
        if not closed and route not in OPEN_ROUTES:
            yield f"{route} is open to anyone"
    if not routes:
        yield NO_ROUTES


@rule(
    "one-api-stage",
    "One stage of the API: SAM makes a second one unless OpenApiVersion is set.",
    "https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/"
    "sam-resource-api.html",
)
def _one_api_stage(stage: StageSettings) -> Iterable[str]:
    gateway = stage.gateway
    if stage.stage not in gateway.stages:
        return
    for name in sorted(gateway.stages - {stage.stage}):
        yield (
            f"the API can be called by a stage {name} too, which has neither throttle nor access "
            f"log; to delete it, type `aws apigateway delete-stage --rest-api-id "
            f"{gateway.rest_api_id or 'ID'} --stage-name {name}`"
        )


@rule(
    "encryption-at-rest",
    "Implement server-side encryption.",
    f"{SQS_DOCS}/sqs-security-best-practices.html",
)
def _encryption_at_rest(stage: StageSettings) -> Iterable[str]:
    everything = {
        "OrdersQueue": stage.queue.encrypted,
        "OrdersDLQ": stage.dead_letter_queue.encrypted,
        "the bucket": stage.bucket.encrypted,
    }
    yield from (
        f"{name} is not encrypted" for name, encrypted in everything.items() if not encrypted
    )


@rule(
    "encryption-in-transit",
    "Enforce encryption of data in transit: refuse requests without aws:SecureTransport.",
    f"{SQS_DOCS}/sqs-security-best-practices.html",
)
def _encryption_in_transit(stage: StageSettings) -> Iterable[str]:
    everything = {
        "OrdersQueue": stage.queue.refuses_plain_http,
        "OrdersDLQ": stage.dead_letter_queue.refuses_plain_http,
        "the bucket": stage.bucket.refuses_plain_http,
    }
    yield from (f"{name} takes plain HTTP" for name, refuses in everything.items() if not refuses)


@rule(
    "archive-bucket",
    "Enable versioning and S3 Block Public Access.",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html",
)
def _archive_bucket(stage: StageSettings) -> Iterable[str]:
    if not stage.bucket.versioned:
        yield "the bucket keeps no versions: what is overwritten or deleted is gone"
    if not stage.bucket.closed_to_the_public:
        yield "the bucket can be opened to the public"


@rule(
    "record-table",
    "Point-in-time recovery, deletion protection, on-demand capacity for unknown traffic, and an "
    "expiry of idempotency keys alone.",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
    "best-practices-security-preventative.html",
)
def _record_table(stage: StageSettings) -> Iterable[str]:
    if not stage.table.recoverable:
        yield NO_RECOVERY
    if not stage.table.on_demand:
        yield "the table's capacity is provisioned: a burst of orders is throttled"
    if not stage.table.protected and stage.stage not in UNPROTECTED_STAGES:
        yield "the table has no deletion protection"
    if stage.table.expires_by is None:
        yield NO_EXPIRY
    elif stage.table.expires_by != EXPIRES_AT:
        yield (
            f"the table's TTL attribute is {stage.table.expires_by}, not {EXPIRES_AT}: it may "
            "delete records"
        )


@rule(
    "alarms",
    "Alarms on the dead-letter queue, the age of messages, errors, throttles and latency.",
    f"{SQS_DOCS}/sqs-available-cloudwatch-metrics.html",
)
def _alarms(stage: StageSettings) -> Iterable[str]:
    for name in ALARMS:
        if alarm_name(stage.stage, name) not in stage.alarms:
            yield no_alarm(name)


@rule(
    "log-retention",
    "Set how long CloudWatch keeps the logs of a function.",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams.html",
)
def _log_retention(stage: StageSettings) -> Iterable[str]:
    for name, function in stage.functions.items():
        if function.log_retention_days is None:
            yield f"the log of the {name} function is kept for ever, or nowhere"


@rule(
    "application-log-level",
    "Lambda drops the lines of a function that are below its application log level.",
    "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html",
)
def _application_log_level(stage: StageSettings) -> Iterable[str]:
    for name, function in stage.functions.items():
        # Without one, Lambda's default, INFO, applies where the log is JSON, and none elsewhere.
        if function.application_log_level in LOG_LEVELS_WITHOUT_METRICS:
            yield (
                f"the {name} function's is {function.application_log_level}: its metrics are lines "
                "without a level, which count as INFO, so none arrive and no alarm is raised"
            )


STAGE_RULES = (
    _api_timeout,
    _closed_routes,
    _one_api_stage,
    _encryption_at_rest,
    _encryption_in_transit,
    _archive_bucket,
    _record_table,
    _alarms,
    _log_retention,
    _application_log_level,
)
