"""A stage that is deployed to an emulator of its own, from a copy of the project."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import boto3
import pytest
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from chalicelib.aws.clients import S3_CONFIG
from ops.deploy.packaging import PackagedApp, package_app
from ops.lint.deployed import DeployedStage
from ops.lint.rules import RULES
from ops.local.emulator import Emulator
from ops.local.environment import without_aws_settings
from ops.local.resources import TEMPLATE
from ops.ports import free_port
from ops.stack_outputs import outputs_of
from ops.templates import EMULATOR_PARAMETERS
from tests.e2e.client import Answer, ApiClient, eventually
from tests.project import change_stage, copy_project, record_resources
from tests.queues import message_count

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

STAGE = "dev"
PROCESSOR = f"orders-{STAGE}-process_orders"
# Enough for a function that begins cold on a busy machine: with less, messages that are still being
# processed would be delivered again and become dead letters. Messages that have to fail each time
# get less, once the function is warm, and no message gets as many receives as usual.
VISIBILITY_TIMEOUT_SECONDS = 15
SHORT_VISIBILITY_TIMEOUT_SECONDS = 2
MAX_RECEIVE_COUNT = 5
CODE_BUCKET = "orders-code"


class SigningClient(ApiClient):
    """Signs each request, as `curl --aws-sigv4` does."""

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        request = AWSRequest(method, self.url + path, data=body, headers=dict(headers or {}))
        SigV4Auth(Credentials("test", "test"), "execute-api", "us-east-1").add_auth(request)
        return super().request(method, path, body, dict(request.headers.items()))


class EmulatedAccount:
    """An AWS emulator with stage dev's resources in it, and a client for each service."""

    def __init__(self, directory: Path, deployments: Path, **parameters: str) -> None:
        self._parameters = parameters
        self.directory = directory
        self._deployments = deployments
        self._cleanup = ExitStack()
        self.emulator = Emulator(free_port(), directory)
        self.url = self.emulator.url

    def __enter__(self) -> Self:
        self._cleanup.callback(self.emulator.stop)
        self.emulator.start()
        self.cloudformation = self.client("cloudformation")
        self.sqs = self.client("sqs")
        self.s3 = self.client("s3")
        self.dynamodb = self.client("dynamodb")
        self.awslambda = self.client("lambda")
        self.logs = self.client("logs")
        self.outputs = self.create_stack(
            f"orders-resources-{STAGE}",
            TEMPLATE.read_text(),
            Stage=STAGE,
            **EMULATOR_PARAMETERS,
            VisibilityTimeoutSeconds=str(VISIBILITY_TIMEOUT_SECONDS),
            MaxReceiveCount=str(MAX_RECEIVE_COUNT),
            **self._parameters,
        )
        self.queue_url = self.outputs["QueueUrl"]
        self.dead_letter_queue_url = self.outputs["DeadLetterQueueUrl"]
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def client(self, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        client = boto3.client(
            cast("Any", service),
            endpoint_url=self.url,
            config=S3_CONFIG.merge(config) if service == "s3" else config,
        )
        self._cleanup.callback(client.close)
        return client

    def create_stack(self, name: str, template: str, **parameters: str) -> dict[str, str]:
        self.cloudformation.create_stack(
            StackName=name,
            TemplateBody=template,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )

        def ended() -> dict[str, Any] | None:
            stack = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        stack = eventually(ended)
        assert stack["StackStatus"] == "CREATE_COMPLETE", self._reasons(name)
        return outputs_of(cast("StackTypeDef", stack))

    def _reasons(self, name: str) -> list[str]:
        events = self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        ]

    # The queue and what is on it

    def send(self, *bodies: str) -> None:
        """Put up to ten messages on the queue, at once."""
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
        answer = self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
        assert not answer.get("Failed")

    @contextmanager
    def short_visibility_timeout(self) -> Iterator[None]:
        """Deliver messages that fail in the `with` block again soon."""
        with self._queue_with(VisibilityTimeout=str(SHORT_VISIBILITY_TIMEOUT_SECONDS)):
            yield

    @contextmanager
    def endless_receives(self) -> Iterator[None]:
        """Deliver messages that fail in the `with` block as often as it takes."""
        policy = self.sqs.get_queue_attributes(
            QueueUrl=self.queue_url, AttributeNames=["RedrivePolicy"]
        )["Attributes"]["RedrivePolicy"]
        endless = json.dumps(json.loads(policy) | {"maxReceiveCount": 1000})
        with self._queue_with(RedrivePolicy=endless):
            yield

    @contextmanager
    def _queue_with(self, **attributes: str) -> Iterator[None]:
        before = self.sqs.get_queue_attributes(
            QueueUrl=self.queue_url, AttributeNames=list(attributes)
        )["Attributes"]
        self.sqs.set_queue_attributes(QueueUrl=self.queue_url, Attributes=attributes)
        try:
            yield
        finally:
            self.sqs.set_queue_attributes(QueueUrl=self.queue_url, Attributes=before)

    def waiting(self) -> int:
        """Count the messages on the queue, also those that the processor is busy with."""
        return message_count(self.sqs, self.queue_url)

    def dead_letters(self, count: int = 1) -> list[dict[str, Any]]:
        """Take so many messages out of the dead-letter queue, as soon as they are there."""
        taken: list[dict[str, Any]] = []

        def enough() -> bool:
            answer = self.sqs.receive_message(
                QueueUrl=self.dead_letter_queue_url,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                self.sqs.delete_message(
                    QueueUrl=self.dead_letter_queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
                taken.append(message)
            return len(taken) >= count

        eventually(enough)
        assert len(taken) == count
        return taken

    def redrive(self, message: dict[str, Any]) -> None:
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=message["Body"],
            MessageAttributes=message.get("MessageAttributes", {}),
        )

    # The table

    def records(self, order_id: str) -> list[dict[str, Any]]:
        answer = self.dynamodb.query(
            TableName=self.outputs["TableName"],
            KeyConditionExpression="orderId = :id",
            ExpressionAttributeValues={":id": {"S": order_id}},
        )
        return cast("list[dict[str, Any]]", answer["Items"])

    def spoil_record(self, order_id: str) -> None:
        """Put something into the order's first slot that is no record, so that it always fails."""
        self.dynamodb.put_item(TableName=self.outputs["TableName"], Item=_spoilt(order_id))

    def mend_record(self, order_id: str) -> None:
        self.dynamodb.delete_item(TableName=self.outputs["TableName"], Key=_spoilt(order_id))

    # The functions

    def mapping(self) -> dict[str, Any]:
        answer = self.awslambda.list_event_source_mappings(FunctionName=PROCESSOR)
        (mapping,) = answer["EventSourceMappings"]
        return cast("dict[str, Any]", mapping)

    def enable_mapping(self, enabled: bool) -> None:
        self.awslambda.update_event_source_mapping(UUID=self.mapping()["UUID"], Enabled=enabled)
        wanted = "Enabled" if enabled else "Disabled"
        eventually(lambda: self.mapping()["State"] == wanted)

    def send_as_one_batch(self, *bodies: str) -> None:
        """Send messages so that the processor gets them together."""
        self.enable_mapping(enabled=False)
        # A poll that is under way already is not called back.
        time.sleep(1.5)
        self.send(*bodies)
        self.enable_mapping(enabled=True)

    def set_variables(self, function: str, **variables: str) -> None:
        """Change some of a function's environment variables."""
        configuration = self.awslambda.get_function_configuration(FunctionName=function)
        self.awslambda.update_function_configuration(
            FunctionName=function,
            Environment={"Variables": configuration["Environment"]["Variables"] | variables},
        )

    def invocations(self, function: str) -> int:
        """Count how often the function was begun, crashes included."""
        answer = self.logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")
        return sum("START RequestId" in event["message"] for event in answer["events"])

    def log_lines(self, function: str) -> list[dict[str, Any]]:
        """Read the JSON lines that a function has logged."""
        answer = self.logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")
        messages = [event["message"].strip() for event in answer["events"]]
        return [json.loads(message) for message in messages if message.startswith("{")]

    def failed_attempts(self, order_id: str) -> list[int]:
        """List the receive counts at which the processor failed an order, by its log so far."""
        return sorted(
            line["receiveCount"]
            for line in self.log_lines(PROCESSOR)
            if line.get("message") == "failed" and line.get("orderId") == order_id
        )

    def fails_once(self, order_id: str) -> None:
        """
        Wait for the first failure of an order.

        What came in one batch with it has the usual time until then. With less, a busy machine
        would be given it once more.
        """
        eventually(lambda: self.failed_attempts(order_id))

    def broken_rules(self) -> dict[str, list[str]]:
        """Run `python -m ops lint` on the stage, and return its findings."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ENDPOINT_URL", self.url)
            settings = DeployedStage(STAGE).settings()
        found = {rule.name: rule.broken_by(settings) for rule in RULES}
        return {name: problems for name, problems in found.items() if problems}

    # Both ways of deploying

    def deploy_packaged(self, packaged: PackagedApp) -> ApiClient:
        """Deploy as `make deploy` does."""
        self.s3.create_bucket(Bucket=CODE_BUCKET)
        self.s3.upload_file(str(packaged.archive), CODE_BUCKET, "code.zip")
        template = packaged.template_with_code_at(CODE_BUCKET, "code.zip")
        self.app_outputs = self.create_stack(f"orders-{STAGE}", template)
        return self.api(self.app_outputs["RestAPIId"])

    def put_gateway_responses(self, packaged: PackagedApp, outputs: dict[str, str]) -> None:
        """Put the API definition's gateway responses, as API Gateway takes them from an import."""
        apigateway = self.client("apigateway")
        rest_api_id = outputs["RestAPIId"]
        for response_type, response in gateway_responses(packaged).items():
            apigateway.put_gateway_response(
                restApiId=rest_api_id, responseType=response_type, **response
            )
        deployment = apigateway.create_deployment(restApiId=rest_api_id)
        change = {"op": "replace", "path": "/deploymentId", "value": deployment["id"]}
        apigateway.update_stage(restApiId=rest_api_id, stageName=STAGE, patchOperations=[change])

    def api(self, rest_api_id: str) -> ApiClient:
        return SigningClient(f"{self.url}/restapis/{rest_api_id}/{STAGE}/_user_request_")

    def package(self, **settings: Any) -> PackagedApp:
        """Package the app, with some of the stage's settings changed."""
        project = self._project()
        change_stage(project, STAGE, {}, **settings)
        return package_app(STAGE, self.directory / "packaged", project)

    def chalice(self, *arguments: str) -> str:
        """Run Chalice's own command against the emulator."""
        command = [
            sys.executable,
            "-c",
            "import sys; from chalice.cli import main; sys.exit(main())",
            *arguments,
        ]
        environment = without_aws_settings(os.environ) | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        done = subprocess.run(
            command,
            cwd=self._project(),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _project(self) -> Path:
        project = copy_project(self.directory / "project", self._deployments)
        record_resources(project, STAGE, self.outputs)
        return project


def _spoilt(order_id: str) -> dict[str, Any]:
    return {"orderId": {"S": order_id}, "recordId": {"S": "0#FIRST"}}


def gateway_responses(packaged: PackagedApp) -> dict[str, dict[str, Any]]:
    """Read the answers that API Gateway gives by itself, by the kind of refusal."""
    template = yaml.safe_load(packaged.template.read_text())
    definition = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    responses = definition["x-amazon-apigateway-gateway-responses"]
    return {
        kind: {
            name: str(value) if name == "statusCode" else value for name, value in response.items()
        }
        for kind, response in responses.items()
    }
