"""A pause on the local stage: orders are taken in, wait, and are processed once it is over."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from ops.local.stack import LocalStack
from tests.builders import order_text
from tests.e2e.client import ApiClient
from tests.queues import message_count

# Longer than a worker that is not paused needs for an order.
WAIT_SECONDS = 3.0


class System:
    """A running stage, and an operator's terminal."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.api = ApiClient(stack.api_url)
        self.sqs = boto3.client("sqs", endpoint_url=stack.aws_url)

    def types(self, *words: str) -> str:
        command = [sys.executable, "-m", "ops", *words, "--aws-port", str(self.stack.aws_port)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def reads(self, *words: str) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.types(*words, "--json"))
        return read

    def count(self, queue: str) -> int:
        return message_count(self.sqs, self.stack.outputs[queue])


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    log = tmp_path_factory.mktemp("pause") / "log"
    # Long enough that no busy machine receives a message twice.
    with LocalStack(visibility_timeout_seconds=30, log_file=log) as stack:
        yield System(stack)


def test_orders_wait_in_a_pause_and_are_processed_afterwards(system: System) -> None:
    paused = system.types("pause", "--why", "a look at the table", "--yes")
    assert system.api.post(order_text("waits")).status == 202
    time.sleep(WAIT_SECONDS)

    during = system.reads("health")["processing"]
    missing = system.api.get("/orders/waits").status
    system.types("resume", "--why", "it is well")

    assert "Processing is paused, since 2" in paused
    assert (during["paused"], during["why"], during["messages"]) == (True, "a look at the table", 1)
    assert missing == 404
    (record,) = system.api.records("waits", 1)
    assert (record["status"], record["receiveCount"]) == ("ACCEPTED", 1)


def test_a_pause_outlasts_the_worker(system: System) -> None:
    system.types("pause", "--why", "the worker is started anew", "--yes")
    system.stack.stop_worker()
    system.stack.start_worker()

    system.api.post(order_text("waits-for-longer"))
    time.sleep(WAIT_SECONDS)
    waiting = system.count("QueueUrl")
    system.types("resume")

    assert waiting == 1
    system.api.records("waits-for-longer", 1)
