"""The app under Chalice's test client, over fakes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from chalice.app import Chalice
from chalice.test import Client

from tests.application import FakeApplication, client_of, load_app
from tests.builders import Clock, sqs_event, sqs_record
from tests.fakes import FakeQueue, SentMessage

JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass
class Answer:
    """An answer of the API."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Api:
    """The app, and the fakes that it runs over."""

    def __init__(
        self, app: Chalice, client: Client, application: FakeApplication, clock: Clock
    ) -> None:
        self.app = app
        self.client = client
        self.application = application
        self.clock = clock
        self.queue = application.fake_queue
        self.records = application.fake_records
        self.archive = application.fake_archive

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

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Call the app with an event, as API Gateway does."""
        answer: dict[str, Any] = self.app(event, None)
        return answer

    def process(self, event: Mapping[str, Any]) -> Any:
        """Invoke the processor as Lambda does."""
        return self.client.lambda_.invoke("process_orders", dict(event)).payload

    def process_queue(self) -> None:
        """Deliver what is on the queue, one second after it was put there."""
        self.clock.now += timedelta(seconds=1)
        sent, self.queue.sent = self.queue.sent, []
        self.process(sqs_event(*(_delivered(message) for message in sent)))


def post_lines(api: Api, body: str | bytes, *, query: str = "", **headers: str) -> Answer:
    """Hand in the lines of a body."""
    data = body.encode() if isinstance(body, str) else body
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.request("POST", f"/order-batches{query}", data, {"Content-Type": NDJSON, **given})


def _delivered(message: SentMessage) -> dict[str, Any]:
    details: dict[str, Any] = {**message.attributes}
    return sqs_record(message.body, **details)


class BrokenQueue(FakeQueue):
    """A queue that has a fault: it raises an error that no adapter raises."""

    def send(self, *_: object) -> None:
        raise RuntimeError("password in here")


@contextmanager
def running(*, queue: FakeQueue | None = None, **settings: Any) -> Iterator[Api]:
    """Run the app with these settings, each an environment variable."""
    clock = Clock()
    application = FakeApplication(clock, queue=queue, **settings)
    app: Chalice = load_app(application).app
    with client_of(app) as client:
        yield Api(app, client, application, clock)


@pytest.fixture
def api() -> Iterator[Api]:
    with running() as api:
        yield api
