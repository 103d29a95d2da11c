"""`make run` keeps what it was given: after a stop, a crash of a part, and a crash of its own."""

# ruff: noqa: S607 (make is found as a user's shell finds it)

import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from ops.local.clients import queue_client
from ops.local.kept_folder import KeptFolder
from ops.local.scratch_folder import PREFIX
from ops.local.stack import LocalResources
from ops.local_stage import aws_url_at, local_session, running_resources
from ops.ports import free_port
from tests.e2e.test_make_run import (
    LIMIT_SECONDS,
    ORDER,
    ROOT,
    Run,
    descendants,
    is_running,
    make_run,
    the_one_running,
    wait_for,
)
from tests.queues import message_count

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

UNREADABLE = "no order"
# The worker gets it after the test.
LATER_SECONDS = 600


def kill(run: Run, command: str) -> None:
    """Kill one process of this run, as a crash would."""
    os.kill(the_one_running(descendants(run.process.pid), command), signal.SIGKILL)


def hand_in(run: Run, order_id: str) -> None:
    """Hand an order in until it is taken in: the API may be down for a moment."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            status, _ = run.request("POST", "/orders", ORDER | {"id": order_id})
        except OSError:
            status = 0
        if status == 202:
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_recorded(run: Run, order_id: str) -> bool:
    return run.request("GET", f"/orders/{order_id}")[0] == 200


def record_count(run: Run, order_id: str) -> int:
    return len(run.request("GET", f"/orders/{order_id}")[1]["records"])


def wait_until_saved(run: Run) -> None:
    """Wait for a save that began after now."""
    file = run.folder / "state"
    for _ in range(2):
        before = file.stat().st_mtime_ns
        # Every save follows a change.
        run.request("POST", "/orders", ORDER | {"id": f"order-{before}"})
        wait_for(lambda before=before: file.stat().st_mtime_ns != before)  # type: ignore[misc]


def delayed_count(sqs: "SQSClient", queue_url: str) -> int:
    name: Literal["ApproximateNumberOfMessagesDelayed"] = "ApproximateNumberOfMessagesDelayed"
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    return int(answer["Attributes"][name])


def test_the_next_start_has_orders_messages_and_dead_letters_on_other_ports_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws_port, other_aws_port = free_port(), free_port()
    with make_run(tmp_path / "first.log", free_port(), aws_port) as run:
        hand_in(run, "order-001")
        outputs = running_resources(aws_url_at(aws_port))
        sqs = queue_client(aws_url_at(aws_port))
        sqs.send_message(QueueUrl=outputs["QueueUrl"], MessageBody=UNREADABLE)
        sqs.send_message(
            QueueUrl=outputs["QueueUrl"], MessageBody="later", DelaySeconds=LATER_SECONDS
        )
        wait_for(lambda: is_recorded(run, "order-001"))
        wait_for(lambda: message_count(sqs, outputs["DeadLetterQueueUrl"]) == 1)
        second = start_beside(run)
        sqs.close()

    assert f"Another `make run` keeps its state in {run.folder}." in second.stderr
    assert second.returncode != 0
    (suggested,) = [word for word in shlex.split(second.stderr) if word.startswith("OPTIONS=")]
    assert suggested == f"OPTIONS=--no-console --folder {run.folder}-2"
    assert f"Kept in       {run.folder} " in run.log
    empty = (
        f"PORT={run.port} AWS_PORT={aws_port} OPTIONS='--no-console --fresh --folder {run.folder}'"
    )
    assert f"To start empty: make run {empty}" in run.log

    with make_run(tmp_path / "second.log", free_port(), other_aws_port) as again:
        outputs = running_resources(aws_url_at(other_aws_port))
        sqs = queue_client(aws_url_at(other_aws_port))
        letters = sqs.receive_message(QueueUrl=outputs["DeadLetterQueueUrl"])["Messages"]
        waiting = delayed_count(sqs, outputs["QueueUrl"])
        hand_in(again, "order-001")
        wait_for(lambda: record_count(again, "order-001") == 2)
        _, answer = again.request("GET", "/orders/order-001")
        sqs.close()
        # It can stop nothing then. Its children notice by themselves, and the emulator saves.
        started = descendants(again.process.pid)
        kill(again, "ops run")
        wait_for(lambda: not any(is_running(pid) for pid in started))
    left = list(tmp_path.glob(f"{PREFIX}*"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept = kept_orders(run.folder)

    assert str(other_aws_port) in outputs["QueueUrl"]
    assert [letter["Body"] for letter in letters] == [UNREADABLE]
    assert waiting == 1
    assert [record["status"] for record in answer["records"]] == ["ACCEPTED", "DUPLICATE"]
    assert kept["order-001"] == 2
    # What the killed one has left, the next start has taken away.
    assert len(left) == 1
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def start_beside(run: Run) -> subprocess.CompletedProcess[str]:
    """Start another `make run` over the same folder."""
    ports = [f"{name}={free_port()}" for name in ("PORT", "AWS_PORT")]
    return subprocess.run(
        ["make", "run", *ports, f"OPTIONS=--no-console --folder '{run.folder}'"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )


def test_a_part_that_dies_is_started_again_and_only_the_emulators_death_ends_it(
    tmp_path: Path,
) -> None:
    orders = [f"order-{number:03}" for number in range(30)]
    ports = free_port(), free_port(), free_port()
    with make_run(tmp_path / "run.log", *ports, options="--visibility-timeout 2") as run:
        for number, order_id in enumerate(orders):
            if number == 10:
                kill(run, "ops worker")
            if number == 20:
                kill(run, "ops api")
            hand_in(run, order_id)
        kill(run, "ops console")
        wait_for(lambda: all(is_recorded(run, order_id) for order_id in orders))
        wait_for(lambda: "The console is up again." in run.log)
        wait_until_saved(run)
        started = descendants(run.process.pid)
        kill(run, "ops.local.keeper")
        exit_code = run.process.wait(LIMIT_SECONDS)

    for part in ("worker", "API", "console"):
        ended = f"The {part} was ended by signal SIGKILL: starting it again."
        assert run.log.count(ended) == 1
        assert run.log.count(f"The {part} is up again.") == 1
    assert exit_code != 0
    assert "The AWS emulator was ended by signal SIGKILL: stopping everything." in run.log
    assert f"Kept in {run.folder}: everything until 20" in run.log
    assert "Traceback" not in run.log
    assert not [pid for pid in started if is_running(pid)]
    kept = kept_orders(run.folder)
    assert {order_id: kept[order_id] for order_id in orders} == dict.fromkeys(orders, 1)


def kept_orders(folder: Path) -> Counter[str]:
    """Count the records of each order that the next start has."""
    with LocalResources(folder=KeptFolder(folder)) as resources:
        dynamodb = local_session().client("dynamodb", endpoint_url=resources.aws_url)
        items = dynamodb.scan(TableName=resources.outputs["TableName"])["Items"]
        dynamodb.close()
    return Counter(item["orderId"]["S"] for item in items)
