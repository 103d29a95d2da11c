"""
A night: the table is gone, an operator looks and pauses, and all is well in the morning.

Then its days are sealed, a record is forged behind everybody's back, and an auditor finds it.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.orders.record import FIRST_SLOT
from ops.local.stack import LocalStack
from tests.builders import order_text
from tests.e2e.client import ApiClient, eventually
from tests.queues import message_count
from tests.resources import create_table


class Night:
    """
    A running stage, what happens to it, and what its operator types.

    A step is a method that does or looks; the story below is its steps in order. A step that is
    added after the last one finds the stage well, and every order of the night recorded once.
    """

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.api = ApiClient(stack.api_url)
        self.sqs = boto3.client("sqs", endpoint_url=stack.aws_url)
        self.dynamodb = boto3.client("dynamodb", endpoint_url=stack.aws_url)
        self.table = stack.outputs["TableName"]
        self.order_ids: list[str] = []

    # What happens.

    def orders_come_in(self, name: str, count: int) -> None:
        """Hand orders in: each is answered 202, whatever the state of the stage."""
        for order_id in [f"{name}-{number}" for number in range(count)]:
            assert self.api.post(order_text(order_id)).status == 202
            self.order_ids.append(order_id)

    def table_goes(self) -> None:
        self.dynamodb.delete_table(TableName=self.table)

    def table_comes_back(self) -> None:
        create_table(self.dynamodb, self.table)

    def record_is_forged(self, order_id: str) -> None:
        """Let somebody with the right to the table change an amount: nothing of ours does."""
        self.dynamodb.update_item(
            TableName=self.table,
            Key={"orderId": {"S": order_id}, "recordId": {"S": FIRST_SLOT}},
            UpdateExpression="SET terms.amount = :amount",
            ExpressionAttributeValues={":amount": {"N": "9999.99"}},
        )

    def attempts_fail(self) -> None:
        """Wait until every order so far has been tried, and tried again."""
        eventually(lambda: len(self._failed_twice()) >= len(self.order_ids))

    def _failed_twice(self) -> set[str]:
        found = re.findall(r"failed .*orderId=(\S+).*receiveCount=([2-9]|\d\d)\b", self.stack.log)
        return {order_id for order_id, _ in found}

    # What the operator types.

    def types(self, *words: str, code: int = 0, program: str = "ops") -> str:
        command = [sys.executable, "-m", program, *words, "--aws-port", str(self.stack.aws_port)]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def types_later(self, *words: str, code: int = 0) -> str:
        """Type a command two days from now."""
        return self.types(*words, code=code, program="tests.e2e.later")

    def reads(self, *words: str, code: int = 0) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.types(*words, "--json", code=code))
        return read

    def audit_trail(self) -> list[tuple[str, str]]:
        """List what was done, and why, oldest first."""
        lines = self.types("audit", "--json").splitlines()
        entries = sorted(map(json.loads, lines), key=lambda entry: str(entry["at"]))
        return [(entry["what"], entry["why"]) for entry in entries]

    # How the stage is.

    def waiting(self) -> int:
        return message_count(self.sqs, self.stack.outputs["QueueUrl"])

    def dead_letters(self) -> int:
        return message_count(self.sqs, self.stack.outputs["DeadLetterQueueUrl"])

    def is_drained(self) -> None:
        """Wait until the queue is empty."""
        eventually(lambda: self.waiting() == 0)

    def receives(self, order_id: str) -> int:
        """Return how often an order was received until it was recorded: accepted, and once."""
        (record,) = self.api.records(order_id, 1)
        assert record["status"] == "ACCEPTED"
        return int(record["receiveCount"])


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    log = tmp_path_factory.mktemp("night") / "log"
    with LocalStack(visibility_timeout_seconds=1, log_file=log) as stack:
        yield Night(stack)


# The second test goes on where the first one ends.
def test_an_operator_bridges_a_night_without_the_table_and_no_order_is_lost(night: Night) -> None:
    night.table_goes()
    night.orders_come_in("before-the-pause", 5)
    night.attempts_fail()

    # The operator looks.
    health = night.reads("health", code=1)
    assert health["checks"]["table:responseTime"][0]["status"] == "fail"
    assert health["processing"]["paused"] is False

    # The operator pauses: what comes in from now on uses up no receive.
    paused = night.types("pause", "--why", "the table is gone", "--yes")
    assert "Processing is paused" in paused
    assert "SQS deletes the oldest from" in paused
    assert "The audit trail has no entry of it yet" in paused
    night.orders_come_in("in-the-pause", 5)
    health = night.reads("health", code=1)["processing"]
    assert (health["paused"], health["why"]) == (True, "the table is gone")
    assert health["messages"] == 10

    # The table is back, and the operator goes on.
    night.table_comes_back()
    night.types("resume", "--why", "the table is back")

    # Nothing is lost, and who did what is written down.
    night.is_drained()
    receives = {order_id: night.receives(order_id) for order_id in night.order_ids}
    assert night.dead_letters() == 0
    assert all((count == 1) == ("in-the-pause" in name) for name, count in receives.items())
    assert night.types("health").count("pass") == 4
    night.types("reconcile", "--in-progress", "1s")
    assert night.audit_trail() == [
        ("processing.pause", "the table is gone"),
        ("processing.resume", "the table is back"),
    ]


def test_a_record_that_is_forged_after_its_day_was_sealed_is_named(night: Night) -> None:
    forged = night.order_ids[-1]
    sealed = [json.loads(line) for line in night.types_later("seal", "--json").splitlines()]
    assert sum(seal["records"] for seal in sealed) == len(night.order_ids)
    assert "All is as it was sealed." in night.types_later("verify-seals")

    night.record_is_forged(forged)

    *findings, end = night.types_later("verify-seals", "--json", code=1).splitlines()
    (finding,) = map(json.loads, findings)
    assert (finding["kind"], finding["orderId"]) == ("changed", forged)
    assert json.loads(end)["findings"] == {"changed": 1}
