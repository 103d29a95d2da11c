"""One run: start, hand in under faults, let it settle, redrive, and check."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from chalicelib.aws.clients import S3_CONFIG
from chalicelib.aws.items import from_item
from chalicelib.orders.record import Record
from tests.chaos.checker import Findings, Outside, check
from tests.chaos.clients import Client, HttpClient, Outcome, QueueClient, Told
from tests.chaos.faults import Weather
from tests.chaos.plan import make_plan
from tests.chaos.stack import ChaosStack, Killer
from tests.queues import message_count, take_all

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

SETTLE_LIMIT_SECONDS = 600.0
NEARLY_DONE = 20

OnStep = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """The number of orders, and the kinds of trouble."""

    orders: int = 5_000
    clients: int = 8
    seed: int = 1
    visibility_timeout_seconds: int = 2
    kill_pause_seconds: tuple[float, float] = (2.0, 6.0)
    # How many messages an outage lasts for, until they are in the dead-letter queue.
    outage_dead_letters: int = 100
    # How the processor answers for a batch: see docs/decisions/0004-delete-then-raise.md.
    partial_batch: bool = False


@dataclass(slots=True)
class Result:
    """All that was done, and all that was found."""

    settings: Settings
    told: list[Told] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    gusts: int = 0
    redriven: int = 0
    unreadable: int = 0
    seconds: float = 0.0
    before_redrive: Findings = field(default_factory=Findings)
    findings: Findings = field(default_factory=Findings)

    @property
    def holds(self) -> bool:
        return self.before_redrive.nothing and self.findings.nothing

    def outcomes(self) -> Counter[Outcome]:
        return Counter(one.outcome for one in self.told)


def run(settings: Settings, log_file: Path, on_step: OnStep = lambda _step: None) -> Result:
    """Run it all, and leave nothing running."""
    result = Result(settings)
    on_step("starting emulator, fault proxy, API and worker")
    with ChaosStack(
        seed=settings.seed,
        visibility_timeout_seconds=settings.visibility_timeout_seconds,
        partial_batch=settings.partial_batch,
        log_file=log_file,
    ) as stack:
        began_at = time.monotonic()
        on_step(f"handing in {settings.orders:,} orders by {settings.clients} clients")
        view = View(stack)
        _hand_in(stack, view, settings, result)
        result.seconds = time.monotonic() - began_at
        on_step("all is well again: waiting until the queue is empty")
        view.wait_until_settled()
        dead = view.dead_letters()
        result.before_redrive = check(result.told, view.outside(dead, archive=False))
        on_step("redriving the dead letters")
        unreadable = _redrive_all(view, dead, result)
        on_step("checking every record and every object")
        outside = view.outside(unreadable, archive=True)
        result.records = list(outside.records)
        result.unreadable = len(unreadable)
        result.findings = check(result.told, outside)
    return result


def _hand_in(stack: ChaosStack, view: "View", settings: Settings, result: Result) -> None:
    """Hand all orders in, and wait until all but a few are processed: these few come in calm."""
    clients = _clients(stack, settings)

    def outage_over() -> bool:
        return view.dead_letter_count() >= settings.outage_dead_letters

    with (
        Weather(stack.proxy, settings.seed, outage_over) as weather,
        Killer(stack, settings.seed, settings.kill_pause_seconds) as killer,
    ):
        for client in clients:
            client.start()
        for client in clients:
            client.join()
            result.told += client.told
        view.wait_until_settled(at_most=NEARLY_DONE)
    result.gusts, result.kills = weather.gusts, killer.kills
    result.faults = stack.proxy.faults()


def _clients(stack: ChaosStack, settings: Settings) -> list[Client]:
    """Make the clients: the last one speaks to the queue, all others to the API."""
    *by_http, by_queue = make_plan(settings.seed, settings.orders, settings.clients)
    clients: list[Client] = [
        HttpClient(f"client-{number}", handings, settings.seed + number, stack.api_url)
        for number, handings in enumerate(by_http)
    ]
    queue_url = stack.outputs["QueueUrl"]
    clients.append(QueueClient("client-q", by_queue, settings.seed, stack.proxy.url, queue_url))
    return clients


def _redrive_all(view: "View", dead: list[dict[str, Any]], result: Result) -> list[dict[str, Any]]:
    """Redrive until only unreadable letters are left, and take them off the queue."""
    unreadable = []
    while dead:
        unreadable += [message for message in dead if is_unreadable(message)]
        redrivable = [message for message in dead if not is_unreadable(message)]
        view.redrive(redrivable)
        result.redriven += len(redrivable)
        view.wait_until_settled()
        dead = view.dead_letters()
    return unreadable


def is_unreadable(message: dict[str, Any]) -> bool:
    """Say whether the processor sent it there, since no order can be read from it."""
    return "unreadableReason" in message.get("MessageAttributes", {})


class View:
    """The system seen from outside: by clients of AWS, past the proxy."""

    def __init__(self, stack: ChaosStack) -> None:
        self._outputs = stack.outputs
        self._sqs: SQSClient = boto3.client("sqs", endpoint_url=stack.aws_url)
        self._s3: S3Client = boto3.client("s3", endpoint_url=stack.aws_url, config=S3_CONFIG)
        self._dynamodb: DynamoDBClient = boto3.client("dynamodb", endpoint_url=stack.aws_url)

    def wait_until_settled(self, at_most: int = 0) -> None:
        """Wait until no message (or few enough) is on the queue or with the worker."""
        deadline = time.monotonic() + SETTLE_LIMIT_SECONDS
        while (count := message_count(self._sqs, self._outputs["QueueUrl"])) > at_most:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{count} messages are still on the queue")
            time.sleep(0.1)

    def dead_letter_count(self) -> int:
        """Count the messages in the dead-letter queue."""
        return message_count(self._sqs, self._outputs["DeadLetterQueueUrl"])

    def dead_letters(self) -> list[dict[str, Any]]:
        """Take everything off the dead-letter queue."""
        return take_all(self._sqs, self._outputs["DeadLetterQueueUrl"])

    def redrive(self, messages: list[dict[str, Any]]) -> None:
        """Put dead letters on the queue again, with their attributes and under new message ids."""
        for message in messages:
            self._sqs.send_message(
                QueueUrl=self._outputs["QueueUrl"],
                MessageBody=message["Body"],
                MessageAttributes=message.get("MessageAttributes", {}),
            )

    def outside(self, dead: list[dict[str, Any]], *, archive: bool) -> Outside:
        """Read all records, the objects' hashes if asked for, and the dead letters' hashes."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._outputs["TableName"],
            # The table holds the clients' keys too.
            FilterExpression="attribute_exists(submissionId)",
        )
        records = [from_item(item) for page in pages for item in page["Items"]]
        return Outside(
            records=records,
            objects={key: self._hash(key) for key in self._keys()} if archive else None,
            dead_letters=[sha256(message["Body"].encode()).hexdigest() for message in dead],
        )

    def _keys(self) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._outputs["BucketName"]
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def _hash(self, key: str) -> str:
        answer = self._s3.get_object(Bucket=self._outputs["BucketName"], Key=key)
        return sha256(answer["Body"].read()).hexdigest()
