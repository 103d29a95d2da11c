"""The worker and the queue together: retries, the DLQ, stops and starts. The app is a small one."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ops.local.clients import queue_client
from ops.local.stack import LocalStack
from tests.queues import message_count, take_all

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LIMIT_SECONDS = 40.0

# The app writes down each message, and fails for messages that say so, by either protocol.
APP = """
import json
import os
from chalice.app import Chalice
from chalicelib.application import CurrentApplication
from chalicelib.settings import AppSettings, current_environment

app = Chalice(app_name="stub")
application = CurrentApplication()
settings = AppSettings.from_env(current_environment())
queue = os.environ["ORDERS_QUEUE_NAME"]

@app.route("/orders")
def orders():
    return {}

@app.on_sqs_message(queue=queue)
def process_orders(event):
    records = event.to_dict()["Records"]
    with open("received", "a") as received:
        for record in records:
            received.write(json.dumps(record) + "\\n")
    failed = [record["messageId"] for record in records if "fail" in record["body"]]
    if os.environ["ORDERS_PARTIAL_BATCH"] == "enabled":
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
    if failed:
        raise RuntimeError("some failed")
"""


@pytest.fixture
def app_directory(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


@pytest.fixture(params=[False, True], ids=["raising", "partial-batch"])
def stack(app_directory: Path, request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    with LocalStack(
        visibility_timeout_seconds=1,
        max_receive_count=5,
        partial_batch=request.param,
        app_directory=app_directory,
        log_file=app_directory / "log",
    ) as running:
        yield running


@pytest.fixture
def sqs(stack: LocalStack) -> Iterator["SQSClient"]:
    client = queue_client(stack.aws_url)
    yield client
    client.close()


def received(app_directory: Path, body: str) -> list[dict[str, Any]]:
    """Count the deliveries of a message that the app has seen."""
    file = app_directory / "received"
    lines = file.read_text().splitlines() if file.exists() else []
    return [record for record in map(json.loads, lines) if record["body"] == body]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_a_failing_message_ends_in_the_dlq_after_its_receives_and_blocks_no_other(
    stack: LocalStack, sqs: "SQSClient", app_directory: Path
) -> None:
    queue_url, dlq_url = stack.outputs["QueueUrl"], stack.outputs["DeadLetterQueueUrl"]
    sqs.send_message(QueueUrl=queue_url, MessageBody="fail")
    wait_for(lambda: bool(received(app_directory, "fail")))

    sqs.send_message(QueueUrl=queue_url, MessageBody="good")

    wait_for(lambda: message_count(sqs, dlq_url) == 1 and message_count(sqs, queue_url) == 0)
    # On a busy machine the last attempts may overlap, and go on a little longer.
    wait_for(lambda: len(received(app_directory, "fail")) >= 5)
    attempts = received(app_directory, "fail")
    counts = [int(attempt["attributes"]["ApproximateReceiveCount"]) for attempt in attempts]
    assert sorted(counts) == [1, 2, 3, 4, 5]
    # It was delivered, and deleted: on a busy machine maybe not before its second delivery.
    assert received(app_directory, "good")
    assert [letter["Body"] for letter in take_all(sqs, dlq_url)] == ["fail"]


class EnoughSeenError(Exception):
    """The stack has started as far as the test needs it."""


def test_api_and_worker_import_while_the_emulator_makes_the_resources(app_directory: Path) -> None:
    """One after the other, a start took half as long again. One that is given up leaves nobody."""
    running = []

    def see(step: str) -> None:
        if step == "queue, DLQ, bucket and table":
            running.extend([starting.api.is_running, starting.worker.is_running])
            raise EnoughSeenError

    starting = LocalStack(app_directory=app_directory, log_file=app_directory / "log", on_step=see)
    with pytest.raises(EnoughSeenError), starting:
        pass

    assert running == [True, True]
    assert not starting.api.is_running
    assert not starting.worker.is_running
    assert starting.log == ""


@pytest.mark.parametrize("stack", [False], indirect=True)
def test_messages_wait_for_a_worker_that_is_stopped_or_has_crashed(
    stack: LocalStack, sqs: "SQSClient", app_directory: Path
) -> None:
    stack.stop_worker()
    sqs.send_message(QueueUrl=stack.outputs["QueueUrl"], MessageBody="while stopped")
    assert not stack.worker.is_running
    stack.start_worker()
    wait_for(lambda: bool(received(app_directory, "while stopped")))
    # A message that was received is not yet acknowledged: killed in between, it would come again.
    wait_for(lambda: message_count(sqs, stack.outputs["QueueUrl"]) == 0)
    acknowledged = received(app_directory, "while stopped")

    stack.worker.kill()
    sqs.send_message(QueueUrl=stack.outputs["QueueUrl"], MessageBody="while crashed")
    stack.start_worker()

    wait_for(lambda: bool(received(app_directory, "while crashed")))
    wait_for(lambda: message_count(sqs, stack.outputs["QueueUrl"]) == 0)
    assert received(app_directory, "while stopped") == acknowledged
