"""What is the same for every route: problems, request ids, and what is kept to ourselves."""

import uuid

import pytest

import app as orders_app
from chalicelib import wiring
from tests.builders import order_text
from tests.http.conftest import Api


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/orders", {"POST", "GET"}),
        ("PUT", "/orders/order-001", {"GET"}),
        ("POST", "/health", {"GET"}),
    ],
)
def test_a_wrong_method_is_a_problem_that_names_the_right_ones(
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


def test_what_nobody_expected_is_a_500_that_holds_nothing_of_the_inside(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("password in here")

    monkeypatch.setattr(wiring, "intake", broken)

    answer = api.post(order_text())

    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["type"] == "urn:orders:problem:internal-error"
    assert "password" not in str(answer.body)
    assert answer.headers["x-request-id"]


def test_a_500_of_chalices_own_is_a_problem_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chalice refuses a response with a line break in a header, and answers with 500 itself."""
    monkeypatch.setattr("chalicelib.web.location_of", lambda *_: "a\nb")

    answer = api.post(order_text())

    assert answer.status == 500
    assert answer.body["type"] == "urn:orders:problem:internal-error"


def test_an_event_that_is_no_request_is_answered(api: Api) -> None:
    answer = orders_app.app({"requestContext": {}}, None)

    assert answer["statusCode"] == 404
    assert api.queue.sent == []


@pytest.mark.parametrize(
    ("path", "method", "closed"),
    [
        ("/orders", "POST", True),
        ("/orders", "GET", True),
        ("/orders/{order_id}", "GET", True),
        ("/health", "GET", False),
        ("/docs", "GET", False),
        ("/openapi.json", "GET", False),
    ],
)
def test_every_route_to_orders_is_closed_unless_the_stage_says_otherwise(
    path: str, method: str, *, closed: bool
) -> None:
    authorizer = orders_app.app.routes[path][method].authorizer

    assert (authorizer is not None) is closed
