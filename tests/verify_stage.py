"""
A stage in memory, to verify: the real app over fakes, and as much of AWS around it as is looked at.

Each part can be replaced or changed, so that the stage is broken in just one way.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.message import Message as Headers
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from chalice.test import Client

from chalicelib.http.local_principal import HEADER, play_principals
from chalicelib.orders.times import now
from chalicelib.services.acknowledging import BatchFailed
from chalicelib.settings import Settings
from ops.deploy.smoke import Answer
from ops.desk.audit_trail import AuditTrail
from ops.desk.dead_letters import DeadLetters
from ops.lint.stage_rules import ALARMS, OPEN_ROUTES
from ops.verify.answers import WAITING_METHOD
from ops.verify.check import Check, Outcome
from ops.verify.deployed import NEEDS
from ops.verify.run import Run
from tests.application import ENVIRONMENT, FakeApplication, client_of, load_app
from tests.builders import sqs_event, sqs_message, sqs_record
from tests.desk_fakes import (
    FakeDeadLetterQueue,
    FakeDecisionBucket,
    FakeOrderTable,
    decisions_over,
)
from tests.unit.test_lint_rules import GOOD

AWS_URL, EMULATOR_URL = "https://sqs.eu-west-1.amazonaws.com", "http://127.0.0.1:4566"
OWN = Credentials("AKIAEXAMPLE", "secret")
ACCOUNT = "111122223333"
QUEUE_ARNS = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:"
NOT_SIGNED = {"type": "urn:orders:problem:not-signed", "title": "Not signed"}
PATHS = re.compile(
    r"/(|orders(/[^/?]+(/submissions/[^/?]+)?)?|order-batches|health|docs|(open|async)api\.json)(\?|$)"
)

Send = Callable[..., Answer]


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


def answer(status: int, body: Any, content_type: str = "application/json") -> Answer:
    headers = Headers()
    headers["Content-Type"] = content_type
    return Answer(status, body, json.dumps(body).encode(), headers)


class VerifiedStage:
    """A stage called prod. `endpoint_url` says whether it is on AWS or on an emulator."""

    name = "prod"
    operator = "arn:aws:iam::111122223333:user/ana"

    def __init__(self, endpoint_url: str = AWS_URL, principals: str = "") -> None:
        """`principals` maps the operator, who calls the API, to a channel."""
        self.is_local = False
        self.environment = {**ENVIRONMENT, "ORDERS_SERVICE": "orders-prod"}
        self.settings = Settings.from_env(self.environment)
        self.endpoint_url: str | None = None
        self.application = FakeApplication(
            now,
            new_id=lambda: str(uuid.uuid4()),
            ORDERS_AUTH="iam",
            ORDERS_PRINCIPALS=principals,
        )
        self.log: list[str] = []
        self.published = 0
        self.letters = FakeDeadLetterQueue()
        self.sqs, self.s3, self.dynamodb = (
            FakeSqs(self, endpoint_url),
            FakeS3(self),
            FakeTable(self),
        )
        self.services: dict[str, Any] = surroundings(self)
        self.tls_only = True
        self.deployed = GOOD
        self.session = SimpleNamespace(
            region_name="eu-west-1",
            get_credentials=lambda: OWN,
            client=self._client,
        )
        self.host = "orders.s3.eu-west-1.amazonaws.com"
        vars(self.application.fake_archive)["presigned_url"] = lambda key: (
            f"https://{self.host}/{key}?signed"
        )
        self._app = load_app(self.application).app
        # Whoever signs is the operator.
        play_principals(self._app, closed=False)
        self._lock = threading.RLock()

    def _client(self, service: str, *, use_ssl: bool = True, **_: Any) -> Any:
        client = self.services[service] if use_ssl else Plain(self)
        host = f"https://{service}.eu-west-1.amazonaws.com"
        vars(client).setdefault("meta", SimpleNamespace(endpoint_url=host))
        return client

    def verify(self, check: Check) -> Outcome:
        """Run a check over this stage, which is asked once for everything."""
        return check.run(self.run())

    def run(self, patience: float = 0) -> Run:
        table = FakeOrderTable(self.application.fake_records)
        trail = AuditTrail(table, stage=self.name, who=lambda: "ana", clock=now)
        decisions = decisions_over(FakeDecisionBucket(now), now)
        letters = DeadLetters(self.letters, table, trail, decisions, clock=now)
        desk = SimpleNamespace(stage=self, dead_letters=letters)
        return Run(
            cast("Any", desk),
            cast(
                "Any",
                lambda credentials: SimpleNamespace(send=self.caller(credentials), base_path=""),
            ),
            download=self.download,
            deployed_settings=lambda: self.deployed,
            patience=patience,
        )

    def caller(self, credentials: Credentials | None) -> Send:
        def send(
            method: str,
            path: str,
            data: bytes | None = None,
            headers: Mapping[str, str] | None = None,
            *,
            signed: bool = True,
        ) -> Answer:
            by = credentials if signed else None
            return self.answers(method, path, data or b"", dict(headers or {}), by)

        return send

    def answers(
        self, method: str, path: str, data: bytes, headers: dict[str, str], by: Credentials | None
    ) -> Answer:
        """Answer as API Gateway and the app do; what was queued is processed at once."""
        known = PATHS.match(path) and method in {"GET", "HEAD", "POST"}
        is_open = f"{method} {path}" in OPEN_ROUTES
        if not known or (not is_open and (by is None or by.secret_key != OWN.secret_key)):
            return answer(403, NOT_SIGNED, "application/problem+json")
        signed = headers | ({HEADER: self.operator} if by else {})
        with self._lock, client_of(self._app) as client:
            got = client.http.request(method, path, headers=signed, body=data)
            self.log.append(json.dumps({"message": f"{method}", "path": path, **self._ids(got)}))
            self.process()
        seen = Headers()
        for name, value in got.headers.items():
            seen[name] = str(value)
        return Answer(got.status_code, got.json_body, got.body, seen)

    @staticmethod
    def _ids(got: Any) -> dict[str, Any]:
        body = got.json_body or {}
        return {"orderId": body.get("orderId"), "submissionId": body.get("submissionId")}

    def process(self) -> None:
        """Deliver what is on the queue, and move what was set aside to the dead letters."""
        queue = self.application.fake_queue
        with self._lock, client_of(self._app) as client:
            sent, queue.sent = queue.sent, []
            records = [sqs_record(it.body, **cast("Any", it.attributes)) for it in sent]
            self.deliver(client, records)
            aside, queue.dead_letters = queue.dead_letters, []
            self.letters.add(*(sqs_message(it.body, **cast("Any", it.attributes)) for it in aside))
        self.published = sum(r.status == "ACCEPTED" for r in self.application.fake_records.all())

    def deliver(self, client: Client, records: list[dict[str, Any]]) -> None:
        for record in records:
            # What fails stays on the queue.
            with suppress(BatchFailed):
                client.lambda_.invoke("process_orders", sqs_event(record))
            found = re.search(r'"id": "([^"]*)"', record["body"])
            self.log.append(json.dumps({"orderId": found[1] if found else None}))

    def download(self, url: str) -> Answer:
        """Answer as S3 does to anyone."""
        if not url.endswith("?signed"):
            return Answer(403, "AccessDenied")
        key = url.removesuffix("?signed").partition(f"{self.host}/")[2]
        return Answer(200, "", self.application.fake_archive.objects[key])


class FakeSqs:
    """The orders' queue, as an SQS client shows it."""

    def __init__(self, stage: VerifiedStage, endpoint_url: str) -> None:
        self._stage = stage
        self._numbers = count(1)
        self.meta = SimpleNamespace(endpoint_url=endpoint_url)

    def send_message(self, *, MessageBody: str, MessageAttributes: Any = None, **_: Any) -> Any:  # noqa: N803 (SQS's)
        message_id = f"m-{next(self._numbers)}"
        own = {name: it["StringValue"] for name, it in (MessageAttributes or {}).items()}
        record = sqs_record(MessageBody, message_id=message_id, **own)
        with self._stage._lock, client_of(self._stage._app) as client:
            self._stage.deliver(client, [record])
            self._stage.process()
        return {"MessageId": message_id}

    def send_message_batch(self, *, Entries: list[Any], **_: Any) -> Any:  # noqa: N803 (SQS's)
        sent = [(it["Id"], self.send_message(MessageBody=it["MessageBody"])) for it in Entries]
        return {"Successful": [{"Id": name, **message} for name, message in sent]}

    def get_queue_attributes(self, *, QueueUrl: str, **_: Any) -> Any:  # noqa: N803 (SQS's)
        return {"Attributes": {"QueueArn": f"{QUEUE_ARNS}{QueueUrl.rpartition('/')[2]}"}}


class FakeS3:
    """The archive, as an S3 client shows it."""

    def __init__(self, stage: VerifiedStage) -> None:
        self.objects = stage.application.fake_archive.objects
        self.head = {"ServerSideEncryption": "AES256", "VersionId": "v1"}
        self.overwrites = False
        self.refuses_with = "PreconditionFailed"
        self.policy_refuses_with: str | None = "AccessDenied"

    def put_object(self, *, Key: str, Body: bytes, **put: Any) -> Any:  # noqa: N803 (S3's)
        if "IfNoneMatch" not in put:
            if self.policy_refuses_with:
                raise refusal(self.policy_refuses_with)
            return
        if self.overwrites:
            self.objects[Key] = Body
        if self.refuses_with and Key in self.objects:
            raise refusal(self.refuses_with)

    def get_object(self, *, Key: str, **_: Any) -> Any:  # noqa: N803 (S3's)
        return {"Body": SimpleNamespace(read=lambda: self.objects[Key])}

    def head_object(self, **_: Any) -> Any:
        return self.head

    def head_bucket(self, **_: Any) -> Any:
        return {}


class Taken(ClientError):
    """DynamoDB's refusal of a failed condition."""


class FakeTable:
    """The record table, as a DynamoDB client shows it."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=Taken)

    def __init__(self, stage: VerifiedStage) -> None:
        self.items = stage.application.fake_records._items
        self.overwrites = False
        self.brings_holder = True
        self.error_of_taken = "DuplicateItem"

    def get_item(self, *, Key: Any, **_: Any) -> Any:  # noqa: N803 (DynamoDB's)
        return {"Item": self.items.get(_key(Key))}

    def put_item(self, *, Item: Any, **_: Any) -> Any:  # noqa: N803 (DynamoDB's)
        holder = self.items.get(_key(Item))
        if self.overwrites:
            self.items[_key(Item)] = Item
            return
        response: Any = {"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}
        if self.brings_holder:
            response["Item"] = holder
        raise Taken(response, "PutItem")

    def batch_execute_statement(self, *, Statements: Any) -> Any:  # noqa: N803 (DynamoDB's)
        return {"Responses": [self._inserted(it["Parameters"]) for it in Statements]}

    def _inserted(self, values: Any) -> Any:
        key = (values[0]["S"], values[1]["S"])
        if key in self.items and self.error_of_taken:
            return {"Error": {"Code": self.error_of_taken}}
        self.items.setdefault(key, {})
        return {}

    def delete_item(self, *, Key: Any, **_: Any) -> None:  # noqa: N803 (DynamoDB's)
        del self.items[_key(Key)]

    def describe_table(self, **_: Any) -> Any:
        return {"Table": {"TableArn": f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/orders"}}


class Plain:
    """SQS and S3 over plain HTTP."""

    def __init__(self, stage: VerifiedStage) -> None:
        self._stage = stage

    def __getattr__(self, _method: str) -> Any:
        def call(**_: str) -> Any:
            if self._stage.tls_only:
                raise refusal("AccessDenied")

        return call


def _key(key: Any) -> tuple[str, str]:
    return key["orderId"]["S"], key["recordId"]["S"]


def paged(**method: Callable[..., Any]) -> Any:
    """Make a client whose methods are asked page by page: one page each."""

    def get_paginator(name: str) -> Any:
        return SimpleNamespace(paginate=lambda **arguments: [method[name](**arguments)])

    return SimpleNamespace(get_paginator=get_paginator)


def surroundings(stage: VerifiedStage) -> dict[str, Any]:
    """Make the clients of what is around the app."""
    awslambda = SimpleNamespace(
        get_function_configuration=lambda FunctionName: {  # noqa: N803 (Lambda's)
            "Role": f"arn:aws:iam::{ACCOUNT}:role/{FunctionName}"
        },
        list_event_source_mappings=lambda **_: {"EventSourceMappings": [{"State": "Enabled"}]},
    )
    cloudwatch = paged(
        describe_alarms=lambda **_: {
            "MetricAlarms": [
                {"AlarmName": f"orders-prod-{name}", "StateValue": "OK"} for name in ALARMS
            ]
        }
    )
    cloudwatch.list_dashboards = lambda **_: {
        "DashboardEntries": [{"DashboardName": "orders-prod"}]
    }
    cloudwatch.get_metric_data = lambda **_: {"MetricDataResults": [{"Values": [stage.published]}]}
    apigateway = paged(
        get_rest_apis=lambda: {"items": [{"name": "orders", "id": "a1"}]},
        get_resources=lambda **_: {},
    )
    apigateway.get_stages = lambda **_: {"item": [{"stageName": "prod"}]}
    throttled = {"throttlingRateLimit": 100.0, "throttlingBurstLimit": 200}
    waiting = {"throttlingRateLimit": 20.0, "throttlingBurstLimit": 40}
    limits = {"*/*": throttled, WAITING_METHOD: waiting}
    apigateway.get_stage = lambda **_: {"methodSettings": limits}
    apigateway.meta = SimpleNamespace(endpoint_url="https://apigateway.eu-west-1.amazonaws.com")
    logs = paged(
        filter_log_events=lambda filterPattern, **_: {  # noqa: N803 (CloudWatch's)
            "events": [{"message": line} for line in stage.log if filterPattern.strip('"') in line]
        }
    )
    return {
        "lambda": awslambda,
        "cloudwatch": cloudwatch,
        "apigateway": apigateway,
        "logs": logs,
        "iam": SimpleNamespace(simulate_principal_policy=simulated),
        "cloudformation": SimpleNamespace(describe_stacks=lambda **_: {}),
    }


def simulated(
    *,
    PolicySourceArn: str,  # noqa: N803 (IAM's, like the others)
    ActionNames: Any,  # noqa: N803
    ResourceArns: Any,  # noqa: N803
    ContextEntries: Any,  # noqa: N803
) -> Any:
    """Allow what the functions need, to a caller of the resource's own account."""
    functions = {
        "process_orders": "processor",
        "publish_events": "publisher",
        "seal_days": "sealer",
    }
    role = functions.get(PolicySourceArn.rpartition("-")[2], "api")
    keys = {it["ContextKeyName"]: it["ContextKeyValues"] for it in ContextEntries}
    same = keys["aws:ResourceAccount"] == keys["aws:PrincipalAccount"] == [ACCOUNT]
    (leading_key,) = keys.get("dynamodb:LeadingKeys", [""])
    kinds = {"#key#": "key items", "#audit/": "audit items"}
    of_items = [kind for prefix, kind in kinds.items() if leading_key.startswith(prefix)]
    kind = next(iter(of_items), None) or kind_of(*ResourceArns)
    needed = NEEDS[role].get(kind, ()) if same else ()
    results = [
        {"EvalActionName": it, "EvalDecision": "allowed" if it in needed else "implicitDeny"}
        for it in ActionNames
    ]
    return {"EvaluationResults": results}


def kind_of(arn: str) -> str:
    if f"eu-{ACCOUNT}/" in arn:
        return "objects of another stage"
    if "/decisions/" in arn:
        return "decisions"
    if "/seals/" in arn:
        return "seals"
    endings = {
        ":::orders": "bucket",
        ".json": "objects",
        ":orders-dlq": "dead-letter queue",
        ":orders": "queue",
        "table/orders": "table",
    }
    return next(kind for ending, kind in endings.items() if arn.endswith(ending))
