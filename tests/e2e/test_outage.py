"""The table is gone for a while, or a message kills the processor: no other order is given up."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from ops.local.stack import LocalStack
from ops.project import PROJECT_ROOT
from tests.builders import order_text
from tests.e2e.client import ApiClient, eventually
from tests.queues import message_count
from tests.resources import create_table

# Twice as many as once were all.
RECEIVES_IN_THE_OUTAGE = 10
DEADLY = "deadly"
MATES = tuple(f"mate-{number}" for number in range(9))

# The real app. An order of one id ends the process that archives it, as far as the worker lets it.
APP = f"""
from pathlib import Path

from chalicelib.aws.obstore_archive import ObstoreArchive

keep = ObstoreArchive.keep


def keep_or_die(self, submission):
    if submission.order.id == "{DEADLY}":
        raise SystemExit("killed")
    keep(self, submission)


ObstoreArchive.keep = keep_or_die
exec(compile(Path("{PROJECT_ROOT}/app.py").read_text(encoding="utf-8"), "app.py", "exec"))
"""


class System:
    """A running system, its queues and its table."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.api = ApiClient(stack.api_url)
        self.sqs = boto3.client("sqs", endpoint_url=stack.aws_url)
        self.dynamodb = boto3.client("dynamodb", endpoint_url=stack.aws_url)
        self.table = stack.outputs["TableName"]

    def send_as_one_batch(self, *order_ids: str) -> None:
        self.stack.stop_worker()
        entries: Any = [{"Id": name, "MessageBody": order_text(name)} for name in order_ids]
        answer = self.sqs.send_message_batch(
            QueueUrl=self.stack.outputs["QueueUrl"], Entries=entries
        )
        assert len(answer["Successful"]) == len(order_ids)
        self.stack.start_worker()

    def waiting(self) -> int:
        return message_count(self.sqs, self.stack.outputs["QueueUrl"])

    def dead_letters(self) -> int:
        return message_count(self.sqs, self.stack.outputs["DeadLetterQueueUrl"])

    def most_receives(self) -> int:
        """Return the highest receive count of a failed attempt, by the log so far."""
        counts = re.findall(r"failed .*receiveCount=(\d+)", self.stack.log)
        return max(map(int, counts), default=0)


@pytest.fixture(scope="module", params=[False, True], ids=["delete-then-raise", "partial-batch"])
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    directory = tmp_path_factory.mktemp("outage")
    (directory / "app.py").write_text(APP, encoding="utf-8")
    with LocalStack(
        visibility_timeout_seconds=1,
        partial_batch=request.param,
        app_directory=directory,
        log_file=Path(directory / "log"),
    ) as stack:
        yield System(stack)


def test_a_message_that_kills_the_processor_takes_none_of_its_batch_along(system: System) -> None:
    system.send_as_one_batch(DEADLY, *MATES)

    for mate in MATES:
        (record,) = system.api.records(mate, 1)
        assert record["status"] == "ACCEPTED"
    eventually(lambda: system.waiting() == 1)
    assert system.dead_letters() == 0
    assert system.api.get(f"/orders/{DEADLY}").status == 404
    assert re.search(r"suspects .*messageIds", system.stack.log)


def test_orders_that_were_handed_in_while_the_table_was_gone_are_recorded_without_an_operator(
    system: System,
) -> None:
    """Last of its module: it takes the table away, with all records."""
    system.sqs.purge_queue(QueueUrl=system.stack.outputs["QueueUrl"])
    system.dynamodb.delete_table(TableName=system.table)
    order_ids = [f"outage-{number}" for number in range(30)]
    for order_id in order_ids:
        assert system.api.post(order_text(order_id)).status == 202
    eventually(lambda: system.most_receives() >= RECEIVES_IN_THE_OUTAGE)

    create_table(system.dynamodb, system.table)

    for order_id in order_ids:
        (record,) = system.api.records(order_id, 1)
        assert record["status"] == "ACCEPTED"
    eventually(lambda: system.waiting() == 0)
    assert system.dead_letters() == 0
