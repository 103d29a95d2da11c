"""`events tail`, as typed over `make run`'s system: it hears the events, and leaves nothing."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ops.desk.stage import Stage, connect
from ops.desk.tap_queues import LOAN_TAG
from ops.local.stack import LocalStack
from tests.builders import order_text
from tests.e2e.client import ApiClient, eventually
from tests.properties.traceparents import TRACEPARENT

LIMIT_SECONDS = 60
WAITING = "Waiting for events."


class Place:
    """A local system with events, and what a tail makes in it."""

    def __init__(self, stack: LocalStack, kind: str, ops: list[str]) -> None:
        self.stack = stack
        self.ops = ops
        self.kind = kind
        self.api = ApiClient(stack.api_url)
        self.stage: Stage = connect(aws_port=stack.aws_port)

    def queues(self) -> list[str]:
        """List the URLs of the queues that tails have made."""
        return self.stage.sqs.list_queues(QueueNamePrefix="orders-events-tail-").get(
            "QueueUrls", []
        )

    def links(self) -> list[Any]:
        """List the rules of the bus, or the subscriptions of the topic."""
        target = self.stack.outputs["EventsTarget"]
        if self.kind == "sns":
            answer = self.stage.sns.list_subscriptions_by_topic(TopicArn=target)
            return list(answer["Subscriptions"])
        return list(self.stage.events.list_rules(EventBusName=target)["Rules"])

    def command(self, *options: str) -> list[str]:
        port = str(self.stack.aws_port)
        return [*self.ops, "events", "tail", "--aws-port", port, *options]


class Tail:
    """One `events tail` that is running."""

    def __init__(self, process: "subprocess.Popen[str]", notes: Path) -> None:
        self.process = process
        self._notes = notes

    @property
    def notes(self) -> str:
        return self._notes.read_text()

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()

    def close_pipe(self) -> None:
        assert self.process.stdout
        self.process.stdout.close()

    def ends(self) -> int:
        return self.process.wait(LIMIT_SECONDS)


@contextmanager
def tail(place: Place, directory: Path, *options: str) -> Iterator[Tail]:
    """Start a tail, and wait until it waits for events."""
    notes = directory / "notes"
    with (
        notes.open("w") as stderr,
        subprocess.Popen(
            place.command(*options),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | {"NO_COLOR": "1", "COLUMNS": "40"},
        ) as process,
    ):
        started = Tail(process, notes)
        try:
            eventually(lambda: WAITING in started.notes or process.poll() is not None)
            assert process.poll() is None, started.notes
            yield started
        finally:
            process.kill()


@pytest.fixture(scope="module", params=["eventbridge", "sns"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, ops: list[str]
) -> Iterator[Place]:
    log = tmp_path_factory.mktemp(request.param) / "log"
    with LocalStack(events=request.param, log_file=log) as stack:
        yield Place(stack, request.param, ops)


def test_each_accepted_order_is_a_line(place: Place, tmp_path: Path) -> None:
    with tail(place, tmp_path, "--count", "1") as tailing:
        made = place.queues(), place.links()
        receipt = place.api.post(order_text("order-1", channel="web")).body

        line = tailing.line()
        assert tailing.ends() == 0

    time, *rest = line.rstrip("\n").split("  ")
    assert [len(each) for each in made] == [1, 1]
    assert time == place.api.get("/orders/order-1").body["order"]["processedAt"]
    # On one line, though the terminal is narrow.
    submission = f"submission {receipt['submissionId']}"
    assert rest == ["orders.order.accepted", "order-1", "web", submission]
    assert made[0][0].rsplit("/", 1)[1] in tailing.notes.replace("\n", "")
    assert (place.queues(), place.links()) == ([], [])


def test_json_is_the_event_that_a_consumer_gets(place: Place, tmp_path: Path) -> None:
    with tail(place, tmp_path, "--count", "1", "--json") as tailing:
        place.api.post(order_text("order-2"), traceparent=TRACEPARENT)

        event = json.loads(tailing.line())
        assert tailing.ends() == 0

    order = place.api.get("/orders/order-2").body["order"]
    assert event["id"] == f"{order['submissionId']}.{order['payloadSha256']}"
    assert event["subject"] == event["data"]["orderId"] == "order-2"
    assert event["data"]["s3Key"] == order["s3Key"]
    assert event["source"] == "urn:orders:orders"
    assert event["traceparent"] == TRACEPARENT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_removes_what_was_made(place: Place, tmp_path: Path, number: signal.Signals) -> None:
    with tail(place, tmp_path) as tailing:
        tailing.process.send_signal(number)

        assert tailing.ends() == 0

    assert "Ended: 0 shown" in tailing.notes
    assert "Traceback" not in tailing.notes
    assert (place.queues(), place.links()) == ([], [])


def test_a_closed_pipe_ends_it_even_if_nothing_comes(place: Place, tmp_path: Path) -> None:
    with tail(place, tmp_path) as tailing:
        tailing.close_pipe()

        tailing.ends()

    assert "Traceback" not in tailing.notes
    assert (place.queues(), place.links()) == ([], [])


def test_a_closed_pipe_ends_it_when_something_comes(place: Place, tmp_path: Path) -> None:
    with tail(place, tmp_path) as tailing:
        place.api.post(order_text("order-3"))
        assert "order-3" in tailing.line()
        tailing.close_pipe()
        place.api.post(order_text("order-4"))

        tailing.ends()

    assert "Traceback" not in tailing.notes
    assert (place.queues(), place.links()) == ([], [])


def test_it_ends_after_its_seconds_and_says_that_too_few_came(place: Place) -> None:
    done = subprocess.run(
        place.command("--count", "1", "--seconds", "1"),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert (place.queues(), place.links()) == ([], [])


def test_what_a_killed_one_leaves_is_removed_by_the_next(place: Place, tmp_path: Path) -> None:
    with tail(place, tmp_path) as killed:
        killed.process.kill()
        killed.ends()
    (left,) = place.queues()
    # As in five minutes.
    place.stage.sqs.tag_queue(QueueUrl=left, Tags={LOAN_TAG: "2026-01-01T00:00:00.000Z"})

    with tail(place, tmp_path) as tailing:
        (own,) = place.queues()
        links = place.links()
        tailing.process.send_signal(signal.SIGINT)
        tailing.ends()

    assert own != left
    assert len(links) == 1
    assert "Removed what an earlier run has left" in tailing.notes
    assert (place.queues(), place.links()) == ([], [])


def test_two_at_once_hear_the_same_and_remove_only_their_own(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with (
        tail(place, tmp_path, "--count", "1") as one,
        tail(place, tmp_path / "other", "--count", "2") as other,
    ):
        place.api.post(order_text("order-5"))
        heard = one.line(), other.line()
        assert one.ends() == 0
        assert len(place.queues()) == 1
        place.api.post(order_text("order-6"))
        last = other.line()
        assert other.ends() == 0

    assert heard[0] == heard[1]
    assert "order-6" in last
    assert (place.queues(), place.links()) == ([], [])


def test_a_worker_that_is_stopped_publishes_what_it_has_accepted(
    place: Place, tmp_path: Path
) -> None:
    with tail(place, tmp_path, "--count", "1") as tailing:
        place.api.post(order_text("order-7"))
        place.api.records("order-7", 1)
        place.stack.stop_worker()

        line = tailing.line()
        place.stack.start_worker()
        tailing.ends()

    assert "order-7" in line
