"""The log as CloudWatch gets it: JSON lines, metrics, and errors that say what to do."""

from typing import Any

import pytest

from tests.aws_limits.cases import broken_rules
from tests.aws_parts import LAMBDA_RUNTIME
from tests.builders import gateway_event, order_text, sqs_event
from tests.lambda_runtime.account import Account, change_of
from tests.lambda_runtime.conftest import Start
from tests.lambda_runtime.function import Function
from tests.lambda_runtime.package import API, PROCESSOR, PUBLISHER, Package

pytestmark = pytest.mark.aws_part(LAMBDA_RUNTIME.name)

SECRET = {"fromAccount": "55501234", "toAccount": "55509876", "amount": "31337.42"}
# In the values of a request that is signed, and in no line that says what happened.
NEVER_LOGGED = (*SECRET.values(), "31337.421", "Authorization", "AWS4-HMAC-SHA256")
AS_CHALICE_DEPLOYS = {
    "ORDERS_PARTIAL_BATCH": "disabled",
    "AWS_LAMBDA_LOG_FORMAT": "Text",
    "AWS_LAMBDA_LOG_LEVEL": "",
}
POSTED = gateway_event("POST", "/orders", body=order_text("posted", **SECRET))


@pytest.fixture
def each_kind(account: Account) -> dict[str, Any]:
    """Deliver an order of each verdict, one that fails, and one that can't be read."""
    account.spoil_record("spoilt")
    return account.deliver(
        order_text("logged", **SECRET, channel="web"),
        order_text("logged", **{**SECRET, "toAccount": "1"}),
        order_text("logged-too", **{**SECRET, "amount": "31337.421"}),
        order_text("spoilt", **SECRET),
        order_text("half", **SECRET)[:-1],
    )


def lines_of_messages(function: Function) -> list[dict[str, Any]]:
    return [line for line in function.log if "messageId" in line]


def secrets_in(function: Function) -> list[str]:
    return [secret for secret in NEVER_LOGGED if any(secret in line for line in function.lines)]


def test_each_message_is_one_json_line_that_names_its_service_and_request(
    plain: Package, start: Start, each_kind: dict[str, Any]
) -> None:
    function = start(plain, PROCESSOR)

    function.invoke(each_kind)

    lines = lines_of_messages(function)
    ids = [record["messageId"] for record in each_kind["Records"]]
    assert sorted(line["messageId"] for line in lines) == sorted(ids)
    assert sorted(line["message"] for line in lines) == [
        *("accepted", "duplicate", "failed", "rejected", "unreadable")
    ]
    assert {line["service"] for line in lines} == {"orders-dev"}
    # Without one from the API, a message's own id.
    assert [line["requestId"] for line in lines] == [line["messageId"] for line in lines]


def test_the_log_holds_nothing_but_the_lines_of_messages_and_of_metrics(
    plain: Package, start: Start, each_kind: dict[str, Any]
) -> None:
    function = start(plain, PROCESSOR)

    function.invoke(each_kind)

    others = [line for line in function.log if "messageId" not in line]
    assert [line for line in others if "_aws" not in line] == []
    assert len(others) == 2  # channel web, and none
    assert secrets_in(function) == []


def test_the_metrics_of_a_batch_are_of_the_embedded_metric_format(
    plain: Package, start: Start, each_kind: dict[str, Any]
) -> None:
    function = start(plain, PROCESSOR)

    function.invoke(each_kind)

    metrics = [line for line in function.log if "_aws" in line]
    assert [broken_rules("cloudwatch.EmbeddedMetrics", line) for line in metrics] == [[], []]
    assert {line["channel"] for line in metrics} == {"web", "unspecified"}
    for line in metrics:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Orders"
        assert directive["Dimensions"] == [["service"], ["service", "channel"]]
    assert sum(sum(line["OrdersReceived"]) for line in metrics) == 5


@pytest.mark.parametrize("level", ["DEBUG", "TRACE"])
def test_no_log_level_of_lambda_makes_libraries_log_an_order(
    plain: Package, start: Start, each_kind: dict[str, Any], level: str
) -> None:
    """The function's ApplicationLogLevel is the root logger's: botocore would log all it sends."""
    api = start(plain, API, log_level=level)
    processor = start(plain, PROCESSOR, log_level=level)

    assert api.invoke(POSTED).body["statusCode"] == 202
    processor.invoke(each_kind)

    assert (secrets_in(api), secrets_in(processor)) == ([], [])
    assert len(lines_of_messages(processor)) == 5


def test_each_request_is_one_json_line(plain: Package, start: Start) -> None:
    function = start(plain, API)

    function.invoke(POSTED)
    function.invoke(gateway_event("GET", "/health"))

    assert [line["message"] for line in function.log] == ["POST /orders", "GET /health"]
    assert [line["status"] for line in function.log] == [202, 200]
    assert {line["requestId"] for line in function.log} == {"request-1"}
    assert secrets_in(function) == []


@pytest.mark.parametrize(
    ("name", "variables", "says"),
    [
        (PROCESSOR, {"ORDERS_TABLE": None}, "ORDERS_TABLE is not set: "),
        (PUBLISHER, {"ORDERS_EVENTS_TARGET": None}, "ORDERS_EVENTS_TARGET is not set: "),
        (API, {"ORDERS_AUTH": "nobody"}, "ORDERS_AUTH must be one of iam, none: it is 'nobody'"),
    ],
)
def test_a_function_that_lacks_a_setting_says_so_in_one_sentence_at_init(
    plain: Package, start: Start, name: str, variables: dict[str, str | None], says: str
) -> None:
    function = start(plain, name, variables=variables)

    answer = function.invoke(sqs_event())

    kind = "SettingMissing" if "is not set" in says else "SettingsError"
    assert (answer.status, answer.body["errorType"]) == (502, kind)
    assert answer.body["errorMessage"].startswith(says)
    (error,) = [line for line in function.log if line["level"] == "ERROR"]
    assert error["errorMessage"] == answer.body["errorMessage"]


def test_lambdas_own_line_of_an_error_is_text_after_chalice_deploy(
    plain: Package, start: Start, each_kind: dict[str, Any]
) -> None:
    """Chalice sets no log format. The function's own lines are JSON all the same."""
    function = start(plain, PROCESSOR, variables=AS_CHALICE_DEPLOYS)

    function.invoke(each_kind)

    *own, error = function.lines
    assert error.startswith("[ERROR] BatchFailed: 1 of 5 messages failed and stay on the queue")
    assert all(line.startswith("{") for line in own)
    assert secrets_in(function) == []


def test_the_api_answers_without_a_setting_and_logs_which_one(plain: Package, start: Start) -> None:
    function = start(plain, API, variables={"ORDERS_QUEUE_URL": None})

    answer = function.invoke(POSTED)

    assert answer.body["statusCode"] == 500
    assert "ORDERS_QUEUE_URL" not in answer.body["body"]
    (error,) = [line for line in function.log if line["level"] == "ERROR"]
    assert (error["message"], error["error"]) == ("request failed", "SettingMissing")
    assert error["detail"].startswith("ORDERS_QUEUE_URL is not set: ")


@pytest.mark.parametrize(
    ("name", "event", "error"),
    [
        (PROCESSOR, {"records": []}, ("KeyError", "'Records'")),
        (
            PUBLISHER,
            {"Records": [change_of("untold")]},
            ("StoreUnavailable", "SNS PublishBatch: NotFound"),
        ),
    ],
)
def test_an_exception_that_leaves_a_function_is_one_json_line_with_its_place(
    plain: Package, start: Start, name: str, event: dict[str, Any], error: tuple[str, str]
) -> None:
    gone = {"ORDERS_EVENTS_TARGET": "arn:aws:sns:us-east-1:000000000000:gone"}
    function = start(plain, name, variables=gone)

    answer = function.invoke(event)

    assert (answer.body["errorType"], answer.body["errorMessage"]) == error
    (line,) = function.log
    assert line.pop("level") == "ERROR"
    assert line.pop("timestamp").endswith("Z")
    assert line == answer.body
    assert line.keys() == {"errorMessage", "errorType", "requestId", "stackTrace"}
    assert any("app.py" in frame for frame in line["stackTrace"])
