"""
Least privilege: each policy grants what its function does, no more and no less.

What it does is not read from the code but recorded in a run: every route and its error paths, and
the processor with all that can become of a message, over the emulator.
"""

import fnmatch
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import botocore.client
import pytest
from botocore.exceptions import ClientError
from chalice.test import Client

import app as orders_app
from chalicelib import wiring
from chalicelib.event_bus import EventBus
from chalicelib.event_topic import Topic
from chalicelib.processing import BatchFailed
from ops.local.stack import LocalResources
from ops.project import PROJECT_ROOT
from ops.stage_names import api_function_name, processor_name
from tests.builders import order_text, sqs_event, sqs_record
from tests.project import STAGES

JSON = {"Content-Type": "application/json"}
ACCOUNT = "us-east-1:000000000000"
LOCAL = "local"
POLICIES = [(function, stage) for function in ("api", "processor", "events") for stage in STAGES]


class Grant(NamedTuple):
    """An action on a resource: one that is needed, or, with wildcards, one that is granted."""

    action: str
    resource: str

    def covers(self, needed: "Grant") -> bool:
        return self.action == needed.action and fnmatch.fnmatchcase(needed.resource, self.resource)


def queue(name: str) -> str:
    return f"arn:aws:sqs:{ACCOUNT}:{name}"


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

# How IAM calls what is not called the same.
ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sns:PublishBatch": "sns:Publish",
    "dynamodb:BatchExecuteStatement": "dynamodb:PartiQLInsert",
}
# The one kind of statement that there is.
INSERT = re.compile(r'INSERT INTO "([^"]+)" VALUE ')


def needed_for(service: str, operation: str, parameters: dict[str, Any]) -> Grant:
    """The permission that a call takes, by the Service Authorization Reference."""
    action = f"{service}:{operation}"
    match service:
        case "sqs":
            resource = queue(parameters["QueueUrl"].rsplit("/", 1)[1])
        case "s3":
            key = f"/{parameters['Key']}" if "Key" in parameters else ""
            resource = f"arn:aws:s3:::{parameters['Bucket']}{key}"
        case "dynamodb":
            index = f"/index/{parameters['IndexName']}" if "IndexName" in parameters else ""
            resource = f"arn:aws:dynamodb:{ACCOUNT}:table/{table_of(parameters)}{index}"
        case "events":
            resource = (
                f"arn:aws:events:{ACCOUNT}:event-bus/{parameters['Entries'][0]['EventBusName']}"
            )
        case "sns":
            resource = parameters["TopicArn"]
        case other:
            pytest.fail(f"No policy is made for {other}: {operation}")
    return Grant(ACTIONS.get(action, action), resource)


def table_of(parameters: dict[str, Any]) -> str:
    """The table of a call, which a batch of statements names in each of them."""
    if "Statements" not in parameters:
        return str(parameters["TableName"])
    tables = {INSERT.match(each["Statement"]) for each in parameters["Statements"]}
    (table,) = {match and match[1] for match in tables}
    assert table
    return table


class Recorder:
    """Notes the calls of every client, presigned ones included, and lets them through."""

    def __init__(self) -> None:
        self.needed: set[Grant] = set()
        self.holder_is_told = True
        self.is_on = True

    def note(self, client: Any, operation: str, parameters: dict[str, Any]) -> None:
        if self.is_on:
            self.needed.add(
                needed_for(client.meta.service_model.service_name, operation, parameters)
            )


@pytest.fixture
def recorder(
    local_resources: LocalResources, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Recorder]:
    for name, value in local_resources.environment.items():
        monkeypatch.setenv(name, value)
    recorder = Recorder()
    call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def recorded(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        recorder.note(client, operation, parameters)
        try:
            return call(client, operation, parameters)
        except ClientError as error:
            if not recorder.holder_is_told:
                # As where a failed condition doesn't bring the item with it.
                error.response.pop("Item", None)  # type: ignore[typeddict-item]
            raise

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recorded)
    wiring.forget()
    sign = wiring.order_archive()._client.generate_presigned_url

    def signed(operation: str, Params: dict[str, Any], **options: Any) -> str:  # noqa: N803
        recorder.note(wiring.order_archive()._client, "GetObject", Params)
        assert operation == "get_object"
        return sign(operation, Params=Params, **options)

    monkeypatch.setattr(wiring.order_archive()._client, "generate_presigned_url", signed)
    yield recorder
    wiring.forget()


def process(*records: dict[str, Any]) -> Any:
    handler: Any = orders_app.app.handler_map["process_orders"]
    return handler(sqs_event(*records), None)


def run_api(recorder: Recorder) -> None:
    """Every route, found and not found, taken and refused."""
    with_history = [
        order_text("granted"),
        order_text("granted", amount=1),
        order_text("zero", amount=0),
    ]
    process(*map(sqs_record, with_history))
    recorder.needed.clear()
    http = Client(orders_app.app).http
    for body in (order_text("posted"), order_text("zero", amount=0), "[]"):
        http.post("/orders", headers=JSON, body=body.encode())
    for path in (
        "/orders/granted",
        "/orders/granted?limit=1",
        "/orders/zero",
        "/orders/unknown",
        "/orders",
        "/orders?status=REJECTED&limit=1",
        "/orders?limit=0",
        "/health",
        "/docs",
        "/openapi.json",
    ):
        http.get(path)


def run_processor(recorder: Recorder) -> None:
    """Everything that can become of a message, both ways of answering for a batch included."""
    for holder_is_told in (True, False):
        recorder.holder_is_told = holder_is_told
        process(
            sqs_record(order_text("first")),
            sqs_record(order_text("first", amount=7)),
            sqs_record(order_text("wrong", amount=0)),
            sqs_record(order_text("wrong")),
            sqs_record("not an order"),
        )
    fail_one_of_a_batch()


def fail_one_of_a_batch() -> None:
    """What was done of the batch is deleted, and the rest is left to SQS."""
    records = wiring.record_store()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(records, "take_free", lambda several: [False] * len(several))
        broken.setattr(records, "take", _failing_at("failing", records.take))
        with pytest.raises(BatchFailed):
            process(sqs_record(order_text("deleted")), sqs_record(order_text("failing")))


def _failing_at(order_id: str, take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def take_or_fail(record: Any) -> Any:
        if record.order_id == order_id:
            raise RuntimeError
        return take(record)

    return take_or_fail


def run_events(recorder: Recorder) -> None:
    """To a bus and to a topic."""
    event = {"source": "x", "type": "t", "time": "2026-03-01T12:00:00.000Z"}
    recorder.is_on = False  # what only the test does
    boto3.client("events").create_event_bus(Name="orders-local")
    topic = boto3.client("sns").create_topic(Name="orders-events-local")["TopicArn"]
    recorder.is_on = True
    EventBus(boto3.client("events"), "orders-local").publish([event])
    Topic(boto3.client("sns"), topic).publish([event])


RUNS = {"api": run_api, "processor": run_processor, "events": run_events}


def statements(function: str, stage: str) -> list[dict[str, Any]]:
    policy = PROJECT_ROOT / ".chalice" / f"policy-{function}-{stage}.json"
    found: list[dict[str, Any]] = json.loads(policy.read_text())["Statement"]
    return found


def granted(function: str, stage: str) -> set[Grant]:
    """What a policy grants, under the names that the local stage's resources have."""
    local = {
        f"orders-{stage}": "orders-local",
        f"orders-dlq-{stage}": "orders-dlq-local",
        f"orders-events-dlq-{stage}": "orders-events-dlq-local",
        f"orders-events-{stage}": "orders-events-local",
    }
    grants = set()
    for statement in statements(function, stage):
        for resource in statement["Resource"]:
            for name, replacement in local.items():
                resource = resource.replace(name, replacement)  # noqa: PLW2901 (one after another)
            grants |= {Grant(action, resource) for action in statement["Action"]}
    return grants


@pytest.mark.parametrize("function", RUNS)
def test_a_policy_grants_what_its_function_does_no_more_and_no_less(
    recorder: Recorder, function: str
) -> None:
    RUNS[function](recorder)

    needed = recorder.needed | BY_LAMBDA[function]
    for stage in STAGES:
        grants = granted(function, stage)
        missing = {need for need in needed if not any(grant.covers(need) for grant in grants)}
        idle = {grant for grant in grants if not any(grant.covers(need) for need in needed)}
        assert (missing, idle) == (set(), set())


def test_the_api_cannot_read_the_queue_nor_the_processor_list_the_bucket() -> None:
    for stage in STAGES:
        api = {grant.action for grant in granted("api", stage)}
        processor = {grant.action for grant in granted("processor", stage)}

        assert not api & {"sqs:ReceiveMessage", "sqs:DeleteMessage", "s3:PutObject"}
        assert not api & {"dynamodb:PutItem", "dynamodb:Scan"}
        assert not processor & {"s3:ListBucket", "s3:GetObject", "dynamodb:Query"}


@pytest.mark.parametrize(("function", "stage"), POLICIES)
def test_no_action_is_a_wildcard_and_no_resource_is_everything(function: str, stage: str) -> None:
    for grant in granted(function, stage):
        assert "*" not in grant.action
        # Partition, region and account are not known; the resource is always named.
        assert re.search(r"\borders-(dlq-|events-dlq-|events-)?local\b", grant.resource)


@pytest.mark.parametrize(("function", "stage"), POLICIES)
def test_only_resources_of_the_own_account_can_be_reached(function: str, stage: str) -> None:
    """A bucket's ARN has no account in it: another's with a name like ours would do."""
    own = {"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}
    for statement in statements(function, stage):
        if statement["Sid"] != "WriteLogs":
            assert statement["Condition"] == own


@pytest.mark.parametrize("function", RUNS)
def test_stages_differ_in_nothing_but_their_name(function: str) -> None:
    assert granted(function, "dev") == granted(function, "prod")
