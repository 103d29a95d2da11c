"""Telemetry never fails an order: not by a setting, not by an exception of its own."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics
from aws_lambda_powertools.shared import constants

from chalicelib.orders.record import UnreadableRecord
from chalicelib.services.unavailable import StoreUnavailable
from chalicelib.settings import LogSettings, take_out_unusable
from chalicelib.telemetry import Telemetry, make_logger
from tests.application import FakeApplication, load_app
from tests.builders import Clock, order_text, sqs_event, sqs_record

# Processes one order, and prints its verdict and the answer for the batch, on standard error.
PROCESS = """
import sys
from tests.application import FakeApplication, load_app
from tests.builders import Clock, order_text, sqs_event, sqs_record
application = FakeApplication(Clock())
app = load_app(application).app
answer = app.handler_map["process_orders"](sqs_event(sqs_record(order_text("order-001"))), None)
(record,) = application.fake_records.of("order-001")
print(record.status.value, answer, file=sys.stderr)
"""
VARIABLES = sorted(
    {
        value
        for value in vars(constants).values()
        if isinstance(value, str) and value.startswith(("POWERTOOLS_", "LOG_LEVEL", "AWS_LAMBDA_L"))
    }
)


def process(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROCESS],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_variables_are_those_of_powertools() -> None:
    assert {"POWERTOOLS_METRICS_DISABLED", "POWERTOOLS_DEBUG", "LOG_LEVEL"} <= set(VARIABLES)


@pytest.mark.parametrize("junk", ["maybe", "", "-1", "nan", "ñ\n"])
def test_an_order_is_processed_whatever_the_variables_of_powertools_say(junk: str) -> None:
    ended = process(dict.fromkeys(VARIABLES, junk))

    assert ended.stderr.splitlines()[-1:] == ["ACCEPTED None"], ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["orderId"] for line in lines if line.get("message") == "accepted"] == ["order-001"]
    assert [line["OrdersAccepted"] for line in lines if "OrdersAccepted" in line] == [[1.0]]


@pytest.mark.parametrize("name", ["POWERTOOLS_METRICS_DISABLED", "LOG_LEVEL"])
def test_a_setting_that_is_ignored_is_logged(name: str) -> None:
    ended = process({name: "maybe"})

    ignored = [line for line in map(json.loads, ended.stdout.splitlines()) if "setting" in line]
    assert [(line["level"], line["message"]) for line in ignored] == [
        ("WARNING", "setting ignored")
    ]
    assert [line["setting"] for line in ignored] == [f"{name}='maybe'"]


def test_a_function_logs_each_setting_that_is_ignored_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("chalicelib.application.IGNORED", {"LOG_LEVEL": "loud"})
    application = FakeApplication(Clock(), ORDERS_SERVICE="orders-ignored")
    app = load_app(application).app

    for _ in range(2):
        app.handler_map["process_orders"](sqs_event(sqs_record(order_text("o-1"))), None)

    assert capsys.readouterr().out.count("setting ignored") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POWERTOOLS_METRICS_DISABLED", "maybe"),
        ("POWERTOOLS_DEV", ""),
        ("LOG_LEVEL", "loud"),
        ("POWERTOOLS_LOG_LEVEL", "10"),
        ("POWERTOOLS_LOGGER_SAMPLE_RATE", "x"),
        ("POWERTOOLS_LOGGER_SAMPLE_RATE", "2"),
        ("POWERTOOLS_LOGGER_SAMPLE_RATE", "nan"),
    ],
)
def test_a_setting_that_does_not_do_is_taken_out(name: str, value: str) -> None:
    environment = {name: value, "ORDERS_TABLE": "orders"}

    assert take_out_unusable(environment) == {name: value}
    assert environment == {"ORDERS_TABLE": "orders"}


def test_settings_that_do_are_kept() -> None:
    usable = {
        "POWERTOOLS_METRICS_DISABLED": "TRUE",
        "POWERTOOLS_DEV": "0",
        "POWERTOOLS_LOGGER_SAMPLE_RATE": "0.1",
        "POWERTOOLS_LOG_LEVEL": "debug",
        "LOG_LEVEL": "WARNING",
        "ORDERS_TABLE": "maybe",
    }
    environment = dict(usable)

    assert take_out_unusable(environment) == {}
    assert environment == usable


class Broken(io.StringIO):
    """A stream that takes nothing."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def fail(*_: Any, **__: Any) -> None:
    raise ValueError("55501234 is in this message")


@pytest.mark.parametrize(
    ("owner", "method"),
    [
        (EphemeralMetrics, "__init__"),
        (EphemeralMetrics, "add_dimensions"),
        (EphemeralMetrics, "add_metric"),
        (EphemeralMetrics, "flush_metrics"),
    ],
)
def test_metrics_that_fail_fail_no_order(
    owner: type,
    method: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    application = FakeApplication(Clock(), ORDERS_SERVICE=f"orders-{method}")
    app = load_app(application).app
    monkeypatch.setattr(owner, method, fail)
    message = sqs_record(order_text("order-001", fromAccount="55501234"))

    assert app.handler_map["process_orders"](sqs_event(message), None) is None

    assert [record.valid for record in application.fake_records.of("order-001")] == [True]
    written = capsys.readouterr().out
    failures = [json.loads(line) for line in written.splitlines() if "telemetry failed" in line]
    assert [(it["level"], it["error"], it["of"], it["failures"]) for it in failures] == [
        ("ERROR", "ValueError", "batch_processed", 1)
    ]
    assert "55501234" not in written


def reports(telemetry: Telemetry) -> dict[str, Callable[[], None]]:
    broken: Any = None
    return {
        "answered": lambda: telemetry.answered(
            method="GET", route="/orders", status=200, duration_ms=1, request_id="r-1"
        ),
        "request_failed": lambda: telemetry.request_failed(ValueError(), "r-1"),
        "suspects_tried": lambda: telemetry.suspects_tried([broken]),
        "processed": lambda: telemetry.processed(broken),
        "batch_processed": lambda: telemetry.batch_processed([broken]),
        "left_undeleted": lambda: telemetry.left_undeleted(1, StoreUnavailable("x")),
        "key_unchecked": lambda: telemetry.key_unchecked(
            StoreUnavailable("x"), submission_id="s-1", request_id="r-1"
        ),
        "record_unreadable": lambda: telemetry.record_unreadable(
            UnreadableRecord("order-001", "0#FIRST", "", "it has no status")
        ),
        "day_sealed": lambda: telemetry.day_sealed({}),
        "days_left": lambda: telemetry.days_left([broken]),
        "setting_ignored": lambda: telemetry.setting_ignored("LOG_LEVEL", "maybe"),
    }


def test_no_report_raises_even_where_no_line_can_be_written() -> None:
    service = "orders-broken"
    telemetry = Telemetry(make_logger(LogSettings("json", colour=False, service=service)), service)
    logger: Any = type("Logger", (), {"info": fail, "warning": fail, "error": fail})()
    telemetry._logger = logger
    listed = reports(telemetry)

    for report in listed.values():
        report()

    assert telemetry.failures == len(listed)
    public = {name for name, it in vars(Telemetry).items() if callable(it) and name[0] != "_"}
    assert listed.keys() == public


def test_a_stream_that_takes_nothing_fails_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    application = FakeApplication(Clock(), ORDERS_SERVICE="orders-stream")
    app = load_app(application).app
    monkeypatch.setattr("logging.raiseExceptions", False)
    monkeypatch.setattr(sys, "stdout", Broken())

    answer = app.handler_map["process_orders"](sqs_event(sqs_record(order_text("o-1"))), None)

    assert answer is None
    assert application.fake_records.of("o-1")
