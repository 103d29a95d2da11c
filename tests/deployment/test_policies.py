"""
Least privilege: each policy grants what its function does, no more and no less.

A run over the emulator records what it does: every route and its error paths, and the processor
with all that can become of a message.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.model import OperationModel

from chalicelib.application import Application
from chalicelib.aws.clients import ClientFactory, LambdaClients
from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.obstore_archive import NOTHING
from chalicelib.orders.record import Record
from chalicelib.orders.times import now
from chalicelib.services.acknowledging import BatchFailed
from chalicelib.services.nightly import seal_each_day
from ops.local.stack import LocalResources
from ops.stage_mentions import with_other_stage
from ops.stage_names import api_function_name, processor_name, seal_key_alias, sealer_name
from tests.application import client_of, load_app
from tests.builders import START, order_text, sqs_event, sqs_record, submission
from tests.configuration.checkout import CheckoutStage
from tests.grants import ACCOUNT, KEY_ITEM, Grant, grants_of, needed_for, queue

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
LOCAL = "local"

pytestmark = pytest.mark.any_configuration


def log_stream(function: str) -> str:
    return f"arn:aws:logs:{ACCOUNT}:log-group:/aws/lambda/{function}:log-stream:one"


# Lambda itself works with the function's role: it writes the log, and feeds the processor.
BY_LAMBDA = {
    "api": {
        Grant("logs:CreateLogStream", log_stream(api_function_name(LOCAL))),
        Grant("logs:PutLogEvents", log_stream(api_function_name(LOCAL))),
    },
    "processor": {
        Grant("logs:CreateLogStream", log_stream(processor_name(LOCAL))),
        Grant("logs:PutLogEvents", log_stream(processor_name(LOCAL))),
        Grant("sqs:ReceiveMessage", queue("orders-local")),
        Grant("sqs:DeleteMessage", queue("orders-local")),
        Grant("sqs:GetQueueAttributes", queue("orders-local")),
    },
}

# Lambda reads the stream, and sets aside what could not be published.
STREAM = f"arn:aws:dynamodb:{ACCOUNT}:table/orders-local/stream/one"
BY_LAMBDA["events"] = {
    Grant("logs:CreateLogStream", log_stream("orders-local-publish_events")),
    Grant("logs:PutLogEvents", log_stream("orders-local-publish_events")),
    Grant("dynamodb:DescribeStream", STREAM),
    Grant("dynamodb:GetRecords", STREAM),
    Grant("dynamodb:GetShardIterator", STREAM),
    Grant("dynamodb:ListStreams", STREAM),
    Grant("sqs:SendMessage", queue("orders-events-dlq-local")),
}
BY_LAMBDA["seals"] = {
    Grant("logs:CreateLogStream", log_stream(sealer_name(LOCAL))),
    Grant("logs:PutLogEvents", log_stream(sealer_name(LOCAL))),
}


KEY = f"arn:aws:kms:{ACCOUNT}:key/one"


def signed(**_: object) -> tuple[SimpleNamespace, dict[str, Any]]:
    """Answer in place of KMS: the emulator signs nothing without a package that it lacks."""
    metadata = {"HTTPStatusCode": 200, "RequestId": "one"}
    return SimpleNamespace(status_code=200), {"Signature": b"der", "ResponseMetadata": metadata}


class RecordingFactory(ClientFactory):
    """Makes clients whose calls, presigned ones included, are noted as what a function needs."""

    def __init__(self) -> None:
        super().__init__()
        self.needed: set[Grant] = set()
        self.holder_is_told = True

    def make(self, service: str, config: Config) -> Any:
        client = super().make(service, config)
        client.meta.events.register("provide-client-params", self._note)
        client.meta.events.register("after-call.dynamodb.PutItem", self._after_put)
        client.meta.events.register("before-call.kms.Sign", signed)
        return client

    def _note(self, params: dict[str, Any], model: OperationModel, **_: object) -> None:
        self.needed.add(needed_for(model.service_model.service_name, model.name, params))

    def _after_put(self, parsed: dict[str, Any], **_: object) -> None:
        if not self.holder_is_told:
            # Some implementations don't return the item with a failed condition.
            parsed.pop("Item", None)


class System:
    """The app over the emulator, and the permissions that it needs."""

    def __init__(self, environment: dict[str, str]) -> None:
        # No client that notes calls makes those over obstore. They are the same but the check's.
        self._environment = environment | {"ORDERS_ARCHIVE": "boto3"}
        self.factory = RecordingFactory()
        self.application = self.application_with()
        self.app = load_app(self.application).app

    def application_with(
        self, *, clock: Callable[[], datetime] = now, **settings: str
    ) -> Application:
        clients = LambdaClients(factory=self.factory)
        return Application(self._environment | settings, clients, clock=clock)

    def process(self, *records: dict[str, Any]) -> Any:
        return process(self.app, *records)


@pytest.fixture(scope="module")
def needed(local_resources: LocalResources, function: str) -> set[Grant]:
    """Run a function, and record what it needs."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in local_resources.environment.items():
            if name.startswith("AWS_"):
                environment.setenv(name, value)
        system = System(dict(local_resources.environment))
        RUNS[function](system)
    return system.factory.needed | BY_LAMBDA[function]


def process(app: Any, *records: dict[str, Any]) -> Any:
    return app.handler_map["process_orders"](sqs_event(*records), None)


def run_api(system: System) -> None:
    """Call every route: found and not found, taken and refused."""
    with_history = [
        # So many that their history is read from its index.
        *(order_text("granted", amount=amount) for amount in (1, 2, 3)),
        order_text("zero", amount=0),
    ]
    system.process(*map(sqs_record, with_history))
    system.factory.needed.clear()
    http = client_of(system.app).http
    for body in (order_text("posted"), order_text("zero", amount=0), "[]"):
        for key in ({}, {"Idempotency-Key": "one"}):
            http.post("/orders", headers=JSON | key, body=body.encode())
    http.post("/order-batches", headers=NDJSON, body=order_text("posted-line").encode())
    for path in (
        "/orders/granted",
        "/orders/granted?limit=1",
        "/orders/zero",
        "/orders/unknown",
        *submission_paths(system),
        "/orders",
        "/orders?status=REJECTED&limit=1",
        "/orders?limit=0",
        "/health",
        "/",
        "/docs",
        "/openapi.json",
        "/asyncapi.json",
    ):
        http.get(path)
    # S3 answers NoSuchKey only to who may list the bucket as well, which the check over boto3 asks.
    checked = {"Bucket": system.application.settings.bucket, "Key": NOTHING}
    system.factory.needed.add(needed_for("s3", "GetObject", checked))


def submission_paths(system: System) -> list[str]:
    """Name a submission in each of its places, a rejected one, and one that is not recorded."""
    zero = system.application.queries.get_order("zero").records
    granted = system.application.queries.get_order("granted").records
    named = [(each.submission_id, each.payload_sha256, each.order_id) for each in (*zero, *granted)]
    return [
        f"/orders/{order_id}/submissions/{submission_id}{query}"
        for submission_id, payload_sha256, order_id in [*named, ("unknown", "0" * 64, "zero")]
        for query in ("", f"?payloadSha256={payload_sha256}")
    ]


def run_processor(system: System) -> None:
    """Process every kind of message, and answer for a batch in both ways."""
    for holder_is_told in (True, False):
        system.factory.holder_is_told = holder_is_told
        system.process(
            sqs_record(order_text("first")),
            sqs_record(order_text("first", amount=7)),
            sqs_record(order_text("wrong", amount=0)),
            sqs_record(order_text("wrong")),
            sqs_record("not an order"),
        )
    fail_one_of_a_batch(system)


class FailingRecords:
    """A record store that takes no record of one order."""

    most_at_once = 1

    def __init__(self, records: RecordStore, order_id: str) -> None:
        self._records = records
        self._order_id = order_id

    def take(self, record: Record) -> Record | None:
        if record.order_id == self._order_id:
            raise RuntimeError
        return self._records.take(record)


def fail_one_of_a_batch(system: System) -> None:
    """Fail a message of a batch: the others are deleted, and this one is left to SQS."""
    application = system.application_with()
    vars(application)["records"] = FailingRecords(application.records, "failing")
    app = load_app(application).app

    with pytest.raises(BatchFailed):
        process(app, sqs_record(order_text("deleted")), sqs_record(order_text("failing")))


def run_events(system: System) -> None:
    """Publish to a bus and to a topic."""
    boto3.client("events").create_event_bus(Name="orders-local")
    topic = boto3.client("sns").create_topic(Name="orders-events-local")["TopicArn"]
    accepted = Record.of_first(submission(), START)
    for kind, target in (("eventbridge", "orders-local"), ("sns", topic)):
        application = system.application_with(ORDERS_EVENTS=kind, ORDERS_EVENTS_TARGET=target)
        application.events.publish([accepted])


def run_seals(system: System) -> None:
    """Seal what there is, as each night does: with the first seal, and with seals before it."""
    system.process(sqs_record(order_text("sealed")))
    system.factory.needed.clear()
    tomorrow = now() + timedelta(days=1)
    for clock in (lambda: tomorrow, lambda: tomorrow + timedelta(days=1)):
        application = system.application_with(clock=clock, ORDERS_SEAL_KEY=KEY)
        seal_each_day(application.sealing, application.telemetry)


RUNS = {
    "api": run_api,
    "processor": run_processor,
    "events": run_events,
    "seals": run_seals,
}


@pytest.fixture(scope="module", params=RUNS)
def function(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def statements(function: str, checkout_stage: CheckoutStage) -> list[dict[str, Any]]:
    """Read a policy, under the names that the local stage's resources have."""
    text = with_other_stage(checkout_stage.policy_text(function), checkout_stage.name, LOCAL)
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


@pytest.fixture
def granted(statements: list[dict[str, Any]]) -> set[Grant]:
    return grants_of(statements)


def test_a_policy_grants_exactly_the_actions_of_its_function(
    needed: set[Grant], granted: set[Grant]
) -> None:
    missing = {need for need in needed if not any(grant.covers(need) for grant in granted)}
    idle = {grant for grant in granted if not any(grant.covers(need) for need in needed)}

    assert (missing, idle) == (set(), set())


NEVER = {
    "api": {
        *("sqs:ReceiveMessage", "sqs:DeleteMessage", "s3:PutObject"),
        *("dynamodb:PartiQLInsert", "dynamodb:BatchWriteItem", "dynamodb:Scan"),
    },
    "processor": {"s3:ListBucket", "s3:GetObject", "dynamodb:Query"},
    "events": {"dynamodb:PutItem", "s3:GetObject", "sqs:ReceiveMessage"},
    "seals": {"dynamodb:PutItem", "dynamodb:GetItem", "sqs:SendMessage", "s3:DeleteObject"},
}


def test_no_function_may_do_the_work_of_another(function: str, granted: set[Grant]) -> None:
    assert not {grant.action for grant in granted} & NEVER[function]


def test_no_action_is_a_wildcard_and_no_resource_is_everything(granted: set[Grant]) -> None:
    for grant in granted - {ANY_KEY}:
        assert "*" not in grant.action
        # Partition, region and account are not known; the resource is always named.
        assert re.search(r"\borders-(dlq-|events-dlq-|events-)?local\b", grant.resource)


@pytest.mark.parametrize("function", ["seals"], indirect=True)
def test_the_sealer_signs_hashes_only_and_only_with_the_key_of_the_stages_alias(
    statements: list[dict[str, Any]],
) -> None:
    """The stage says which key it is, and a policy names none: an alias stands for it."""
    (statement,) = [each for each in statements if "kms:Sign" in each["Action"]]

    assert grants_of([statement]) == {ANY_KEY}
    condition = statement["Condition"]
    assert condition["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": [seal_key_alias(LOCAL)]}
    assert (
        condition["StringEquals"].items()
        >= {
            "kms:MessageType": "DIGEST",
            "kms:SigningAlgorithm": "ECDSA_SHA_256",
        }.items()
    )


@pytest.mark.parametrize("function", ["seals"], indirect=True)
def test_the_sealer_reads_whole_items_of_no_partition_of_the_table_but_operators_entries(
    statements: list[dict[str, Any]],
) -> None:
    """To find the first day it scans the keys; a rejected order's payload it never reads."""
    conditions = {
        action: statement["Condition"]
        for statement in statements
        for action in statement["Action"]
        if f"table/orders-{LOCAL}" in statement["Resource"][0].split(":")[-1:]
    }

    assert conditions.keys() == {"dynamodb:Query", "dynamodb:Scan"}
    scan = conditions["dynamodb:Scan"]
    assert scan["ForAllValues:StringEquals"] == {
        "dynamodb:Attributes": ["orderId", "recordId", "auditPartition"]
    }
    assert conditions["dynamodb:Query"]["ForAllValues:StringLike"] == {
        "dynamodb:LeadingKeys": ["#audit/*"]
    }


def test_only_resources_of_the_own_account_can_be_reached(
    statements: list[dict[str, Any]],
) -> None:
    """A bucket's ARN has no account in it: a stranger's with a name like ours would match."""
    own = {"aws:ResourceAccount": "${aws:PrincipalAccount}"}
    for statement in statements:
        if statement["Sid"] != "WriteLogs":
            assert statement["Condition"]["StringEquals"].items() >= own.items()


# The alias in the statement's condition says which.
ANY_KEY = Grant("kms:Sign", "arn:*:kms:*:*:key/*")
TABLE = f"arn:aws:dynamodb:{ACCOUNT}:table/orders-local"
NO_KEYS = ["order-001", "#key", "#audit/2026-11-26", "#health", ""]


@pytest.mark.parametrize(
    ("function", "leading_key", "may"),
    [
        ("api", KEY_ITEM, True),
        *(("api", leading_key, False) for leading_key in NO_KEYS),
        *(("processor", leading_key, True) for leading_key in ("order-001", KEY_ITEM)),
        *(("events", leading_key, False) for leading_key in ("order-001", KEY_ITEM)),
    ],
    indirect=["function"],
)
def test_the_api_puts_items_of_keys_and_no_record(
    granted: set[Grant], leading_key: str, *, may: bool
) -> None:
    wanted = Grant("dynamodb:PutItem", TABLE, leading_key)

    assert any(grant.covers(wanted) for grant in granted) is may


@pytest.mark.parametrize("function", RUNS, indirect=True)
def test_a_condition_on_partition_keys_does_not_hold_for_a_call_without_any(
    statements: list[dict[str, Any]],
) -> None:
    """
    `ForAllValues` is true of no values at all, so a second condition demands some.

    See "Single-valued vs. multivalued context keys" in IAM's user guide.
    """
    for statement in statements:
        condition = statement.get("Condition", {})
        keys = [
            key
            for operator, compared in condition.items()
            if operator.startswith("ForAllValues")
            for key in compared
        ]
        assert condition.get("Null", {}) == dict.fromkeys(keys, "false")


def test_no_function_reaches_what_operators_decided(granted: set[Grant]) -> None:
    entry = "arn:aws:s3:::orders-local-1/decisions/a/b!1"
    of_objects = {grant for grant in granted if "Object" in grant.action}

    assert not any(grant.covers(Grant(grant.action, entry)) for grant in of_objects)
