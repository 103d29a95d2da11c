"""
Wiring: the services over real clients, each built once, when it is first used.

The only place that makes clients. They are costly to make, so each service gets only those that it
needs: submitting makes no S3 client, reading makes no SQS client, and processing makes one only
for what goes wrong. They are botocore's, which are boto3's clients: what boto3 adds (resources, S3
transfers) is used nowhere, and takes as long to import as botocore itself. What only the API or the
events need is imported with what is built of it, so that the processor starts without.
"""
# ruff: noqa: PLC0415 (imports where something is built)

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

import botocore
from botocore.config import Config
from botocore.handlers import (
    BUILTIN_HANDLERS,
    REGISTER_FIRST,
    REGISTER_LAST,
    add_expect_header,
)
from botocore.httpsession import get_cert_path
from botocore.session import Session

from chalicelib.order_archive import OrderArchive
from chalicelib.order_queue import OrderQueue
from chalicelib.processing import Acknowledge, Processor, delete_then_raise, report_failures
from chalicelib.record_store import STATEMENTS_PER_CALL, RecordStore
from chalicelib.settings import EventSettings, LogSettings, Settings
from chalicelib.telemetry import Telemetry, make_logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from chalicelib.events import Events, Publisher
    from chalicelib.health import Health
    from chalicelib.intake import Intake
    from chalicelib.queries import Queries

MAX_WORKERS = 32
# What botocore does with each call beyond sending it, and what is left out since it only costs:
# - Parameter validation: all parameters are ours, their types are checked by mypy, and the tests
#   run with it.
# - CRC-32 of S3 objects: with it off, the request is signed with the SHA-256 of the body, which S3
#   checks. An answer's is of use only to who reads objects, and nothing here does.
# - The User-Agent with all its parts, which is put together twice for each call.
# With three attempts a call takes at most 22 seconds: 3 x (1 + 2) of waiting and 1 + 2 of backing
# off, or 2 x 5 more where AWS asks for it (x-amz-retry-after). Without an answer it is 9, and a
# little. See TIME_FOR_ONE_CALL_MS in processing.py.
CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=MAX_WORKERS,
    parameter_validation=False,
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    user_agent=f"Botocore/{botocore.__version__}",
)
# A health check tells how things are now: it does not try again.
HEALTH_CONFIG = CLIENT_CONFIG.merge(
    Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
)
# All that the adapters call; a test compares. `make vendor` keeps botocore's data of these only.
OPERATIONS = {
    "dynamodb": {"BatchExecuteStatement", "GetItem", "PutItem", "Query"},
    "events": {"PutEvents"},
    "s3": {"GetObject", "HeadBucket", "PutObject"},
    "sns": {"PublishBatch"},
    "sqs": {"DeleteMessageBatch", "GetQueueAttributes", "SendMessage"},
}
# What an event of botocore's can be of, by its names: EventBridge has two, and `None` is for all.
SERVICES_OF_EVENTS = {None, "eventbridge", *OPERATIONS}
OPERATIONS_OF_EVENTS = {None, "*"}.union(*OPERATIONS.values())
# Without it a presigned URL gets a signature that newer regions refuse.
S3_CONFIG = Config(signature_version="s3v4")

Service = TypeVar("Service")

# Services are built by whichever thread asks first, and one session must not make two clients at a
# time.
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


class _OnDemand:
    """A client that is made when it is first used."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)


def prepare(function: str) -> None:
    """
    Build what a function of the app is sure to need, before it is first called.

    Lambda gives it a whole CPU until its module is loaded, and only its share of one from then on.
    What the API needs depends on the request.
    """
    if function == "process_orders":
        processor()
        acknowledge()
    elif function == "publish_events":
        events()


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
def intake() -> "Intake":
    """Submitting: over SQS only."""
    from chalicelib.intake import Intake

    return Intake(queue(), clock=now, new_id=lambda: str(uuid.uuid4()))


@_once
def queries() -> "Queries":
    """Reading back: over DynamoDB and S3 only."""
    from chalicelib.queries import Queries

    return Queries(record_store(), order_archive(), clock=now)


@_once
def health() -> "Health":
    """The health check, over clients that give up sooner."""
    from chalicelib.health import Health

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
def events() -> "Events":
    """Events out: to EventBridge or SNS only."""
    from chalicelib.events import Events

    settings = EventSettings.from_env()
    publisher: Publisher
    if settings.to_topic:
        from chalicelib.event_topic import Topic

        publisher = Topic(_client("sns", CLIENT_CONFIG), settings.target)
    else:
        from chalicelib.event_bus import EventBus

        publisher = EventBus(_client("events", CLIENT_CONFIG), settings.target)
    return Events(publisher, settings.source)


@_once
def queue() -> OrderQueue:
    """The queue and its dead-letter queue."""
    client = cast("SQSClient", _OnDemand(_queue_client))
    return OrderQueue(client, settings().queue_url, settings().dead_letter_queue_url)


@_once
def record_store() -> RecordStore:
    """The records."""
    return RecordStore(
        _dynamodb(CLIENT_CONFIG), settings().table, settings().audit_shards, STATEMENTS_PER_CALL
    )


@_once
def order_archive() -> OrderArchive:
    """The archive."""
    return OrderArchive(_s3(CLIENT_CONFIG), settings().bucket)


@_once
def _queue_client() -> "SQSClient":
    return _sqs(CLIENT_CONFIG)


@_once
def _tls_contexts() -> dict[Any, Any]:
    """The TLS contexts that have parsed authorities, by where they are from."""
    return {}


@_once
def _session() -> Session:
    """
    One session for all clients, with those of botocore's event handlers that they can call.

    Most handlers are for services and operations that are not used here, and each of them is looked
    at and copied when a session or a client is made.
    """
    session = Session(include_builtin_handlers=False)
    events = session.get_component("event_emitter")
    register = {
        None: events.register,
        REGISTER_FIRST: events.register_first,
        REGISTER_LAST: events.register_last,
    }
    for event, handler, *place in BUILTIN_HANDLERS:
        # An event is named like `before-call.s3.PutObject`, or for all services `before-call`.
        names: list[str | None] = [*event.split("."), None, None]
        service, operation = names[1:3]
        if service in SERVICES_OF_EVENTS and operation in OPERATIONS_OF_EVENTS:
            register[place[0] if place else None](event, handler)
    return session


def now() -> datetime:
    """The time in UTC, to the millisecond: what a record keeps of it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _client(service: str, config: Config) -> Any:
    client: Any = _session().create_client(service, config=config)
    if client.meta.endpoint_url.startswith("https:"):
        _parse_authorities_once(client)
    return client


def _parse_authorities_once(client: Any) -> None:
    """
    Parse the certificate authorities for the first client, instead of anew for each connection.

    With a connection for each order of a batch that is most of what the first batch costs, and for
    a second client a twentieth of a cold start. No setting does it; should a release of botocore
    have other inner parts, it goes on as it does.
    """
    with suppress(AttributeError):
        http = client._endpoint.http_session  # noqa: SLF001
        pools = http._manager.connection_pool_kw  # noqa: SLF001
        set_up, authorities = http._setup_ssl_cert, get_cert_path(http._verify)  # noqa: SLF001
        contexts = _tls_contexts()
        if authorities not in contexts:
            pools["ssl_context"].load_verify_locations(authorities)
            contexts[authorities] = pools["ssl_context"]
        context = pools["ssl_context"] = contexts[authorities]

        def set_up_without_parsing(pool: Any, url: str, verify: Any) -> None:
            set_up(pool, url, verify)
            pool.ca_certs = None

        http._get_ssl_context = lambda: context  # noqa: SLF001
        http._setup_ssl_cert = set_up_without_parsing  # noqa: SLF001


def _sqs(config: Config) -> "SQSClient":
    return cast("SQSClient", _client("sqs", config))


def _dynamodb(config: Config) -> "DynamoDBClient":
    return cast("DynamoDBClient", _client("dynamodb", config))


def _s3(config: Config) -> "S3Client":
    client = _client("s3", config.merge(S3_CONFIG))
    # Before each put of an object it asks whether to send the body, and waits for the answer.
    client.meta.events.unregister("before-call.s3", add_expect_header)
    return cast("S3Client", client)
