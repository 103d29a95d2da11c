"""The app under Chalice's test client, over fakes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from chalice.test import Client

import app as orders_app
from chalicelib import wiring
from chalicelib.health import Health
from chalicelib.intake import Intake
from chalicelib.processing import Processor, delete_then_raise
from chalicelib.queries import Queries
from tests.builders import Clock, sqs_event, sqs_record
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, SentMessage

JSON = "application/json"


@dataclass
class Answer:
    """An answer of the API."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Api:
    """The app, and the fakes that it runs over."""

    def __init__(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client = client
        self.queue = FakeQueue()
        self.records = FakeRecordStore()
        self.archive = FakeArchive()
        self.clock = Clock()
        checks = {
            "queue": lambda: (self.queue.waiting(), None)[1],
            "deadLetterQueue": lambda: (
                "is not empty" if self.queue.dead_letters_waiting() else None
            ),
            "bucket": self.archive.check,
            "table": self.records.check,
        }
        services: dict[str, Any] = {
            "intake": Intake(self.queue, self.clock, new_id=lambda: "id-1"),
            "queries": Queries(self.records, self.archive, self.clock),
            "health": Health(checks),
            "processor": Processor(
                records=self.records,
                archive=self.archive,
                queue=self.queue,
                reporter=wiring.telemetry(),
                clock=self.clock,
            ),
            "acknowledge": delete_then_raise(self.queue, wiring.telemetry()),
        }
        for name, service in services.items():
            monkeypatch.setattr(wiring, name, lambda service=service: service)
        monkeypatch.setattr(wiring, "now", self.clock)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        response = self.client.http.request(method, path, headers=dict(headers or {}), body=body)
        headers_seen = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers_seen, response.json_body)

    def post(self, body: str | bytes, **headers: str) -> Answer:
        data = body.encode() if isinstance(body, str) else body
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/orders", data, {"Content-Type": JSON, **given})

    def get(self, path: str, **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("GET", path, headers=given)

    def process(self, event: Mapping[str, Any]) -> Any:
        """Invoke the processor as Lambda does."""
        return self.client.lambda_.invoke("process_orders", dict(event)).payload

    def process_queue(self) -> None:
        """Deliver what is on the queue, one second after it was put there."""
        self.clock.now += timedelta(seconds=1)
        sent, self.queue.sent = self.queue.sent, []
        self.process(sqs_event(*(_delivered(message) for message in sent)))


def _delivered(message: SentMessage) -> dict[str, Any]:
    details: dict[str, Any] = {**message.attributes}
    return sqs_record(message.body, **details)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with Client(orders_app.app) as client:
        yield Api(client, monkeypatch)
