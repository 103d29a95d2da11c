"""Every route alike: problems, request ids, and secrets that no answer and no log tells."""

import json
import uuid
from typing import Any

import pytest

import app as orders_app
from tests.builders import gateway_event, order_text
from tests.http.conftest import JSON, Api, BrokenQueue, running


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/orders", {"POST", "GET", "HEAD"}),
        ("PUT", "/orders/order-001", {"GET", "HEAD"}),
        ("POST", "/health", {"GET", "HEAD"}),
    ],
)
def test_the_problem_of_a_wrong_method_names_the_allowed_ones(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    answer = api.request(method, path)

    assert answer.status == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert answer.body["type"] == "urn:orders:problem:method-not-allowed"
    assert method in answer.body["detail"]


@pytest.mark.parametrize("path", ["/health", "/orders", "/orders/none"])
def test_a_well_formed_request_id_is_echoed(api: Api, path: str) -> None:
    assert api.get(path, X_Request_Id="abc-1.2_3").headers["x-request-id"] == "abc-1.2_3"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "ñ", "a;b"])
def test_another_request_id_is_replaced(api: Api, given: str) -> None:
    answer = api.get("/health", X_Request_Id=given)

    assert uuid.UUID(answer.headers["x-request-id"])


def test_chalices_own_errors_have_a_request_id_too(api: Api) -> None:
    answer = api.request("POST", "/orders", b"{}", {"Content-Type": "text/plain"})

    assert uuid.UUID(answer.headers["x-request-id"])


def test_the_request_id_goes_with_the_message(api: Api) -> None:
    answer = api.post(order_text())

    assert api.queue.sent[0].attributes["requestId"] == answer.headers["x-request-id"]


def test_a_500_tells_nothing_of_the_inside() -> None:
    with running(queue=BrokenQueue()) as api:
        answer = api.post(order_text())

    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["type"] == "urn:orders:problem:internal-error"
    assert "password" not in str(answer.body)
    assert answer.headers["x-request-id"]


def test_a_500_by_chalice_is_a_problem_too(api: Api) -> None:
    """Chalice refuses a response with a line break in a header, and answers with 500 itself."""
    event = gateway_event("POST", "/orders", body=order_text(), path="a\nb/orders")

    answer = api.invoke(event)

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["type"] == "urn:orders:problem:internal-error"


def test_an_event_that_is_no_request_gets_an_answer(api: Api) -> None:
    answer = api.invoke({"requestContext": {}})

    assert answer["statusCode"] == 404
    assert api.queue.sent == []


OPEN = {"/", "/health", "/docs", "/openapi.json", "/asyncapi.json"}
CLOSED = {
    "/orders",
    "/order-batches",
    "/orders/{order_id}",
    "/orders/{order_id}/submissions/{submission_id}",
}


def test_every_route_but_the_open_ones_requires_a_signature_by_default() -> None:
    routes = orders_app.app.routes
    closed = {
        (path, method): entry.authorizer is not None
        for path, methods in routes.items()
        for method, entry in methods.items()
    }

    assert routes.keys() == OPEN | CLOSED
    assert closed == {(path, method): path in CLOSED for path, method in closed}


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the log, one mapping a line."""
    return [vars(line) | {"message": line.getMessage()} for line in caplog.records]


@pytest.mark.parametrize("changes", [{}, {"amount": 0}], ids=["valid", "invalid"])
def test_the_line_of_a_queued_order_names_it(
    api: Api, caplog: pytest.LogCaptureFixture, changes: dict[str, Any]
) -> None:
    """Until the order is processed, only this line tells what became of it."""
    answer = api.post(order_text(**changes))

    (line,) = lines_of(caplog)
    assert (line["message"], line["status"]) == ("POST /orders", 202)
    assert (line["orderId"], line["submissionId"]) == ("order-001", "id-1")
    assert line["requestId"] == answer.headers["x-request-id"]
    assert "problem" not in line


def test_the_line_of_a_queued_order_names_it_even_if_the_answer_fails(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a path no Location can be made."""
    event = gateway_event("POST", "/orders", body=order_text())
    del event["requestContext"]["path"]

    api.invoke(event)

    line = lines_of(caplog)[-1]
    assert (line["status"], line["problem"], line["orderId"]) == (
        500,
        "internal-error",
        "order-001",
    )


@pytest.mark.parametrize(
    ("body", "status", "problem", "reason"),
    [
        ("[]", 400, "unreadable-order", "not_an_object"),
        ('{"id": "a", "55501234": 1, "55501234": 2}', 400, "unreadable-order", "repeated_key"),
        ('{"id": "55501234 31337.42"}', 400, "unreadable-order", "bad_id"),
        (" " * 300_000, 413, "order-too-large", "too_large"),
    ],
)
def test_the_line_of_a_refused_order_says_why_and_quotes_nothing(
    api: Api, caplog: pytest.LogCaptureFixture, *, body: str, status: int, problem: str, reason: str
) -> None:
    api.post(body)

    (line,) = lines_of(caplog)
    assert (line["status"], line["problem"], line["reason"]) == (status, problem, reason)
    assert not {"orderId", "submissionId"} & line.keys()
    assert "55501234" not in str(line)


def test_the_line_of_bad_parameters_has_the_codes_of_all_errors(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.get("/orders?limit=31337.42&valid=55501234&55501234=1")

    (line,) = lines_of(caplog)
    assert (line["status"], line["problem"]) == (400, "invalid-parameters")
    assert line["errors"] == ["unknown_parameter", "bad_boolean", "bad_limit"]
    assert "55501234" not in str(line)
    assert "31337.42" not in str(line)


def test_a_line_names_each_code_only_once(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Otherwise a request of a few kilobytes would leave a line of many more."""
    api.get("/orders?" + "&".join(f"p{number}=" for number in range(1_000)))

    (line,) = lines_of(caplog)
    assert line["errors"] == ["unknown_parameter"]


def test_the_line_of_an_impossible_id_does_not_name_it(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    api.get("/orders/55501234%20b")

    (line,) = lines_of(caplog)
    assert (line["message"], line["errors"]) == ("GET /orders/{order_id}", ["bad_id"])
    assert "55501234" not in str(line)


@pytest.mark.parametrize(
    ("method", "path", "headers", "problem"),
    [
        ("GET", "/orders/order-001", {}, "order-not-found"),
        ("DELETE", "/orders", {}, "method-not-allowed"),
        ("POST", "/orders", {"Content-Type": "text/plain"}, "unsupported-media-type"),
        (
            "POST",
            "/orders",
            {"Content-Type": JSON, "Content-Encoding": "gzip"},
            "unsupported-media-type",
        ),
    ],
)
def test_the_line_of_any_other_refusal_names_its_problem(
    api: Api,
    caplog: pytest.LogCaptureFixture,
    *,
    method: str,
    path: str,
    headers: dict[str, str],
    problem: str,
) -> None:
    api.request(method, path, headers=headers)

    (line,) = lines_of(caplog)
    assert line["problem"] == problem


def test_the_line_of_an_outage_names_it(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with api.queue.outage():
        api.post(order_text())

    failed, answered = lines_of(caplog)
    assert failed["message"] == "request failed"
    assert (answered["status"], answered["problem"]) == (503, "unavailable")
