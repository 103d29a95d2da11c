"""
The application: every service over settings and clients, made when it is first used.

The one composition root. The Lambda functions, the operators' desk and the tests each make one,
over their own settings and clients. A service gets only the adapters that it needs, and an adapter
only its own client: POST makes no S3 client, GET none but DynamoDB's.
"""

import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.aws.bucket_address import BucketUrls
from chalicelib.aws.clients import (
    MAKING,
    MAX_SENDERS,
    MAX_WORKERS,
    AwsIsMocked,
    Clients,
    LambdaClients,
    made_once,
)
from chalicelib.aws.dynamodb import STATEMENTS_PER_CALL, RecordStore
from chalicelib.aws.event_publishers import EventBus, Topic
from chalicelib.aws.key_store import KeyStore
from chalicelib.aws.s3 import OrderArchive
from chalicelib.aws.sqs import OrderQueue
from chalicelib.orders.record import Status
from chalicelib.orders.times import now
from chalicelib.services.acknowledging import Acknowledge, delete_then_raise, report_failures
from chalicelib.services.batch_intake import BatchIntake
from chalicelib.services.events import Events
from chalicelib.services.health import CHECK_TIME_LIMIT_SECONDS, Health, checks_of
from chalicelib.services.intake import Intake
from chalicelib.services.principals import BadPrincipals, Principals
from chalicelib.services.processing import Processor
from chalicelib.services.queries import Queries
from chalicelib.services.submissions import Submissions
from chalicelib.services.waiting import WaitingRoom
from chalicelib.settings import (
    ARCHIVE,
    IGNORED,
    OVER_OBSTORE,
    PRINCIPALS,
    EventSettings,
    LogSettings,
    SealSettings,
    Settings,
    SettingsError,
    current_environment,
    settings_in,
)
from chalicelib.telemetry import Telemetry, hold_back_libraries, make_logger

if TYPE_CHECKING:
    from chalicelib.aws.obstore_archive import ObstoreArchive
    from chalicelib.services.sealing import Sealing, Signer


def new_id() -> str:
    """Make a random UUID."""
    return str(uuid.uuid4())


class Application:
    """
    The services, as attributes, each made when it is first used.

    So are the settings read: app.py is imported without any while it is packaged. What raises
    SettingsError says what to do.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        clients: Clients,
        *,
        clock: Callable[[], datetime] = now,
        new_id: Callable[[], str] = new_id,
        health_limit_seconds: float = CHECK_TIME_LIMIT_SECONDS,
    ) -> None:
        self._environment = environment
        self.clients = clients
        self.clock = clock
        self.new_id = new_id
        self._health_limit_seconds = health_limit_seconds

    def prepare(self, function: str) -> None:
        """
        Make what a function of the app is sure to need, before it is first called.

        Lambda gives it a whole CPU until its module is loaded, and only its share of one from then
        on. What the API needs depends on the request.
        """
        hold_back_libraries()
        if function == "process_orders":
            _ = self.processor, self.acknowledge
        elif function == "publish_events":
            _ = self.events
        elif function == "seal_days":
            _ = self.sealing

    @made_once
    def settings(self) -> Settings:
        return Settings.from_env(self._environment)

    @made_once
    def telemetry(self) -> Telemetry:
        settings = LogSettings.from_env(self._environment)
        telemetry = Telemetry(make_logger(settings), settings.service)
        for name, value in IGNORED.items():
            telemetry.setting_ignored(name, value)
        return telemetry

    @made_once
    def principals(self) -> Principals:
        # Only the API's: an order on the queue is recorded, whatever the table of callers says.
        try:
            return Principals.parse(self.settings.principals)
        except BadPrincipals as error:
            raise SettingsError(f"{PRINCIPALS}: {error}") from error

    @made_once
    def intake(self) -> Intake:
        return Intake(self.queue, self.clock, self.new_id, self.keys, self.telemetry)

    @made_once
    def batch_intake(self) -> BatchIntake:
        executor = ThreadPoolExecutor(max_workers=MAX_SENDERS)
        return BatchIntake(self.queue, self.clock, self.new_id, executor.map)

    @made_once
    def queries(self) -> Queries:
        return Queries(self.records, self.urls, self.clock)

    @made_once
    def submissions(self) -> Submissions:
        return Submissions(self.records, self.urls)

    @made_once
    def waiting_room(self) -> WaitingRoom:
        return WaitingRoom(self.settings.maximum_waiting)

    @made_once
    def processor(self) -> Processor:
        executor = ThreadPoolExecutor(max_workers=MAX_WORKERS)
        return Processor(
            records=self.records,
            archive=self.archive,
            queue=self.queue,
            reporter=self.telemetry,
            clock=self.clock,
            concurrently=executor.map,
            api_role_id=self.settings.api_role_id,
        )

    @made_once
    def acknowledge(self) -> Acknowledge:
        """Choose the answer for a batch, as the event source mapping is set up."""
        if self.settings.partial_batch:
            return report_failures
        return delete_then_raise(self.queue, self.telemetry)

    @made_once
    def events(self) -> Events:
        settings = EventSettings.from_env(self._environment)
        publisher = (
            Topic(self.clients.sns, settings.target)
            if settings.to_topic
            else EventBus(self.clients.events, settings.target)
        )
        told = tuple(Status) if settings.every_verdict else (Status.ACCEPTED,)
        return Events(publisher, settings.source, told)

    @made_once
    def sealing(self) -> "Sealing":
        from chalicelib.aws.kms import KmsSigner  # noqa: PLC0415 (see `sealing_with`)

        key_arn = SealSettings.from_env(self._environment).key_arn
        return self.sealing_with(KmsSigner(self.clients.kms, key_arn))

    def sealing_with(self, signer: "Signer") -> "Sealing":
        """Make the sealing with a key."""
        # No other function than the one that seals pays for these in its cold start.
        from chalicelib.aws.seal_items import SealItems  # noqa: PLC0415
        from chalicelib.aws.seal_store import SealStore  # noqa: PLC0415
        from chalicelib.services.chain import Chain  # noqa: PLC0415
        from chalicelib.services.sealing import Sealing  # noqa: PLC0415

        settings = self.settings
        return Sealing(
            SealItems(self.clients.dynamodb, settings.table, settings.audit_shards),
            Chain(SealStore(self.clients.s3, settings.bucket)),
            signer,
            stage=settings.stage,
            clock=self.clock,
        )

    @made_once
    def health(self) -> Health:
        hasty = self.clients.without_retries
        checks = checks_of(self._queue(hasty), self._archive(hasty), self._records(hasty))
        return Health(checks, self._health_limit_seconds)

    @made_once
    def queue(self) -> OrderQueue:
        return self._queue(self.clients)

    @made_once
    def keys(self) -> KeyStore:
        return KeyStore(lambda: self.clients.for_keys.dynamodb, self.settings.table)

    @made_once
    def records(self) -> RecordStore:
        return self._records(self.clients)

    @made_once
    def archive(self) -> "OrderArchive | ObstoreArchive":
        return self._archive(self.clients)

    @made_once
    def urls(self) -> OrderArchive | BucketUrls:
        return self.clients.urls(self.settings.bucket)

    def _queue(self, clients: Clients) -> OrderQueue:
        settings = self.settings
        return OrderQueue(lambda: clients.sqs, settings.queue_url, settings.dead_letter_queue_url)

    def _records(self, clients: Clients) -> RecordStore:
        settings = self.settings
        return RecordStore(
            clients.dynamodb, settings.table, settings.audit_shards, STATEMENTS_PER_CALL
        )

    def _archive(self, clients: Clients) -> "OrderArchive | ObstoreArchive":
        settings = self.settings
        if settings.archive_over_obstore:
            try:
                return clients.archive(settings.bucket, over_obstore=True)
            except (AwsIsMocked, ImportError):
                # A test under moto's `mock_aws` must reach no AWS, whatever its stage says. And a
                # package for Lambda's arm64 brings no obstore that an emulator's Lambda on another
                # processor could load. The archive is the same without it, and slower.
                self.telemetry.setting_ignored(ARCHIVE, OVER_OBSTORE)
        return clients.archive(settings.bucket, over_obstore=False)


class CurrentApplication:
    """
    The application over the environment of this process: with other settings it is another one.

    A function on Lambda has one for good, made while its module loads. A call only looks whether
    the environment is still the same object: 0.2 us of the 1,700 of an order. Chalice's test client
    puts another in its place for each call, with the variables of its stage.
    """

    _application: Application

    def __init__(self, environment: Callable[[], Mapping[str, str]] = current_environment) -> None:
        self._environment = environment
        self._seen: Mapping[str, str] | None = None
        self._settings: dict[str, str] | None = None

    def __call__(self) -> Application:
        environment = self._environment()
        if environment is not self._seen:
            self._follow(environment)
        return self._application

    def _follow(self, environment: Mapping[str, str]) -> None:
        settings = settings_in(environment)
        with MAKING:
            if settings != self._settings:
                self._application = Application(environment, LambdaClients())
                self._settings = settings
            self._seen = environment
