"""
Milliseconds from handing in to recorded under the local stack: `python -m benchmarks.local_stack`.

Beside it, plain SQS clients hand messages to each other through the same emulator: no worker can be
quicker than that. Both take turns.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import tempfile
import threading
import time
import uuid
from datetime import datetime
from itertools import chain
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Protocol, Self

from benchmarks.emulators import client_of
from benchmarks.events import record
from benchmarks.progress import Progress
from benchmarks.report import table, together
from ops.local.mapping_settings import SQS_BATCH_LIMIT, Batching
from ops.local.stack import LocalStack
from ops.ports import LOOPBACK
from ops.proxies import exempting_this_machine

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 4
HANDED_IN = 25
ONE_AT_A_TIME = 0.0
TWENTY_A_SECOND = 0.05
# The emulator looks at a queue ten times a second: a steady rhythm would fall in with its looks.
LONGEST_REST_SECONDS = 0.1
PATIENCE_SECONDS = 30.0


class Way(Protocol):
    """A way for something that is handed in."""

    def begin(self) -> str:
        """Hand it in, and return its name."""

    def end(self, name: str) -> float:
        """Wait until it has arrived, and return how many ms it took."""


class PlainSqs:
    """From one plain client to another, of which as many poll as the worker has pollers."""

    def __init__(self, aws_url: str) -> None:
        self._sqs = client_of("sqs", aws_url)
        self._url = self._sqs.create_queue(QueueName="plain")["QueueUrl"]
        self._sent: dict[str, float] = {}
        self._received: dict[str, float] = {}
        self._news = threading.Condition()
        self._stopping = threading.Event()
        count = Batching().maximum_concurrency
        self._pollers = [threading.Thread(target=self._poll) for _ in range(count)]

    def __enter__(self) -> Self:
        for poller in self._pollers:
            poller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for poller in self._pollers:
            poller.join()

    def begin(self) -> str:
        name = str(uuid.uuid4())
        self._sent[name] = time.monotonic()
        self._sqs.send_message(QueueUrl=self._url, MessageBody=name)
        return name

    def end(self, name: str) -> float:
        with self._news:
            if not self._news.wait_for(lambda: name in self._received, PATIENCE_SECONDS):
                raise TimeoutError(f"A message did not arrive within {PATIENCE_SECONDS:g} s.")
        return 1000 * (self._received[name] - self._sent[name])

    def _poll(self) -> None:
        while not self._stopping.is_set():
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=SQS_BATCH_LIMIT, WaitTimeSeconds=1
            )
            now = time.monotonic()
            messages = answer.get("Messages", [])
            with self._news:
                self._received |= {message["Body"]: now for message in messages}
                self._news.notify_all()
            for message in messages:
                handle = message["ReceiptHandle"]
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=handle)


class Recorded:
    """From POST to the record, by the record's own times."""

    def __init__(self, api_port: int) -> None:
        self._api = http.client.HTTPConnection(LOOPBACK, api_port, timeout=PATIENCE_SECONDS)

    def begin(self) -> str:
        body: str = record("message", str(uuid.uuid4()))["body"]
        return f"{self._call('POST', '/orders', body)['submissionUrl']}&wait=10"

    def end(self, name: str) -> float:
        submission = self._call("GET", name)["submission"]
        received, processed = (
            datetime.fromisoformat(submission[moment]) for moment in ("receivedAt", "processedAt")
        )
        return 1000 * (processed - received).total_seconds()

    def _call(self, method: str, path: str, body: str | None = None) -> Any:
        self._api.request(method, path, body, {"Content-Type": "application/json"})
        answer = self._api.getresponse()
        found = json.load(answer)
        if answer.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"{method} {path} was answered with {answer.status}: {found}")
        return found


class Read(Recorded):
    """From POST to the answer of a GET that waits for the record."""

    def begin(self) -> str:
        self._began_at = time.monotonic()
        return super().begin()

    def end(self, name: str) -> float:
        super().end(name)
        return 1000 * (time.monotonic() - self._began_at)


def measure(progress: Progress) -> str:
    """Measure each way beside the plain one, and make the table."""
    with (
        tempfile.TemporaryDirectory() as directory,
        LocalStack(log_file=Path(directory) / "log") as stack,
        PlainSqs(stack.aws_url) as plain,
    ):
        recorded, read = Recorded(stack.api_port), Read(stack.api_port)
        # The first order of a process makes its clients.
        recorded.end(recorded.begin())
        rows = []
        for title, way, pause_seconds in (
            ("recorded, one at a time", recorded, ONE_AT_A_TIME),
            ("recorded, 20 a second", recorded, TWENTY_A_SECOND),
            ("read by a GET with `wait`, one at a time", read, ONE_AT_A_TIME),
        ):
            progress.step(f"local stack, {title}")
            rows.append([title, *_figures(_in_turn((plain, way), pause_seconds))])
    heads = ["p50 · p95 ms from POST", "plain SQS", "ours", "p50, times plain SQS"]
    return table(heads, rows)


def _in_turn(ways: tuple[Way, ...], pause_seconds: float) -> list[list[float]]:
    """Measure each in turn, so that a slow moment of the machine slows all of them."""
    rounds = [[_ages_ms(way, pause_seconds) for way in ways] for _ in range(ROUNDS)]
    return [list(chain(*of_one)) for of_one in zip(*rounds, strict=True)]


def _ages_ms(way: Way, pause_seconds: float) -> list[float]:
    """Hand in one after the other; with a mean pause in between, or when the last has arrived."""
    names, ages = [], []
    for _ in range(HANDED_IN):
        name = way.begin()
        if pause_seconds:
            names.append(name)
            time.sleep(random.uniform(0, 2 * pause_seconds))  # noqa: S311 (no secret)
        else:
            ages.append(way.end(name))
            time.sleep(random.uniform(0, LONGEST_REST_SECONDS))  # noqa: S311 (no secret)
    return [*ages, *map(way.end, names)]


def _figures(ages_of_each: Sequence[Sequence[float]]) -> list[str]:
    plain, ours = (median(ages) for ages in ages_of_each)
    cells = [
        together(f"{age:.0f}" for age in (median(ages), quantiles(ages, n=20)[-1]))
        for ages in ages_of_each
    ]
    return [*cells, f"{ours / plain:.2f}"]


if __name__ == "__main__":
    os.environ.update(exempting_this_machine(os.environ))
    print(measure(Progress()))  # noqa: T201
