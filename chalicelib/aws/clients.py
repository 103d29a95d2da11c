"""
The AWS clients of the deployed functions, and all their tuning, each with its reason and figure.

The figures are of the benchmarks; docs/decisions/0009-optimisations.md has them all, and names the
optimisations that were left out. The clients are botocore's, which boto3 uses too. Nothing here
needs boto3's additions (resources, S3 transfers), which take 13% of a cold start.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar
from urllib.parse import urlsplit

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
from botocore.utils import get_environ_proxies

from chalicelib.aws.answers import count_only_answers_of_aws
from chalicelib.aws.bucket_address import BucketUrls
from chalicelib.aws.s3 import OrderArchive

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from chalicelib.aws.obstore_archive import ObstoreArchive

# The oldest release that knows all of it: `request_checksum_calculation` (1.36.0), `IfNoneMatch` of
# PutObject (1.35.2), the old item of a failed condition (1.29.165). The last two an older release
# would leave out of the request without a word: parameters are not validated, see below.
OLDEST_BOTOCORE = "1.36.0"


class BotocoreTooOld(ImportError):
    """The botocore that is here can't do what is asked of it. Lambda logs it in one line."""


def require_botocore(version: str) -> None:
    """
    Compare a version of botocore with the oldest that will do.

    Raises:
        BotocoreTooOld: it is older.
    """
    if _release(version) < _release(OLDEST_BOTOCORE):
        raise BotocoreTooOld(
            f"botocore {version} is too old, {OLDEST_BOTOCORE} or newer is needed: deploy the one "
            "that is tested with the app, by `make deploy` without --without-vendor, or `make "
            "vendor` before `chalice deploy`."
        )


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall("[0-9]+", version)[:3])


# Before the first line here that needs it.
require_botocore(botocore.__version__)

# A batch of 100 waits twice for S3. With 32 threads it waited four times: 50 let through a quarter
# more orders a second, for the same CPU. 100 would let through a tenth more, and take twice as many
# handshakes after a pause.
# A connection for each thread: with fewer, a batch over TLS pays a handshake for each of the rest.
MAX_WORKERS = 50
# The calls of one POST /order-batches that are under way at a time. 500 lines are 50 calls, so 7
# rounds: they fit into the function's 20 seconds even if each call takes one.
MAX_SENDERS = 8
# With three attempts a call takes at most 22 seconds: 3 x (1 + 2) of waiting and 1 + 2 of backing
# off, or 2 x 5 more where AWS asks for it (x-amz-retry-after). Without an answer it is 9, and a
# little. See services/time_limit.py.
CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=MAX_WORKERS,
    # 8% of an order. All parameters are ours, mypy checks their types, and the tests validate.
    parameter_validation=False,
    # 4% of an order. The request is signed with the SHA-256 of the body, which S3 checks.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    # 14% of an order: botocore puts its long User-Agent together twice for each call.
    user_agent=f"Botocore/{botocore.__version__}",
)
# A health check tells how things are now: it does not try again.
HEALTH_CONFIG = CLIENT_CONFIG.merge(
    Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
)
# A submission waits for the put of its idempotency key, and then needs 12 seconds for a queue that
# does not answer: of the API's function's 20. Without an answer the put takes at most 2 x (1 + 1)
# seconds of waiting and 1 of backing off. A second attempt, since a function that slept for a while
# may find its connection closed.
KEY_SECONDS = 5
KEY_CONFIG = CLIENT_CONFIG.merge(
    Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2})
)
# For every S3 client. Without the first, a presigned URL gets a signature that newer regions
# refuse. Without the second, it names S3's global host, which knows no bucket of a region that
# opened after March 2019, and redirects from a bucket that is new; the third does the same for
# us-east-1. They cost 2% of a call at most.
S3_CONFIG = Config(
    signature_version="s3v4",
    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
)
# A company's proxy leads to AWS. It knows no way back to an emulator on this machine.
WITHOUT_PROXY = Config(proxies={})
# All calls of the adapters; a test compares. 29% of a cold start: vendor/ has botocore's
# data of these only. 7% more: only the event handlers that these can need are registered.
OPERATIONS = {
    "dynamodb": {"BatchExecuteStatement", "GetItem", "PutItem", "Query", "Scan"},
    "events": {"PutEvents"},
    "kms": {"GetPublicKey", "Sign"},
    "s3": {"GetObject", "HeadBucket", "ListObjectsV2", "PutObject"},
    "sns": {"PublishBatch"},
    "sqs": {"DeleteMessageBatch", "GetQueueAttributes", "SendMessage", "SendMessageBatch"},
}
# The services' names in botocore's events: EventBridge has two, and `None` is for all.
SERVICES_OF_EVENTS = {None, "eventbridge", *OPERATIONS}
OPERATIONS_OF_EVENTS = {None, "*"}.union(*OPERATIONS.values())
# For all that is made once: a session may not make two clients at the same time.
MAKING = RLock()

Value = TypeVar("Value")


class made_once(Generic[Value]):  # noqa: N801 (a decorator, named like `property`)
    """
    A property that is made when it is first used, once, whichever threads ask for it.

    Since Python 3.12 `cached_property` makes it once for each thread that asks meanwhile.
    """

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, _owner: type) -> Value:
        made = vars(instance)
        with MAKING:
            if self._name not in made:
                made[self._name] = self._make(instance)
        value: Value = made[self._name]
        return value


class Clients(Protocol):
    """The clients that the adapters call, each made when it is first used."""

    @property
    def sqs(self) -> "SQSClient": ...
    @property
    def dynamodb(self) -> "DynamoDBClient": ...
    @property
    def s3(self) -> "S3Client": ...
    @property
    def events(self) -> Any: ...
    @property
    def sns(self) -> Any: ...
    @property
    def kms(self) -> Any: ...
    @property
    def for_keys(self) -> "Clients": ...
    @property
    def without_retries(self) -> "Clients": ...
    def archive(self, bucket: str, *, over_obstore: bool) -> "OrderArchive | ObstoreArchive": ...
    def urls(self, bucket: str) -> OrderArchive | BucketUrls: ...


class LambdaClients:
    """The clients of a function: with the credentials, region and endpoints of its environment."""

    def __init__(
        self, config: Config = CLIENT_CONFIG, factory: "ClientFactory | None" = None
    ) -> None:
        self._config = config
        self._factory = factory or ClientFactory()

    @made_once
    def sqs(self) -> "SQSClient":
        return self._factory.make("sqs", self._config)  # type: ignore[no-any-return]

    @made_once
    def dynamodb(self) -> "DynamoDBClient":
        return self._factory.make("dynamodb", self._config)  # type: ignore[no-any-return]

    @made_once
    def s3(self) -> "S3Client":
        client: S3Client = self._factory.make("s3", self._config.merge(S3_CONFIG))
        # 14% of an order, and a round trip: botocore asks before each put of an object whether to
        # send the body, and waits for the answer.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        return keep_own_endpoint(client)

    @made_once
    def events(self) -> Any:
        return self._factory.make("events", self._config)

    @made_once
    def sns(self) -> Any:
        return self._factory.make("sns", self._config)

    @made_once
    def kms(self) -> Any:
        return self._factory.make("kms", self._config)

    @made_once
    def for_keys(self) -> Self:
        """Make the same clients for idempotency keys, which have little time."""
        return type(self)(KEY_CONFIG, self._factory)

    @made_once
    def without_retries(self) -> Self:
        """Make the same clients for health checks."""
        return type(self)(HEALTH_CONFIG, self._factory)

    def archive(self, bucket: str, *, over_obstore: bool) -> "OrderArchive | ObstoreArchive":
        """Open the archive in a bucket. Over obstore, no client of S3 is made."""
        if over_obstore:
            return self._factory.open_over_obstore(bucket, self._config)
        return OrderArchive(self.s3, bucket)

    def urls(self, bucket: str) -> BucketUrls:
        """Sign URLs of a bucket's objects. It takes neither obstore nor a client of S3."""
        return self._factory.sign_urls(bucket)


class ClientFactory:
    """Makes clients from one session, one after the other."""

    def __init__(self) -> None:
        self._session = make_session()
        self._tls_contexts: dict[Any, Any] = {}

    def make(self, service: str, config: Config) -> Any:
        """Make the client of a service."""
        client = make_past_proxies(partial(self._session.create_client, service), config)
        if client.meta.endpoint_url.startswith("https:"):
            _parse_authorities_once(client, self._tls_contexts)
        return client

    def open_over_obstore(self, bucket: str, config: Config) -> "ObstoreArchive":
        """
        Open the archive over obstore, with the same session's credentials and settings.

        Raises:
            AwsIsMocked: obstore would go past what answers instead of AWS.
            ImportError: there is no obstore that this processor can load.
        """
        # Only a stage that chooses it loads its 15 MB.
        from chalicelib.aws.obstore_archive import open_archive  # noqa: PLC0415

        return open_archive(self._session, config, bucket)

    def sign_urls(self, bucket: str) -> BucketUrls:
        """Sign URLs of a bucket's objects, with the same session's credentials and settings."""
        return BucketUrls.of(self._session, bucket)


class AwsIsMocked(Exception):
    """Something in this process answers instead of AWS, and only botocore asks it."""


def is_mocked(url: str) -> bool:
    """
    Tell whether something in this process answers instead of AWS, as moto's `mock_aws` does.

    moto's handler is there from its import on, and is enabled while the mock is. It lets requests
    to an emulator on this machine pass.
    """
    return not is_on_this_machine(url) and any(
        event.partition(".")[0] == "before-send" and getattr(handler, "enabled", True)
        for event, handler, *_ in BUILTIN_HANDLERS
    )


def make_past_proxies(make: Callable[..., Any], config: Config) -> Any:
    """
    Make a client, by a function that takes its `config`; it calls this machine without a proxy.

    Only the client itself knows its endpoint, which has many sources. A second one is made only
    where the first would use a proxy, so never on Lambda.
    """
    client = make(config=config)
    url = client.meta.endpoint_url
    if not (is_on_this_machine(url) and get_environ_proxies(url)):
        return client
    client.close()
    return make(config=config.merge(WITHOUT_PROXY))


def is_on_this_machine(url: str) -> bool:
    """Tell whether an address is one of this machine's own, which no other machine can reach."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def keep_own_endpoint(s3: "S3Client") -> "S3Client":
    """
    Name the bucket in the path if the endpoint is the user's own, whatever S3_CONFIG says.

    An emulator has no host for each bucket, and a VPC endpoint has none in its certificate.
    """
    s3.meta.events.register("before-endpoint-resolution.s3", _path_at_own_endpoint)
    return s3


def _path_at_own_endpoint(builtins: dict[str, Any], **_: Any) -> None:
    if builtins.get("SDK::Endpoint"):
        builtins["AWS::S3::ForcePathStyle"] = True


def make_session() -> Session:
    """Make a session with only the event handlers of botocore that our calls can need."""
    session = Session(include_builtin_handlers=False)
    events = session.get_component("event_emitter")
    register: dict[Any, Any] = {
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
    count_only_answers_of_aws(events)
    return session


def _parse_authorities_once(client: Any, contexts: dict[Any, Any]) -> None:
    """
    Parse the certificate authorities for the first client, instead of anew for each connection.

    82% of the first batch of 100 over TLS, and 14% of a cold start for a second client. No setting
    does it; should a release of botocore have other inner parts, it goes on as it does.
    """
    with suppress(AttributeError):
        http = client._endpoint.http_session  # noqa: SLF001
        pools = http._manager.connection_pool_kw  # noqa: SLF001
        set_up, authorities = http._setup_ssl_cert, get_cert_path(http._verify)  # noqa: SLF001
        if authorities not in contexts:
            pools["ssl_context"].load_verify_locations(authorities)
            contexts[authorities] = pools["ssl_context"]
        context = pools["ssl_context"] = contexts[authorities]

        def set_up_without_parsing(pool: Any, url: str, verify: Any) -> None:
            set_up(pool, url, verify)
            pool.ca_certs = None

        http._get_ssl_context = lambda: context  # noqa: SLF001
        http._setup_ssl_cert = set_up_without_parsing  # noqa: SLF001
