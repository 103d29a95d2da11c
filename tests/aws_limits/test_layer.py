"""The layer is active in every test, however a client is made and whatever its caller does."""

import json
import sys
from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics
from botocore.config import Config
from botocore.exceptions import ClientError
from chalice.app import Chalice
from moto import mock_aws

from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.settings import LogSettings
from chalicelib.telemetry import make_logger
from ops.desk.stage import connect
from ops.local.clients import queue_client
from ops.local.stack import LocalResources
from tests.application import ENVIRONMENT, client_of
from tests.aws_limits.cases import BODY, NOWHERE, URL
from tests.aws_limits.ledger import expected
from tests.builders import submission

ATTRIBUTES = "SQS: a message has at most 10 attributes"
HOST = "S3: a presigned URL is at its region's host"


def bare_session() -> Any:
    session = botocore.session.Session(include_builtin_handlers=False)
    return session.create_client("sqs", endpoint_url=NOWHERE)


CLIENTS: dict[str, Callable[[], Any]] = {
    "boto3": lambda: boto3.client("sqs", endpoint_url=NOWHERE),
    "a session of boto3": lambda: boto3.Session().client("sqs", endpoint_url=NOWHERE),
    "a resource of boto3": lambda: boto3.resource("sqs", endpoint_url=NOWHERE).meta.client,
    "botocore without handlers": bare_session,
    "a function": lambda: LambdaClients().sqs,
    "a health check": lambda: LambdaClients().without_retries.sqs,
    "the worker": lambda: queue_client(NOWHERE),
}


@pytest.mark.parametrize("make", CLIENTS.values(), ids=CLIENTS)
def test_a_client_made_in_any_way_is_held(make: Callable[[], Any]) -> None:
    client = make()

    with expected(BODY), pytest.raises(ClientError) as refused:
        client.send_message(QueueUrl=URL, MessageBody="")

    assert refused.value.response["Error"]["Code"] == "MissingParameter"
    assert refused.value.operation_name == "SendMessage"


def test_the_desks_clients_are_held(local_resources: LocalResources) -> None:
    stage = connect(aws_port=local_resources.aws_port)
    url = stage.settings.queue_url

    with expected(BODY), pytest.raises(ClientError):
        stage.sqs.send_message(QueueUrl=url, MessageBody="")


def test_a_refusal_is_the_error_of_the_clients_own() -> None:
    sqs = boto3.client("sqs", endpoint_url=NOWHERE)
    ids: Any = [{"Id": "1", "ReceiptHandle": "r"}] * 2

    with (
        expected("SQS: the ids of a batch differ"),
        pytest.raises(sqs.exceptions.BatchEntryIdsNotDistinct) as refused,
    ):
        sqs.delete_message_batch(QueueUrl=URL, Entries=ids)

    code = refused.value.response["Error"]["Code"]
    assert code == "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
    with (
        expected("SQS: a message holds only the characters of XML"),
        pytest.raises(sqs.exceptions.InvalidMessageContents),
    ):
        sqs.send_message(QueueUrl=URL, MessageBody="\uffff")


@mock_aws
def test_clients_are_held_under_moto() -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="q", Attributes={"MaximumMessageSize": "2048"})["QueueUrl"]

    sqs.send_message(QueueUrl=url, MessageBody="x" * 2_048)
    with (
        expected("SQS: body and attributes fit into the queue's maximum"),
        pytest.raises(ClientError),
    ):
        sqs.send_message(QueueUrl=url, MessageBody="x" * 2_049)

    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "x" * 2_048


@mock_aws
def test_a_client_from_before_moto_began_is_held() -> None:
    dynamodb = LambdaClients().dynamodb
    bad: Any = {"Statement": 'SELECT * FROM "orders"'.ljust(8_193)}

    with (
        expected("DynamoDB: a statement has at most 8,192 characters"),
        pytest.raises(ClientError, match="ValidationException"),
    ):
        dynamodb.batch_execute_statement(Statements=[bad])


def test_the_queue_is_not_asked_when_it_cannot_answer() -> None:
    """The call itself fails then, as it would without the layer."""
    once = Config(retries={"total_max_attempts": 1})
    sqs = boto3.client("sqs", endpoint_url=NOWHERE, config=once)

    with pytest.raises(Exception, match="Could not connect"):
        sqs.send_message(QueueUrl=URL, MessageBody="x" * 1_025)


def presigned(**config: Any) -> str:
    client = boto3.client("s3", region_name="eu-central-1", config=Config(**config))
    return client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})


def test_a_presigned_url_of_the_global_host_is_broken_where_it_is_used() -> None:
    with expected(HOST) as broken:
        url = presigned(signature_version="s3v4")

    assert url.startswith("https://s3.amazonaws.com/b/")
    assert "s3.amazonaws.com" in broken[0].problem
    assert "eu-central-1" in presigned(s3={"addressing_style": "virtual"})


def test_metrics_of_powertools_are_held(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = EphemeralMetrics(namespace="Orders", service="orders")
    metrics.add_dimension("channel", "atm ñ")
    metrics.add_metric("OrdersReceived", "Count", 1)

    with expected("CloudWatch: a dimension is well-formed") as broken:
        metrics.flush_metrics()

    assert "channel" in broken[0].problem
    assert json.loads(capsys.readouterr().out)["channel"] == "atm ñ"


def test_lines_of_the_logger_are_held(capsys: pytest.CaptureFixture[str]) -> None:
    # A service of its own: Powertools gives a logger that is there already its first stream.
    logger = make_logger(LogSettings("json", colour=False, service="of-this-test"), sys.stdout)

    with expected("CloudWatch: a line of a log has at most 1 MB"):
        logger.info("x" * 1_048_576)

    assert capsys.readouterr().out


def test_the_application_of_lambda_is_held() -> None:
    queue = Application(ENVIRONMENT, LambdaClients()).queue
    many = {f"a{number}": "1" for number in range(11)}

    with expected(ATTRIBUTES), pytest.raises(Exception, match="InvalidParameterValue"):
        queue.send(submission().order.payload, many)


def test_the_answers_of_an_app_are_held() -> None:
    app = Chalice("large")

    @app.route("/")
    def view() -> str:
        return '"' * 3_200_000

    with expected("Lambda: an answer has at most 6 MB"), client_of(app) as client:
        assert client.http.get("/").status_code == 200
