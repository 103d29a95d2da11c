"""The app as it is wired, over the emulator: the right resources, and no client too many."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.handlers import BUILTIN_HANDLERS
from botocore.session import Session
from chalice.test import Client

import app as orders_app
from chalicelib import wiring
from chalicelib.order_archive import OrderArchive
from chalicelib.processing import TIME_FOR_ONE_CALL_MS
from chalicelib.submissions import Status
from chalicelib.unavailable import StoreUnavailable
from ops.local.stack import LocalResources
from ops.ports import free_port
from tests.builders import order_text, sqs_event, sqs_record, submission

JSON = {"Content-Type": "application/json"}


class App:
    """The app over the emulator, and the clients that it made."""

    def __init__(self) -> None:
        self.http = Client(orders_app.app).http
        self.clients: list[str] = []

    def process(self, *records: dict[str, Any]) -> Any:
        handler: Any = orders_app.app.handler_map["process_orders"]
        return handler(sqs_event(*records), None)


@pytest.fixture
def app(local_resources: LocalResources, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    for name, value in local_resources.environment.items():
        monkeypatch.setenv(name, value)
    wiring.forget()
    app = App()
    make_client = Session.create_client

    def counted(session: Session, service: str, **options: Any) -> Any:
        app.clients.append(service)
        return make_client(session, service, **options)

    monkeypatch.setattr(Session, "create_client", counted)
    yield app
    wiring.forget()


def test_submitting_builds_an_sqs_client_and_no_other(app: App) -> None:
    answer = app.http.post("/orders", headers=JSON, body=order_text("wired-post").encode())
    app.http.post("/orders", headers=JSON, body=order_text("wired-post").encode())

    assert answer.status_code == 202
    assert app.clients == ["sqs"]


def test_processing_and_reading_back(app: App) -> None:
    assert app.process(sqs_record(order_text("wired-read"))) is None
    assert sorted(app.clients) == ["dynamodb", "s3"]
    wiring.forget()
    app.clients.clear()

    answer = app.http.get("/orders/wired-read")

    assert answer.json_body["order"]["status"] == Status.ACCEPTED
    assert sorted(app.clients) == ["dynamodb", "s3"]


def test_processing_builds_an_sqs_client_only_for_what_goes_wrong(app: App) -> None:
    app.process(sqs_record(order_text("wired-good")), sqs_record("{"), sqs_record("["))

    assert sorted(app.clients) == ["dynamodb", "s3", "sqs"]


def test_the_processor_is_ready_before_its_first_batch(app: App) -> None:
    wiring.prepare("process_orders")

    assert sorted(app.clients) == ["dynamodb", "s3"]


def test_the_events_are_ready_before_their_first_record(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_EVENTS_TARGET", "orders")

    wiring.prepare("publish_events")

    assert app.clients == ["events"]


@pytest.mark.parametrize("function", ["", "app", "another"])
def test_no_other_function_is_made_ready_for_what_it_may_not_need(app: App, function: str) -> None:
    wiring.prepare(function)

    assert app.clients == []


def test_health_asks_every_resource(app: App) -> None:
    answer = app.http.get("/health")

    assert answer.json_body["status"] in {"pass", "warn"}
    assert len(answer.json_body["checks"]) == 4


@pytest.mark.parametrize("setting", ["enabled", "disabled"])
def test_a_batch_is_answered_for_as_the_stage_is_set_up(
    app: App, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_PARTIAL_BATCH", setting)

    answer = app.process(sqs_record(order_text(f"wired-{setting}")))

    assert answer == ({"batchItemFailures": []} if setting == "enabled" else None)


def test_dead_letters_are_warned_of(app: App) -> None:
    app.process(sqs_record("[]"))

    assert app.http.get("/health").json_body["status"] == "warn"


def test_a_missing_setting_is_a_500_to_the_caller_and_said_in_the_log(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("ORDERS_QUEUE_URL")

    answer = app.http.post("/orders", headers=JSON, body=order_text().encode())

    assert answer.status_code == 500
    (failed,) = [line for line in caplog.records if line.message == "request failed"]
    assert "ORDERS_QUEUE_URL is not set" in vars(failed)["detail"]
    assert "ORDERS_QUEUE_URL" not in answer.body.decode()


def test_garbage_is_collected_once_the_app_is_loaded() -> None:
    check = "import gc, app; assert gc.isenabled()"

    subprocess.run([sys.executable, "-c", check], check=True)


def loaded_by(handler: str, resources: LocalResources) -> set[str]:
    """The modules that a function of the app has loaded when it is ready."""
    answer = subprocess.run(
        [sys.executable, "-c", "import sys, app; print(*sys.modules)"],
        env={
            **os.environ,
            **resources.environment,
            "ORDERS_EVENTS_TARGET": "orders",
            "_HANDLER": handler,
        },
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return set(answer.stdout.split())


@pytest.mark.parametrize(
    ("handler", "loads_api"),
    [("app.app", True), ("app.process_orders", False), ("app.publish_events", False)],
)
def test_only_a_function_that_answers_requests_loads_the_api(
    local_resources: LocalResources, handler: str, loads_api: bool
) -> None:
    names = ("api", "health", "intake", "queries", "representation", "web")
    modules = {f"chalicelib.{name}" for name in names}

    assert modules & loaded_by(handler, local_resources) == (modules if loads_api else set())


@pytest.mark.parametrize(
    ("handler", "most"),
    [("app.app", 410), ("app.process_orders", 400), ("app.publish_events", 400)],
)
def test_no_function_loads_boto3_or_more_than_it_did(
    local_resources: LocalResources, handler: str, most: int
) -> None:
    """
    Each module is paid for in every cold start: a number that grows is looked into first.

    They are ten or so less, by the release of Python.
    """
    loaded = loaded_by(handler, local_resources)

    assert loaded & {"boto3", "s3transfer", "pydantic", "aws_xray_sdk"} == set()
    assert len(loaded) <= most


@pytest.mark.parametrize("service", sorted(wiring.OPERATIONS))
def test_a_client_calls_the_handlers_that_it_would_call_with_all_of_them(service: str) -> None:
    kinds = {event.split(".")[0] for event, *_ in BUILTIN_HANDLERS} - {"docs"}
    events = {
        f"{kind}.{service}{suffix}"
        for kind in kinds
        for suffix in ("", *(f".{operation}" for operation in wiring.OPERATIONS[service]))
    }

    def called(session: Session, event: str) -> list[Any]:
        emitter: Any = session.get_component("event_emitter")
        handlers = emitter._emitter._handlers.prefix_search(emitter._alias_event_name(event))
        # Powertools registers one of its own with every session.
        return [each for each in handlers if each.__module__.startswith("botocore.")]

    ours, all_of_them = wiring._session(), Session()
    assert {event: called(ours, event) for event in events} == {
        event: called(all_of_them, event) for event in events
    }


def test_an_endpoint_that_does_not_answer_is_said_in_time() -> None:
    client = boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{free_port()}", config=wiring.HEALTH_CONFIG
    )

    with pytest.raises(StoreUnavailable, match="S3 PutObject: EndpointConnectionError"):
        OrderArchive(client, "orders").keep(submission())


@pytest.mark.parametrize("config", [wiring.CLIENT_CONFIG, wiring.HEALTH_CONFIG])
def test_no_call_outlasts_the_time_that_it_is_given(config: Any) -> None:
    attempts = config.retries["total_max_attempts"]
    # botocore's: 1 s after a throttle, doubled for each attempt, and 5 s more if AWS asks for it.
    backoff = sum(2**attempt + 5 for attempt in range(attempts - 1))
    longest = attempts * (config.connect_timeout + config.read_timeout) + backoff

    assert longest * 1000 <= TIME_FOR_ONE_CALL_MS
