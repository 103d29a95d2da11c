"""A dependency that accepts calls and does not answer: it holds nothing up beyond its time."""

import io
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.application import Application
from chalicelib.aws.clients import KEY_SECONDS, LambdaClients
from chalicelib.services.message import Message
from chalicelib.services.processed import Processed
from chalicelib.services.time_limit import OutOfTime
from chalicelib.services.unavailable import StoreUnavailable
from ops.local.stack import LocalResources
from ops.project import PROJECT_ROOT
from tests.builders import order_text, sqs_message
from tests.e2e.client import eventually
from tests.e2e.relay import StallingRelay

FUNCTION_TIMEOUT_SECONDS = 3
AMPLE_TIMEOUT_SECONDS = 30
# Longer than the function's time-out, and no longer than a test can wait for.
VISIBILITY_TIMEOUT_SECONDS = 4
# `chalice package` puts these into a function beside app.py and chalicelib.
RUNTIME = ("chalice", "aws_lambda_powertools", "jmespath", "typing_extensions.py")


@pytest.fixture
def stalled() -> Iterator[StallingRelay]:
    with StallingRelay() as relay:
        yield relay.stall()


@pytest.fixture
def application(
    local_resources: LocalResources, stalled: StallingRelay, monkeypatch: pytest.MonkeyPatch
) -> Application:
    for name, value in local_resources.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", stalled.url)
    return Application(local_resources.environment, LambdaClients())


def process(
    application: Application, messages: list[Message], seconds: float
) -> tuple[list[Processed], float]:
    """Process messages in a function that has so many seconds, and say how many are left."""
    ends_at = time.monotonic() + seconds

    def time_left_ms() -> float:
        return (ends_at - time.monotonic()) * 1000

    batch = application.processor.process_batch(messages, time_left_ms)
    return batch, time_left_ms() / 1000


def test_a_store_that_does_not_answer_costs_a_batch_the_time_of_one_call(
    application: Application,
) -> None:
    """
    Six seconds of waiting for three answers, however many messages there are.

    Different orders wait side by side. One order's messages come one after the other, and none is
    begun once the time is short.
    """
    different = [sqs_message(order_text(f"slow-{number}")) for number in range(5)]
    same = [sqs_message(order_text("slow-same")) for _ in range(5)]

    batch, left = process(application, different + same, seconds=10)

    assert left > 0
    failures = [processed.failure for processed in batch]
    assert {type(failure) for failure in failures[:6]} == {StoreUnavailable}
    assert {type(failure) for failure in failures[6:]} == {OutOfTime}
    assert str(failures[0]) == "DynamoDB BatchExecuteStatement: ReadTimeoutError"


@pytest.mark.parametrize("library", ["boto3", "obstore"])
def test_an_archive_that_does_not_answer_costs_a_batch_the_time_of_one_call(
    local_resources: LocalResources,
    stalled: StallingRelay,
    library: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over each library: all orders of a batch wait for the archive side by side."""
    for name, value in local_resources.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", stalled.url)
    settings = local_resources.environment | {"ORDERS_ARCHIVE": library}
    application = Application(settings, LambdaClients())
    messages = [sqs_message(order_text(f"slow-{library}-{number}")) for number in range(10)]

    batch, left = process(application, messages, seconds=10)

    assert left > 0
    assert {str(each.failure) for each in batch} == {"S3 PutObject: ReadTimeoutError"}
    assert stalled.connections >= 3 * len(messages)


def test_a_table_that_does_not_answer_delays_an_order_by_the_time_of_a_key_and_no_more(
    application: Application, caplog: pytest.LogCaptureFixture
) -> None:
    """The order is queued without a check: there must be time left for the queue."""
    started = time.monotonic()

    receipt = application.intake.submit(
        order_text("slow-key").encode(), request_id="request-1", idempotency_key=str(uuid.uuid4())
    )

    assert time.monotonic() - started < KEY_SECONDS + 1
    assert receipt.unchecked
    (line,) = [vars(each) for each in caplog.records if each.message == "key unchecked"]
    assert line["detail"] == "DynamoDB PutItem of a key: ReadTimeoutError"


class PackagedProcessor:
    """The processor as a function of the emulator's Lambda, on its queue."""

    def __init__(self, resources: LocalResources, records_url: str) -> None:
        self._lambda: Any = boto3.client("lambda", endpoint_url=resources.aws_url)
        self._lambda.create_function(
            FunctionName="orders-process_orders",
            Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
            Role="arn:aws:iam::000000000000:role/orders",
            Handler="app.process_orders",
            Code={"ZipFile": packaged()},
            Timeout=FUNCTION_TIMEOUT_SECONDS,
            Environment={
                "Variables": {
                    **resources.environment,
                    "ORDERS_LOG_FORMAT": "json",
                    "AWS_ENDPOINT_URL_DYNAMODB": records_url,
                }
            },
        )
        self._lambda.create_event_source_mapping(
            FunctionName="orders-process_orders",
            EventSourceArn=resources.outputs["QueueArn"],
            BatchSize=10,
        )

    def give_time_again(self) -> None:
        """Give the function ample time: a busy machine may start it slowly."""
        self._lambda.update_function_configuration(
            FunctionName="orders-process_orders", Timeout=AMPLE_TIMEOUT_SECONDS
        )


def packaged() -> bytes:
    """Make the zip of the function."""
    site_packages = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for root, names in ((PROJECT_ROOT, ("app.py", "chalicelib")), (site_packages, RUNTIME)):
            for name in names:
                path = root / name
                for file in path.rglob("*.py") if path.is_dir() else [path]:
                    archive.write(file, file.relative_to(root))
    return content.getvalue()


def test_a_function_that_runs_into_its_time_out_loses_nothing() -> None:
    """Lambda ends it in the middle of a call: nothing of the batch is deleted, all comes back."""
    with (
        LocalResources(visibility_timeout_seconds=VISIBILITY_TIMEOUT_SECONDS) as resources,
        StallingRelay(resources.aws_port) as records_relay,
    ):
        records_relay.stall()
        processor = PackagedProcessor(resources, records_relay.url)
        sqs = boto3.client("sqs", endpoint_url=resources.aws_url)
        dynamodb = boto3.client("dynamodb", endpoint_url=resources.aws_url)
        ids = {f"timed-out-{number}" for number in range(3)}
        for order_id in ids:
            sqs.send_message(
                QueueUrl=resources.outputs["QueueUrl"], MessageBody=order_text(order_id)
            )

        eventually(lambda: records_relay.connections)
        time.sleep(FUNCTION_TIMEOUT_SECONDS)
        assert _items(dynamodb, resources) == []
        records_relay.resume()
        processor.give_time_again()
        items = eventually(lambda: _all(_items(dynamodb, resources), len(ids)))

        assert sorted(item["orderId"]["S"] for item in items) == sorted(ids)
        assert {item["status"]["S"] for item in items} == {"ACCEPTED"}
        assert any(int(item["receiveCount"]["N"]) > 1 for item in items)


def _items(dynamodb: Any, resources: LocalResources) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = dynamodb.scan(TableName=resources.outputs["TableName"])["Items"]
    return items


def _all(items: list[dict[str, Any]], count: int) -> list[dict[str, Any]] | None:
    return items if len(items) >= count else None
