"""
Wiring: the services over real clients, each built once, when it is first used.

The only place that imports boto3. Clients are costly to make, so each service gets only those that
it needs: submitting builds no S3 client, reading builds no SQS client.
"""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

import boto3
from botocore.config import Config

from chalicelib.health import Health
from chalicelib.intake import Intake
from chalicelib.order_archive import OrderArchive
from chalicelib.order_queue import OrderQueue
from chalicelib.processing import Acknowledge, Processor, delete_then_raise, report_failures
from chalicelib.queries import Queries
from chalicelib.record_store import RecordStore
from chalicelib.settings import LogSettings, Settings
from chalicelib.telemetry import Telemetry, make_logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

MAX_WORKERS = 32
# With three attempts a call takes at most 22 seconds: 3 x (1 + 2) of waiting and 1 + 2 of backing
# off, or 2 x 5 more where AWS asks for it (x-amz-retry-after). Without an answer it is 9, and a
# little. See TIME_FOR_ONE_CALL_MS in processing.py.
CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=MAX_WORKERS,
)
# A health check tells how things are now: it does not try again.
HEALTH_CONFIG = CLIENT_CONFIG.merge(
    Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
)
# Without it a presigned URL gets a signature that newer regions refuse.
S3_CONFIG = Config(signature_version="s3v4")

Service = TypeVar("Service")

# Services are built by whichever thread asks first, and one boto3 session must not make two
# clients at a time.
_building = RLock()
_built: list[Callable[[], None]] = []


def _once(build: Callable[[], Service]) -> Callable[[], Service]:
    """Build at the first call, then always answer with what was built."""
    cached = cache(build)
    _built.append(cached.cache_clear)

    def get() -> Service:
        with _building:
            return cached()

    return get


def forget() -> None:
    """Forget all that was built, so that it is built anew from the environment."""
    for clear in _built:
        clear()


@_once
def settings() -> Settings:
    """Where the resources are."""
    return Settings.from_env()


@_once
def telemetry() -> Telemetry:
    """The log and the metrics."""
    settings = LogSettings.from_env()
    return Telemetry(make_logger(settings), settings.service)


@_once
def intake() -> Intake:
    """Submitting: over SQS only."""
    return Intake(queue(), clock=now, new_id=lambda: str(uuid.uuid4()))


@_once
def queries() -> Queries:
    """Reading back: over DynamoDB and S3 only."""
    return Queries(record_store(), order_archive(), clock=now)


@_once
def health() -> Health:
    """The health check, over clients that give up sooner."""
    queue = OrderQueue(_sqs(HEALTH_CONFIG), settings().queue_url, settings().dead_letter_queue_url)
    table = RecordStore(_dynamodb(HEALTH_CONFIG), settings().table, settings().audit_shards)
    bucket = OrderArchive(_s3(HEALTH_CONFIG), settings().bucket)

    def dead_letters() -> str | None:
        return "is not empty" if queue.dead_letters_waiting() else None

    def orders() -> None:
        queue.waiting()

    return Health(
        {
            "queue": orders,
            "deadLetterQueue": dead_letters,
            "bucket": bucket.check,
            "table": table.check,
        }
    )


@_once
def processor() -> Processor:
    """Processing: over S3, DynamoDB and SQS."""
    executor = ThreadPoolExecutor(max_workers=MAX_WORKERS)
    return Processor(
        records=record_store(),
        archive=order_archive(),
        queue=queue(),
        reporter=telemetry(),
        clock=now,
        concurrently=executor.map,
    )


@_once
def acknowledge() -> Acknowledge:
    """How a batch is answered for: as the event source mapping is set up."""
    return report_failures if settings().partial_batch else delete_then_raise(queue(), telemetry())


@_once
def queue() -> OrderQueue:
    """The queue and its dead-letter queue."""
    return OrderQueue(_sqs(CLIENT_CONFIG), settings().queue_url, settings().dead_letter_queue_url)


@_once
def record_store() -> RecordStore:
    """The records."""
    return RecordStore(_dynamodb(CLIENT_CONFIG), settings().table, settings().audit_shards)


@_once
def order_archive() -> OrderArchive:
    """The archive."""
    return OrderArchive(_s3(CLIENT_CONFIG), settings().bucket)


@_once
def _session() -> boto3.session.Session:
    return boto3.session.Session()


def now() -> datetime:
    """The time in UTC, to the millisecond: what a record keeps of it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _sqs(config: Config) -> "SQSClient":
    return _session().client("sqs", config=config)


def _dynamodb(config: Config) -> "DynamoDBClient":
    return _session().client("dynamodb", config=config)


def _s3(config: Config) -> "S3Client":
    return _session().client("s3", config=config.merge(S3_CONFIG))
