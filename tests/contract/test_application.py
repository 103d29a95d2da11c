"""
The application over the emulator: it uses the right resources, and makes no client too many.

What reads or writes the table runs once more with its table on AWS's own engine.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.handlers import BUILTIN_HANDLERS
from botocore.session import Session
from chalice.test import Client

from chalicelib.application import Application
from chalicelib.aws.clients import (
    CLIENT_CONFIG,
    HEALTH_CONFIG,
    KEY_CONFIG,
    KEY_SECONDS,
    OPERATIONS,
    S3_CONFIG,
    ClientFactory,
    LambdaClients,
    make_session,
)
from chalicelib.aws.s3 import OrderArchive
from chalicelib.orders.record import Status
from chalicelib.services.batch_calls import CONFLICT_PAUSES_SECONDS
from chalicelib.services.time_limit import TIME_FOR_ONE_CALL_MS
from chalicelib.services.unavailable import StoreUnavailable
from ops.local.stack import LocalResources
from ops.ports import free_port
from tests.application import client_of, load_app, project_with
from tests.builders import order_text, sqs_event, sqs_record, submission
from tests.configuration.own import TEXT as CONFIGURATION
from tests.contract.conftest import ON_DYNAMODB_LOCAL, Aws
from tests.largest import ORDER_ID, invalid_order_with_the_largest_errors, largest_delivery
from tests.limits import Limit

MOST_MODULES = Limit(
    # Eleven of them are of the API's keys, batches and callers. They cost the other functions three
    # milliseconds or so, too: one composition root imports all services. One reads the caller's
    # traceparent, in both. One saves a tenth of a start. Python 3.13 loads three more than 3.11.
    442,
    "Modules that a function has loaded before its first request",
    "MOST_MODULES",
    "tests/contract/test_application.py",
    "the cold start, in which each module is paid for",
    "type make bench, which measures cold starts",
)
# Seven are of the archive over obstore, which spares it the client of S3.
MOST_MODULES_OF_PROCESSOR = MOST_MODULES._replace(most=449, name="MOST_MODULES_OF_PROCESSOR")
LARGE_RECORDS = 250
JSON = {"Content-Type": "application/json"}


class CountingFactory(ClientFactory):
    """Makes clients, and notes of which service each is."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[str] = []

    def make(self, service: str, config: Config) -> Any:
        self.made.append(service)
        return super().make(service, config)


class App:
    """An app of its own over the emulator, and the clients that it made."""

    def __init__(self, environment: dict[str, str]) -> None:
        factory = CountingFactory()
        self.clients = factory.made
        self.application = Application(environment, LambdaClients(factory=factory))
        self._app = load_app(self.application).app
        self.http = client_of(self._app).http

    def process(self, *records: dict[str, Any]) -> Any:
        return self._app.handler_map["process_orders"](sqs_event(*records), None)


@pytest.fixture
def environment(
    request: pytest.FixtureRequest,
    local_resources: LocalResources,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Return the settings, and set those for botocore, which reads no others."""
    settings = local_resources.environment | {"ORDERS_ARCHIVE": "boto3"}
    if getattr(request, "param", None) == "dynamodb_local":
        engine: Aws = request.getfixturevalue("dynamodb_local")
        settings["ORDERS_TABLE"] = engine.table
        settings["AWS_ENDPOINT_URL_DYNAMODB"] = engine.dynamodb.meta.endpoint_url
    for name, value in settings.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return settings


on_both_tables = pytest.mark.parametrize(
    "environment", ["ministack", ON_DYNAMODB_LOCAL], indirect=True
)


@pytest.fixture
def app(environment: dict[str, str]) -> App:
    return App(environment)


def test_a_post_makes_an_sqs_client_and_no_other(app: App) -> None:
    answer = app.http.post("/orders", headers=JSON, body=order_text("wired-post").encode())
    app.http.post("/orders", headers=JSON, body=order_text("wired-post").encode())

    assert answer.status_code == 202
    assert app.clients == ["sqs"]


def test_a_post_with_a_key_makes_a_client_of_the_table_too(app: App) -> None:
    headers = JSON | {"Idempotency-Key": "wired-key"}
    for _ in range(2):
        answer = app.http.post("/orders", headers=headers, body=order_text("wired-key").encode())

    assert answer.headers["Idempotent-Replayed"] == "true"
    assert app.clients == ["dynamodb", "sqs"]


@on_both_tables
def test_a_used_key_refuses_other_bytes_and_stays_out_of_every_list(app: App) -> None:
    headers = JSON | {"Idempotency-Key": "wired-used"}
    app.http.post("/orders", headers=headers, body=order_text("wired-used").encode())

    answer = app.http.post("/orders", headers=headers, body=order_text("wired-other").encode())

    assert answer.status_code == 422
    assert answer.json_body["orderId"] == "wired-used"
    listed = app.http.get("/orders?limit=200").json_body
    assert listed["unreadable"] == []
    assert "wired-used" not in str(listed["records"])


def test_over_obstore_no_function_makes_a_client_of_s3(environment: dict[str, str]) -> None:
    over = environment | {"ORDERS_ARCHIVE": "obstore"}
    processor, reader = App(over), App(over)

    processor.process(sqs_record(order_text("wired-obstore")))
    answer = reader.http.get("/orders/wired-obstore")
    health = reader.http.get("/health").json_body

    assert answer.json_body["order"]["status"] == Status.ACCEPTED
    with urlopen(answer.json_body["s3Url"]) as downloaded:
        assert downloaded.read().decode() == order_text("wired-obstore")
    (of_bucket,) = [health["checks"][name] for name in health["checks"] if "bucket" in name]
    assert [check["status"] for check in of_bucket] == ["pass"]
    assert processor.clients == ["dynamodb"]
    assert sorted(set(reader.clients)) == ["dynamodb", "sqs"]


def test_to_read_an_order_over_obstore_loads_no_library_of_s3(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A URL is signed with the credentials alone: to load obstore took a third of a first GET."""
    App(environment).process(sqs_record(order_text("wired-signed")))
    monkeypatch.setitem(sys.modules, "chalicelib.aws.obstore_archive", None)
    reader = App(environment | {"ORDERS_ARCHIVE": "obstore"})

    order = reader.http.get("/orders/wired-signed").json_body
    submission_id = order["order"]["submissionId"]
    read = reader.http.get(f"/orders/wired-signed/submissions/{submission_id}").json_body

    for url in (order["s3Url"], read["s3Url"]):
        with urlopen(url) as downloaded:
            assert downloaded.read().decode() == order_text("wired-signed")
    assert reader.clients == ["dynamodb"]
    assert "setting ignored" not in caplog.messages


def test_without_obstore_for_this_processor_the_archive_is_over_boto3(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An emulator's Lambda runs a package for arm64 too, wherever it is."""
    monkeypatch.setitem(sys.modules, "chalicelib.aws.obstore_archive", None)
    app = App(environment | {"ORDERS_ARCHIVE": "obstore"})

    app.process(sqs_record(order_text("wired-elsewhere")))

    assert sorted(app.clients) == ["dynamodb", "s3"]
    (line,) = [vars(each) for each in caplog.records if each.message == "setting ignored"]
    assert line["setting"] == "ORDERS_ARCHIVE='obstore'"


def test_a_dry_run_makes_no_client(app: App) -> None:
    """So it calls nothing of AWS, needs no right there, and is no slower where AWS is."""
    headers = JSON | {"Idempotency-Key": "wired-dry"}
    answer = app.http.post(
        "/orders?dryRun=true", headers=headers, body=order_text("wired-dry").encode()
    )

    assert answer.status_code == 200
    assert app.clients == []


def test_chalices_test_client_reaches_the_stage_that_it_names(
    local_resources: LocalResources, tmp_path: Path
) -> None:
    """`Client(app, stage_name="local")` works on what `make run` has started."""
    project = project_with(tmp_path, local=local_resources.environment)
    body = order_text("wired-stage")
    with Client(load_app().app, stage_name="local", project_dir=str(project)) as client:
        receipt = client.http.post("/orders", headers=JSON, body=body.encode())
        client.lambda_.invoke("process_orders", client.events.generate_sqs_event([body]))
        answer = client.http.get("/orders/wired-stage")

    assert receipt.status_code == 202
    assert answer.json_body["order"]["status"] == Status.ACCEPTED


@on_both_tables
def test_a_get_reads_a_processed_order_and_makes_no_client_but_the_tables(
    environment: dict[str, str],
) -> None:
    processor, reader = App(environment), App(environment)
    assert processor.process(sqs_record(order_text("wired-read"))) is None
    assert sorted(processor.clients) == ["dynamodb", "s3"]

    answer = reader.http.get("/orders/wired-read")

    assert answer.json_body["order"]["status"] == Status.ACCEPTED
    assert reader.clients == ["dynamodb"]


@on_both_tables
def test_the_processor_makes_an_sqs_client_only_when_something_goes_wrong(app: App) -> None:
    app.process(sqs_record(order_text("wired-good")))
    assert sorted(app.clients) == ["dynamodb", "s3"]

    app.process(sqs_record(order_text("wired-good")), sqs_record("{"), sqs_record("["))

    assert sorted(app.clients) == ["dynamodb", "s3", "sqs"]


def test_threads_that_ask_at_once_share_one_client(app: App) -> None:
    """A first batch may have many unreadable messages, and health asks about two queues at once."""
    app.process(*[sqs_record("{") for _ in range(8)])
    with ThreadPoolExecutor(2) as executor:
        list(executor.map(lambda _: app.application.health.report(), range(2)))

    assert sorted(app.clients) == sorted(["dynamodb", "s3", "sqs"] * 2)


@pytest.mark.parametrize(
    ("function", "kind", "clients"),
    [
        ("process_orders", "off", ["dynamodb", "s3"]),
        ("publish_events", "eventbridge", ["events"]),
        ("publish_events", "sns", ["sns"]),
    ],
)
def test_a_function_makes_its_clients_before_it_is_first_called(
    environment: dict[str, str], function: str, kind: str, clients: list[str]
) -> None:
    settings = {"ORDERS_EVENTS": kind, "ORDERS_EVENTS_TARGET": "orders"}
    app = App(environment | settings)

    app.application.prepare(function)

    assert sorted(app.clients) == clients


@pytest.mark.parametrize("function", ["", "app", "another"])
def test_any_other_function_makes_no_client_before_it_is_called(app: App, function: str) -> None:
    app.application.prepare(function)

    assert app.clients == []


@on_both_tables
def test_health_asks_every_resource(app: App) -> None:
    answer = app.http.get("/health")

    assert answer.json_body["status"] in {"pass", "warn"}
    assert len(answer.json_body["checks"]) == 4


@on_both_tables
def test_a_batch_is_recorded_and_every_route_shows_it(app: App) -> None:
    """One call takes the first slots; the duplicate, the conflict and the correction follow."""
    texts = [
        order_text("wired-1", amount="25.80"),
        order_text("wired-2", amount=0),
        order_text("wired-1", amount="25.80", note="again"),
        order_text("wired-1", amount="99.00"),
        order_text("wired-2"),
    ]
    app.process(*map(sqs_record, texts))

    first, second = (app.http.get(f"/orders/{order_id}") for order_id in ("wired-1", "wired-2"))
    listed = app.http.get("/orders?limit=200").json_body

    told = [(r["status"], r["isDuplicate"], r["differs"]) for r in first.json_body["records"]]
    assert sorted(told) == [
        ("ACCEPTED", False, []),
        ("DUPLICATE", True, []),
        ("DUPLICATE", True, ["amount"]),
    ]
    assert first.json_body["order"]["amount"] == 25.8
    assert [record["status"] for record in second.json_body["records"]] == ["REJECTED", "ACCEPTED"]
    assert second.json_body["order"]["status"] == Status.ACCEPTED
    ours = [order for order in listed["records"] if order["orderId"] in {"wired-1", "wired-2"}]
    assert len(ours) == len(texts)


@on_both_tables
def test_records_that_fill_more_than_one_page_of_dynamodb_are_each_shown_once(app: App) -> None:
    """A query ends after 1 MB of items, and an answer before Lambda's 6 MB of JSON."""
    text = invalid_order_with_the_largest_errors() + '"}'
    for start in range(0, LARGE_RECORDS, 10):
        app.process(*[largest_delivery(text, start + number) for number in range(10)])

    for path in (f"/orders/{ORDER_ID}", "/orders"):
        seen, sizes, cursor = [], [], ""
        while cursor is not None:
            body = app.http.get(f"{path}?limit=200{cursor and f'&cursor={cursor}'}").json_body
            sizes.append(len(body["records"]))
            seen += [r["submissionId"] for r in body["records"] if r["orderId"] == ORDER_ID]
            cursor = body["cursor"]
        assert sorted(seen) == [f"{number:0128}" for number in range(LARGE_RECORDS)]
        assert max(sizes) < LARGE_RECORDS


@pytest.mark.parametrize("setting", ["enabled", "disabled"])
def test_the_stages_setting_decides_the_answer_for_a_batch(
    environment: dict[str, str], setting: str
) -> None:
    app = App(environment | {"ORDERS_PARTIAL_BATCH": setting})

    answer = app.process(sqs_record(order_text(f"wired-{setting}")))

    assert answer == ({"batchItemFailures": []} if setting == "enabled" else None)


def test_health_warns_of_dead_letters(app: App) -> None:
    app.process(sqs_record("[]"))

    assert app.http.get("/health").json_body["status"] == "warn"


def test_only_the_log_names_a_missing_setting(
    environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """To the caller it is a 500."""
    del environment["ORDERS_QUEUE_URL"]

    answer = App(environment).http.post("/orders", headers=JSON, body=order_text().encode())

    assert answer.status_code == 500
    (failed,) = [line for line in caplog.records if line.message == "request failed"]
    assert "ORDERS_QUEUE_URL is not set" in vars(failed)["detail"]
    assert "ORDERS_QUEUE_URL" not in answer.body.decode()


def loaded_by(handler: str, resources: LocalResources) -> set[str]:
    """List the modules that a function of the app has loaded before it is first called."""
    return set(
        printed_at_start_of(handler, resources, "import sys, app; print(*sys.modules)").split()
    )


def printed_at_start_of(handler: str, resources: LocalResources, program: str) -> str:
    """Run a program as a function of the app that starts, and return what it prints."""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            **resources.environment,
            # Without the layer of aws_limits, which loads modules of its own.
            "PYTHONPATH": "",
            "ORDERS_EVENTS_TARGET": "orders",
            "ORDERS_SEALS": "on",
            "_HANDLER": handler,
        },
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return answer.stdout


@pytest.mark.parametrize("handler", ["app.app", "app.process_orders", "app.publish_events"])
def test_no_function_loads_boto3_or_more_modules_than_before(
    local_resources: LocalResources, handler: str
) -> None:
    """
    Each module is paid for in every cold start: a number that grows is looked into first.

    They are ten or so less, by the release of Python.
    """
    loaded = loaded_by(handler, local_resources)

    assert loaded & {"boto3", "s3transfer", "pydantic", "aws_xray_sdk"} == set()
    assert "chalicelib.chalice_local" not in loaded
    # Only the processor puts orders into the archive.
    assert ("obstore" in loaded) == (handler == "app.process_orders")
    # Only an answer with a sentence needs it.
    assert "tomllib" not in loaded
    # Only the function that seals needs them, and loads them itself.
    assert {name for name in loaded if re.search(r"\.(kms|nightly|seal\w*|merkle)$", name)} == set()
    most = MOST_MODULES_OF_PROCESSOR if handler == "app.process_orders" else MOST_MODULES
    most.require(len(loaded))


FREEZING = """
import gc
gc.collect()
before = sum(generation["collections"] for generation in gc.get_stats())
import app
after = sum(generation["collections"] for generation in gc.get_stats())
print(after - before, gc.isenabled(), gc.get_freeze_count() > 50_000)
"""


@pytest.mark.parametrize("handler", ["app.app", "app.process_orders", "app.publish_events"])
def test_no_function_looks_for_garbage_while_it_loads_or_in_what_it_has_loaded(
    local_resources: LocalResources, handler: str
) -> None:
    """That took 9% of a cold start. Each request's own garbage is collected as ever."""
    assert printed_at_start_of(handler, local_resources, FREEZING).split() == ["0", "True", "True"]


@pytest.mark.parametrize("service", sorted(OPERATIONS))
def test_a_client_calls_the_same_handlers_as_one_with_all_handlers(service: str) -> None:
    kinds = {event.split(".")[0] for event, *_ in BUILTIN_HANDLERS} - {"docs"}
    events = {
        f"{kind}.{service}{suffix}"
        for kind in kinds
        for suffix in ("", *(f".{operation}" for operation in OPERATIONS[service]))
    }

    def called(session: Session, event: str) -> list[Any]:
        emitter: Any = session.get_component("event_emitter")
        handlers = emitter._emitter._handlers.prefix_search(emitter._alias_event_name(event))
        # Powertools registers one of its own with every session.
        return [each for each in handlers if each.__module__.startswith("botocore.")]

    ours, all_of_them = make_session(), Session()
    assert {event: called(ours, event) for event in events} == {
        event: called(all_of_them, event) for event in events
    }


def test_the_archive_is_unavailable_when_its_endpoint_does_not_answer() -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    client = boto3.client("s3", endpoint_url=endpoint, config=HEALTH_CONFIG.merge(S3_CONFIG))

    with pytest.raises(StoreUnavailable, match="S3 PutObject: EndpointConnectionError"):
        OrderArchive(client, "orders").keep(submission())


def test_a_key_and_a_queue_that_do_not_answer_leave_an_answer_time() -> None:
    """Within the function's 20 seconds, and API Gateway's 29: longer would be a 502 or a 504."""
    seconds = [seconds_without_an_answer(config) for config in (KEY_CONFIG, CLIENT_CONFIG)]
    stages = json.loads(CONFIGURATION)["stages"]
    timeout = stages["prod"]["lambda_functions"]["api_handler"]["lambda_timeout"]

    assert seconds[0] <= KEY_SECONDS
    assert sum(seconds) + 1 < timeout < 29


def seconds_without_an_answer(config: Any) -> int:
    """Sum up the waiting, and the longest pauses between the attempts: 1 s, then 2 s."""
    attempts: int = config.retries["total_max_attempts"]
    waiting = attempts * (config.connect_timeout + config.read_timeout)
    return int(waiting + sum(2**attempt for attempt in range(attempts - 1)))


@pytest.mark.parametrize("config", [CLIENT_CONFIG, KEY_CONFIG, HEALTH_CONFIG])
def test_no_call_outlasts_its_time_limit(config: Any) -> None:
    attempts = config.retries["total_max_attempts"]
    # botocore's: 1 s after a throttle, doubled for each attempt, and 5 s more if AWS asks for it.
    backoff = sum(2**attempt + 5 for attempt in range(attempts - 1))
    longest = attempts * (config.connect_timeout + config.read_timeout) + backoff
    # The time is looked at before the pause that comes before a call.
    longest += max(CONFLICT_PAUSES_SECONDS)

    assert longest * 1000 <= TIME_FOR_ONE_CALL_MS
