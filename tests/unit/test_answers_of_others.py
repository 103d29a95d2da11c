"""
Something else than AWS answers: a wrong endpoint, an intercepting proxy, a captive portal.

Nothing counts as done, whatever the status, in the app and at the operators' desk.
"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.orders.record import Record
from chalicelib.services.acknowledging import BatchFailed
from chalicelib.services.unavailable import StoreUnavailable
from chalicelib.settings import Settings
from ops.aws_session import make_session
from ops.cli.commands import main
from ops.desk.desk import Desk
from ops.desk.stage import Stage
from ops.ports import LOOPBACK
from tests.application import client_of, load_app
from tests.builders import START, order_text, sqs_event, sqs_message, sqs_record, submission

ID = {"x-amzn-requestid": "0123456789"}
PAGE = b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"
HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}

OTHERS = {
    "a page": (200, HTML, PAGE),
    "nothing": (200, {}, b""),
    "an empty object": (200, JSON, b"{}"),
    "an array": (200, JSON, b"[1]"),
    "no content": (204, {}, b""),
    "a page that says not found": (404, HTML, PAGE),
    "a page that says precondition failed": (412, HTML, PAGE),
    "a code of AWS in an answer of none": (400, JSON, b'{"__type": "QueueDoesNotExist"}'),
    "a redirect": (302, HTML | {"Location": "http://portal.example/"}, PAGE),
}
# These have a request id, as a gateway of AWS gives one, and nothing else that a service puts in.
GATEWAYS = {
    "an empty object of a gateway": (200, JSON | ID, b"{}"),
    "nothing of a gateway": (200, ID, b""),
}


class Other(ThreadingHTTPServer):
    """Answers every request in the same way."""

    answer: tuple[int, dict[str, str], bytes]
    daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Other

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer  # noqa: N815 (http.server's names)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[Other]:
    with Other((LOOPBACK, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(params=[*OTHERS, *GATEWAYS])
def other(request: pytest.FixtureRequest, server: Other) -> Other:
    server.answer = (OTHERS | GATEWAYS)[request.param]
    return server


@pytest.fixture(params=OTHERS)
def no_service(request: pytest.FixtureRequest, server: Other) -> Other:
    server.answer = OTHERS[request.param]
    return server


@pytest.fixture(scope="module", params=["boto3", "obstore"])
def application(request: pytest.FixtureRequest, server: Other) -> Iterator[Application]:
    """Make the application once over each library of the archive: its clients take longest."""
    over = {"ORDERS_ARCHIVE": request.param}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        yield Application(environment(server) | over, LambdaClients())


@pytest.fixture(scope="module")
def app(application: Application) -> Any:
    return load_app(application).app


@pytest.fixture(scope="module")
def desk(server: Other) -> Desk:
    return Desk(Stage("dev", environment(server), make_session(), server.url))


def environment(server: Other) -> dict[str, str]:
    return {
        "ORDERS_QUEUE_URL": f"{server.url}/000000000000/orders",
        "ORDERS_DLQ_URL": f"{server.url}/000000000000/orders-dlq",
        "ORDERS_BUCKET": "orders",
        "ORDERS_TABLE": "orders",
    }


@pytest.mark.usefixtures("other")
def test_an_order_that_no_queue_took_gets_503(app: Any) -> None:
    answer = client_of(app).http.post(
        "/orders", headers={"Content-Type": "application/json"}, body=order_text().encode()
    )

    assert answer.status_code == 503
    assert answer.json_body["type"].endswith("problem:unavailable")


@pytest.mark.usefixtures("other")
def test_lines_that_no_queue_took_get_503_and_are_unconfirmed(app: Any) -> None:
    body = "\n".join(order_text(f"order-{number}") for number in range(12)).encode()

    answer = client_of(app).http.post(
        "/order-batches", headers={"Content-Type": "application/x-ndjson"}, body=body
    )

    assert answer.status_code == 503
    assert {each["status"] for each in answer.json_body["results"]} == {"UNCONFIRMED"}


@pytest.mark.usefixtures("other")
def test_a_message_that_no_store_recorded_stays_on_the_queue(app: Any) -> None:
    messages = [sqs_record(order_text(f"order-{number}")) for number in range(2)]

    with pytest.raises(BatchFailed, match=r"^2 of 2 messages failed"):
        app.handler_map["process_orders"](sqs_event(*messages), None)


@pytest.mark.usefixtures("other")
def test_a_letter_that_no_queue_took_stays_on_the_queue(app: Any) -> None:
    with pytest.raises(BatchFailed, match=r"^1 of 1 messages failed"):
        app.handler_map["process_orders"](sqs_event(sqs_record("no JSON")), None)


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("path", ["/orders", "/orders/order-001"])
def test_reading_gets_503_and_no_empty_list(path: str, app: Any) -> None:
    answer = client_of(app).http.get(path)

    assert answer.status_code == 503


@pytest.mark.usefixtures("no_service")
def test_the_health_check_fails_for_everything(app: Any) -> None:
    answer = client_of(app).http.get("/health")

    assert answer.status_code == 503
    assert {check["status"] for (check,) in answer.json_body["checks"].values()} == {"fail"}


@pytest.mark.usefixtures("no_service")
def test_the_record_and_the_object_of_an_order_are_not_taken_for_written(
    application: Application,
) -> None:
    order = submission()
    proof = "version|code|ETag" if application.settings.archive_over_obstore else "request id"
    refused = rf"^S3 PutObject: the answer \(\d+\) has no ({proof})"

    with pytest.raises(StoreUnavailable, match=refused):
        application.archive.keep(order)
    with pytest.raises(StoreUnavailable, match=r"^DynamoDB PutItem: the answer \(\d+\) has no req"):
        application.records.take(Record.of_first(order, START))


@pytest.mark.usefixtures("other")
def test_messages_that_no_queue_deleted_are_not_taken_for_deleted(
    application: Application,
) -> None:
    with pytest.raises(StoreUnavailable, match=r"^SQS DeleteMessageBatch: "):
        application.queue.delete([sqs_message()])


def run(desk: Desk, *typed: str) -> Result:
    return CliRunner().invoke(main, typed, obj=lambda *_: desk)


COMMANDS = [
    ("orders", "list"),
    ("orders", "show", "order-001"),
    ("orders", "export", "orders.csv"),
    ("duplicates",),
    ("rejects",),
    ("dlq", "list"),
    ("dlq", "show", "m-1"),
    ("dlq", "redrive", "--all", "--yes"),
    ("dlq", "discard", "--all", "--why", "a test", "--yes"),
    ("reconcile",),
    ("reconcile", "--repair", "--yes"),
    ("replay", "--into", "orders-copy", "--yes"),
    ("stats",),
    ("audit",),
]
WHOLE = ("agree", "No such", "no orders", "There is no", "No orders", "Nothing")


@pytest.mark.parametrize("kind", ["a page", "an empty object", "a page that says not found"])
@pytest.mark.parametrize("typed", COMMANDS, ids=" ".join)
def test_a_command_over_something_else_fails_in_one_sentence(
    typed: tuple[str, ...], kind: str, server: Other, desk: Desk
) -> None:
    server.answer = OTHERS[kind]

    result = run(desk, *typed)

    assert (result.exit_code, type(result.exception)) == (3, SystemExit), result.output
    assert "not AWS's" in result.output
    assert not [words for words in WHOLE if words in result.output]


@pytest.mark.usefixtures("no_service")
def test_the_health_command_fails_for_everything(desk: Desk) -> None:
    result = run(desk, "health")

    assert result.exit_code == 1
    assert "pass" not in result.output
    assert result.output.count("fail") == 4


def test_what_a_real_service_answers_counts(server: Other, application: Application) -> None:
    server.answer = (200, JSON | ID, b'{"MessageId": "m-1", "MD5OfMessageBody": "d"}')

    application.queue.send("{}", {})

    assert Settings.from_env(environment(server)).queue_url.startswith(server.url)
