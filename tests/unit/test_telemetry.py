"""Telemetry: the lines, the metrics, and the secrets that no log holds."""

import io
import itertools
import json
import logging
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.orders.submission import Submission
from chalicelib.services.processed import Processed
from chalicelib.services.processing import Processor
from chalicelib.services.suspects import FIRST_SUSPECT_RECEIVE
from chalicelib.services.unavailable import StoreUnavailable
from chalicelib.settings import LogSettings
from chalicelib.telemetry import Telemetry, hold_back_libraries, make_logger
from ops.cost.standing import METRICS
from tests.builders import START, Clock, order_text, redelivered, sqs_message
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore
from tests.hostile_texts import HOSTILE
from tests.properties.traceparents import TRACE, TRACEPARENT

_services = itertools.count()

SECRETS = ("55501234", "55509876", "31337.42", "31337", "shibboleth")


class Logged:
    """A system with its log."""

    def __init__(self, style: LogSettings) -> None:
        self.stream = io.StringIO()
        # Powertools keeps one logger for each service name: a new name gives a new stream.
        style = style._replace(service=f"orders-{next(_services)}")
        self.service = style.service
        self.telemetry = Telemetry(make_logger(style, self.stream), style.service)
        self.records = FakeRecordStore()
        self.archive = FakeArchive()
        self.queue = FakeQueue()
        self.clock = Clock(START + timedelta(milliseconds=42))

    def process(self, *messages: Any, **parts: Any) -> list[Processed]:
        given: dict[str, Any] = {
            "records": self.records,
            "archive": self.archive,
            "queue": self.queue,
            "reporter": self.telemetry,
            "clock": self.clock,
        }
        return Processor(**{**given, **parts}).process_batch(messages)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def logged() -> Logged:
    return Logged(LogSettings("json", colour=False))


@pytest.fixture
def readable() -> Logged:
    return Logged(LogSettings("text", colour=False))


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns far more often than usual, so that they get into each other's way."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def emf(output: str) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in output.splitlines() if '"_aws"' in line)


def test_a_line_of_the_processor_names_the_order_submission_request_and_attempt(
    logged: Logged,
) -> None:
    logged.process(
        sqs_message(receive_count=2, message_id="m-1", submissionId="s-1", requestId="r-1")
    )

    (line,) = logged.lines
    assert line["message"] == "accepted"
    assert line["level"] == "INFO"
    assert line["orderId"] == "order-001"
    assert line["submissionId"] == "s-1"
    assert line["requestId"] == "r-1"
    assert line["receiveCount"] == 2
    assert line["ageMs"] == 42
    assert line["isDuplicate"] is False
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("body", [order_text(), order_text(amount=0), "[1]"])
def test_a_line_of_the_processor_names_the_callers_trace(logged: Logged, body: str) -> None:
    logged.process(sqs_message(body, traceparent=TRACEPARENT))
    logged.process(sqs_message(body, traceparent=f"{TRACEPARENT}-1111111"))
    logged.process(sqs_message(body))

    traced, bad, plain = logged.lines
    assert traced["traceId"] == TRACE
    assert "traceId" not in {**bad, **plain}
    assert "1111111" not in json.dumps([bad])


@pytest.mark.parametrize(
    ("text", "message", "level"),
    [
        (order_text("new"), "accepted", "INFO"),
        (order_text("new", amount=0), "rejected", "INFO"),
        (order_text(), "duplicate", "INFO"),
        (order_text(amount=1), "duplicate", "WARNING"),
        ("[]", "unreadable", "WARNING"),
    ],
)
def test_a_line_names_the_outcome_of_the_message(
    logged: Logged, text: str, message: str, level: str
) -> None:
    logged.process(sqs_message())

    logged.process(sqs_message(text))

    line = logged.lines[-1]
    assert (line["message"], line["level"]) == (message, level)
    assert {"submissionId", "requestId", "receiveCount"} <= line.keys()


def test_a_line_names_the_suspects_before_they_are_tried(logged: Logged) -> None:
    """If the function dies, no line says what became of the one that kills it."""
    logged.process(sqs_message(receive_count=FIRST_SUSPECT_RECEIVE, message_id="m-1"))

    before, outcome = logged.lines
    assert (before["message"], before["messageIds"]) == ("suspects", ["m-1"])
    assert (outcome["message"], outcome["messageId"]) == ("accepted", "m-1")


def test_a_line_tells_a_redelivery_apart(logged: Logged) -> None:
    message = sqs_message()
    logged.process(message)

    logged.process(redelivered(message))

    assert logged.lines[-1]["message"] == "redelivered"


def test_a_line_names_errors_and_differences(logged: Logged) -> None:
    logged.process(sqs_message(order_text("a", amount=0)), sqs_message(order_text("b")))
    logged.process(sqs_message(order_text("b", amount=1)))

    assert logged.lines[0]["errors"] == ["amount:not_positive"]
    assert logged.lines[2]["differs"] == ["amount"]


def test_a_line_about_a_failing_store_holds_its_message(logged: Logged) -> None:
    with logged.archive.outage():
        logged.process(sqs_message())

    (line,) = logged.lines
    assert (line["message"], line["level"]) == ("failed", "ERROR")
    assert line["error"] == "StoreUnavailable"
    assert line["detail"] == "PutObject: ServiceUnavailable"


def test_a_line_about_any_other_error_holds_its_place_and_not_its_message(logged: Logged) -> None:
    class BrokenArchive(FakeArchive):
        def keep(self, submission: Submission) -> None:
            raise ValueError(submission.order.payload)

    logged.process(sqs_message(), archive=BrokenArchive())

    (line,) = logged.lines
    assert line["error"] == "ValueError"
    assert line["at"][-1].startswith("keep:")
    assert "1111111" not in logged.stream.getvalue()


def test_a_line_counts_the_messages_that_could_not_be_deleted(logged: Logged) -> None:
    logged.telemetry.left_undeleted(3, StoreUnavailable("SQS DeleteMessageBatch: Throttled"))

    (line,) = logged.lines
    assert (line["message"], line["messages"]) == ("left on the queue", 3)


def test_a_key_that_was_not_checked_is_a_line_and_a_metric_of_the_service(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    error = StoreUnavailable("DynamoDB PutItem of a key: ReadTimeoutError")

    logged.telemetry.key_unchecked(error, submission_id="s-1", request_id="r-1")

    (line,) = logged.lines
    assert (line["message"], line["level"]) == ("key unchecked", "WARNING")
    assert (line["submissionId"], line["requestId"]) == ("s-1", "r-1")
    assert (line["error"], line["detail"]) == ("StoreUnavailable", str(error))
    (metrics,) = emf(capsys.readouterr().out)
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert (metrics["service"], metrics["KeysUnchecked"]) == (logged.service, [1.0])
    assert directive["Dimensions"] == [["service"]]


def test_a_request_is_one_line(logged: Logged) -> None:
    logged.telemetry.answered(
        method="GET", route="/orders/{order_id}", status=200, duration_ms=7, request_id="r-1"
    )

    (line,) = logged.lines
    assert line["message"] == "GET /orders/{order_id}"
    assert (line["status"], line["durationMs"], line["requestId"]) == (200, 7, "r-1")


def test_the_line_of_a_request_has_the_fields_that_are_known(readable: Logged) -> None:
    readable.telemetry.answered(
        method="POST",
        route="/orders",
        status=202,
        duration_ms=7,
        request_id="r-1",
        fields={"orderId": "order-001", "submissionId": "s-1"},
    )

    (line,) = readable.stream.getvalue().splitlines()
    assert line.split()[-5:] == [
        "status=202",
        "durationMs=7",
        "requestId=r-1",
        "orderId=order-001",
        "submissionId=s-1",
    ]


def test_a_line_about_a_failed_request_says_why(logged: Logged) -> None:
    logged.telemetry.request_failed(StoreUnavailable("SQS SendMessage: 503"), "r-1")

    (line,) = logged.lines
    assert (line["message"], line["requestId"]) == ("request failed", "r-1")
    assert line["detail"] == "SQS SendMessage: 503"


def test_a_line_of_text_has_its_keys_as_name_and_value(readable: Logged) -> None:
    readable.process(sqs_message(submissionId="s-1", requestId="r-1", message_id="m-1"))

    (line,) = readable.stream.getvalue().splitlines()
    assert line[10:].split() == [
        line[10:24],
        "INFO",
        "accepted",
        "orderId=order-001",
        "submissionId=s-1",
        "requestId=r-1",
        "messageId=m-1",
        "receiveCount=1",
        "ageMs=42",
        "isDuplicate=false",
    ]


def test_text_has_colour_only_if_a_setting_says_so() -> None:
    plain = Logged(LogSettings("text", colour=False))
    coloured = Logged(LogSettings("text", colour=True))

    for logged in [plain, coloured]:
        logged.process(sqs_message("[]"))

    assert "\x1b" not in plain.stream.getvalue()
    assert "\x1b[33m" in coloured.stream.getvalue()


@pytest.mark.parametrize("style", ["json", "text"])
def test_no_input_can_forge_a_line(style: Any) -> None:
    logged = Logged(LogSettings(style, colour=False))
    forged = "x\n2026-03-01T12:00:00Z INFO accepted orderId=forged\r\x1b[2J\u2028"

    logged.process(sqs_message(order_text(channel=forged), submissionId=forged, requestId=forged))
    logged.process(sqs_message("{" + forged))
    logged.telemetry.left_undeleted(1, StoreUnavailable(forged))

    text = logged.stream.getvalue()
    assert text.count("\n") == 3
    assert not {"\x1b", "\r", "\u2028"} & set(text)


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_message_that_quotes_something_stays_text_on_its_line(text: str, colour: bool) -> None:
    lines = io.StringIO()
    service = f"quoting-{next(_services)}"
    logger = make_logger(LogSettings("text", colour=colour, service=service), lines)

    logger.warning("The queue can't be read: %s", text)

    quoted = text if text.isprintable() else json.dumps(text)[1:-1]
    assert f"The queue can't be read: {quoted}" in lines.getvalue()
    assert lines.getvalue().count("\n") == 1


def test_no_account_amount_or_payload_ever_gets_into_a_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Known values go through every path, failing ones included."""
    logged = Logged(LogSettings("json", colour=False))

    class BrokenArchive(FakeArchive):
        def keep(self, submission: Submission) -> None:
            raise ValueError(submission.order)

    secret: dict[str, Any] = {
        "amount": 31337.42,
        "fromAccount": "55501234",
        "toAccount": "55509876",
        "note": "shibboleth",
    }
    texts = [
        order_text(**secret),
        order_text(**{**secret, "amount": "31337.421"}),
        order_text(**{**secret, "toAccount": "55501234"}),
        order_text(**{**secret, "fromAccount": 55501234}),
        order_text(**{**secret, "fromAccount": "55501234shibboleth"}),
        order_text(**{**secret, "channel": "shibboleth"}),
        order_text(**{**secret, "toAccount": "1"}),
        order_text(**secret)[:-1],
        order_text(**secret)[:-1] + ', "shibboleth": 1, "shibboleth": 2}',
        order_text("shibboleth 55501234", **secret),
        '["55501234", 31337.42]',
        '"shibboleth"',
    ]
    for text in texts:
        message = sqs_message(text)
        logged.process(message)
        logged.process(redelivered(message))
        logged.process(sqs_message(text), archive=BrokenArchive())
        with logged.archive.outage(), logged.records.outage(), logged.queue.outage():
            logged.process(sqs_message(text))

    written = logged.stream.getvalue() + "".join(capsys.readouterr())
    assert written.count("\n") > 4 * len(texts)
    assert [secret for secret in SECRETS if secret in written] == []


def test_metrics_count_each_outcome_by_channel(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    web = order_text(channel="web")
    message = sqs_message(web)

    logged.process(
        message,
        redelivered(message),
        sqs_message(order_text(channel="web", amount=1)),
        sqs_message(order_text("b", channel="web", amount=0)),
        sqs_message("[]"),
    )

    by_channel = {metrics["channel"]: metrics for metrics in emf(capsys.readouterr().out)}
    counted = {
        channel: {name: value for name, value in metrics.items() if name.startswith(("Ord", "Red"))}
        for channel, metrics in by_channel.items()
    }
    assert counted == {
        "web": {
            "OrdersReceived": [3.0],
            "OrdersAccepted": [1.0],
            "OrdersDuplicate": [1.0],
            "OrdersConflicting": [1.0],
            "OrdersRejected": [1.0],
            "Redeliveries": [1.0],
        },
        "unspecified": {"OrdersReceived": [1.0], "OrdersUnreadable": [1.0]},
    }


def test_metrics_count_failures(logged: Logged, capsys: pytest.CaptureFixture[str]) -> None:
    with logged.records.outage():
        logged.process(sqs_message(order_text(channel="atm")))

    (metrics,) = emf(capsys.readouterr().out)
    assert (metrics["channel"], metrics["OrdersFailed"]) == ("atm", [1.0])


def test_the_cost_of_a_stage_counts_every_metric_that_can_be_published(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    """CloudWatch charges each name anew for the service and for every channel."""
    message = sqs_message(order_text())

    logged.process(
        message,
        redelivered(message),
        sqs_message(order_text()),
        sqs_message(order_text(amount=1)),
        sqs_message(order_text("b", amount=0)),
        sqs_message(order_text("c"), receive_count=2),
        sqs_message("[]"),
    )
    with logged.records.outage():
        logged.process(sqs_message(order_text("d")))

    published = {
        metric["Name"]
        for line in emf(capsys.readouterr().out)
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }
    assert len(published) == METRICS


def test_metrics_are_of_the_service_and_of_each_channel(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    logged.process(sqs_message())

    (metrics,) = emf(capsys.readouterr().out)
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Orders"
    assert directive["Dimensions"] == [["service"], ["service", "channel"]]
    assert metrics["service"] == logged.service


def test_metrics_keep_the_age_of_first_attempts_apart_from_retries(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    logged.process(
        sqs_message(order_text("a")),
        sqs_message(order_text("b")),
        sqs_message(order_text("c"), receive_count=2),
    )

    (metrics,) = emf(capsys.readouterr().out)
    assert metrics["ProcessingAge"] == [42.0, 42.0]
    assert metrics["ProcessingAgeRetried"] == [42.0]


@pytest.mark.parametrize("size", [99, 100])
def test_metrics_count_the_largest_batch_whole_and_without_a_warning(
    logged: Logged, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    """Powertools publishes by itself once a metric has 100 values."""
    logged.process(*(sqs_message(order_text(f"order-{number}")) for number in range(size)))

    metrics = list(emf(capsys.readouterr().out))
    assert [line["OrdersAccepted"] for line in metrics] == [[size]]
    assert [len(line["ProcessingAge"]) for line in metrics] == [size]


def test_a_batch_leaves_nothing_in_the_next_ones_metrics(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    """After 100 values of a metric Powertools keeps the dimensions that it has published."""
    logged.process(*(sqs_message(order_text(f"{n}", channel="web")) for n in range(100)))
    logged.process(sqs_message(order_text("a", channel="atm", amount=0)))

    _, metrics = emf(capsys.readouterr().out)
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service"], ["service", "channel"]]
    assert metrics["channel"] == "atm"
    names = {metric["Name"] for metric in directive["Metrics"]}
    assert names == {"OrdersReceived", "OrdersRejected", "ProcessingAge"}


def broken_print(*_: Any, **__: Any) -> None:
    raise BrokenPipeError


def test_metrics_that_could_not_be_published_do_not_count_to_another_batch(
    logged: Logged, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("builtins.print", broken_print)
        logged.process(sqs_message(order_text("a", channel="web")))

    logged.process(sqs_message(order_text("b", channel="atm")))

    (metrics,) = emf(capsys.readouterr().out)
    assert (metrics["channel"], metrics["OrdersReceived"]) == ("atm", [1.0])
    assert logged.telemetry.failures == 1


@pytest.mark.usefixtures("hasty_threads")
def test_metrics_count_batches_at_the_same_time_apart(logged: Logged) -> None:
    lines = io.StringIO()
    channels = ["web", "mobile", "atm"]

    def process(channel: str) -> None:
        for number in range(25):
            logged.process(sqs_message(order_text(f"{channel}-{number}", channel=channel)))

    with redirect_stdout(lines), ThreadPoolExecutor(len(channels)) as executor:
        list(executor.map(process, channels))

    # print writes a line and its end by two calls, and another thread may come between.
    printed = re.sub(r"\}\s*(?=\{)", "}\n", lines.getvalue())
    published = [(metrics["channel"], metrics["OrdersAccepted"]) for metrics in emf(printed)]
    assert sorted(published) == sorted((channel, [1.0]) for channel in channels for _ in range(25))


def test_metrics_count_a_message_whose_age_is_unknown(
    logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    unreadable = sqs_message("[]")._replace(sent_at=None)

    logged.process(unreadable)

    (metrics,) = emf(capsys.readouterr().out)
    assert metrics["OrdersUnreadable"] == [1.0]
    assert "ageMs" not in logged.lines[0]


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
@pytest.mark.parametrize("library", ["botocore.endpoint", "urllib3.connectionpool"])
def test_the_clients_of_aws_log_nothing_below_a_warning(
    caplog: pytest.LogCaptureFixture, library: str, level: int
) -> None:
    caplog.set_level(level)

    hold_back_libraries()
    logging.getLogger(library).log(level, "Making request with params: %s", order_text())
    logging.getLogger(library).warning("Connection pool is full")

    assert [record.getMessage() for record in caplog.records] == ["Connection pool is full"]


@pytest.mark.parametrize(
    ("text", "claimed", "counted"),
    [
        (order_text(), "atm", "atm"),
        (order_text(channel="web"), "atm", "web"),
        # A dimension of its own costs money each month: nobody makes one up.
        (order_text(), "made-up", "unspecified"),
    ],
)
def test_metrics_and_lines_count_an_order_to_its_own_channel_and_else_to_its_messages(
    logged: Logged, capsys: pytest.CaptureFixture[str], text: str, claimed: str, counted: str
) -> None:
    logged.process(sqs_message(text, channel=claimed))

    (metrics,) = emf(capsys.readouterr().out)
    assert metrics["channel"] == counted
    assert logged.lines[-1].get("channel", "unspecified") == counted


DAYS = [date(2026, 5, 14), date(2026, 5, 15)]


def test_a_line_says_which_day_was_sealed(logged: Logged) -> None:
    logged.telemetry.day_sealed({"day": "2026-05-14", "records": 3, "root": "ab"})

    (line,) = logged.lines
    assert (line["message"], line["level"]) == ("day sealed", "INFO")
    assert (line["day"], line["records"], line["root"]) == ("2026-05-14", 3, "ab")


@pytest.mark.parametrize("days", [[], DAYS])
def test_a_metric_counts_the_days_that_are_left_also_none(
    logged: Logged, capsys: pytest.CaptureFixture[str], days: list[date]
) -> None:
    """The alarm seals-late watches it: of the service alone, where it expects it."""
    logged.telemetry.days_left(days)

    (metrics,) = emf(capsys.readouterr().out)
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service"]]
    assert metrics["DaysUnsealed"] == [len(days)]


def test_a_line_says_which_day_is_next(logged: Logged) -> None:
    logged.telemetry.days_left([])
    assert logged.lines == []

    logged.telemetry.days_left(DAYS)

    (line,) = logged.lines
    assert (line["level"], line["days"], line["next"]) == ("WARNING", 2, "2026-05-14")
