"""Traces of X-Ray: what botocore and Powertools do for them by themselves, without an SDK of it."""

import io
import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from moto import mock_aws

from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.settings import LogSettings
from chalicelib.telemetry import Telemetry, make_logger
from tests.application import ENVIRONMENT
from tests.builders import order_text

HEADER = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what Lambda sets in each invocation."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-dev")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)


@pytest.mark.usefixtures("traced")
def test_a_message_goes_to_sqs_with_the_header_of_x_ray() -> None:
    """SQS makes its attribute AWSTraceHeader of it, by which X-Ray joins the two functions."""
    headers: list[str] = []

    def note(request: AWSRequest, **_: Any) -> None:
        headers.append(request.headers["X-Amzn-Trace-Id"])

    with mock_aws():
        url = boto3.client("sqs").create_queue(QueueName="orders")["QueueUrl"]
        clients = LambdaClients()
        clients.sqs.meta.events.register("before-sign.sqs.SendMessage", note)
        application = Application({**ENVIRONMENT, "ORDERS_QUEUE_URL": url}, clients)
        application.intake.submit(order_text().encode(), request_id="r-1")

    assert headers == [HEADER]


@pytest.mark.usefixtures("traced")
def test_a_line_of_the_log_names_the_trace_of_x_ray() -> None:
    stream = io.StringIO()
    service = "traced-by-x-ray"
    logger = make_logger(LogSettings("json", colour=False, service=service), stream)

    Telemetry(logger, service).setting_ignored("X", "y")

    assert json.loads(stream.getvalue())["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
