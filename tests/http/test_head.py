"""HEAD: what GET answers, without the body (RFC 9110, 9.3.2)."""

import json
from typing import Any

import pytest

import app as orders_app
from chalicelib.http.document import read_document
from tests.builders import gateway_event, order_text, sqs_event, sqs_record
from tests.http.conftest import JSON, Api
from tests.http.test_errors import lines_of

ROUTES = orders_app.app.routes
READABLE = [path for path, methods in ROUTES.items() if "GET" in methods]


def both(api: Api, path: str, **headers: str) -> tuple[Any, Any]:
    """Ask with GET and with HEAD."""
    get, head = (
        api.client.http.request(method, path, headers=headers) for method in ("GET", "HEAD")
    )
    for each in (get, head):
        # Each request has its own.
        del each.headers["X-Request-Id"]
    return get, head


def test_every_route_that_is_read_has_head() -> None:
    assert [path for path in READABLE if "HEAD" not in ROUTES[path]] == []


def test_a_route_asks_for_a_signature_with_head_where_it_does_with_get() -> None:
    assert all(
        methods["HEAD"].authorizer is methods["GET"].authorizer
        for methods in ROUTES.values()
        if "GET" in methods
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((path.format(order_id="order-001", submission_id="s-1"), None) for path in READABLE),
        ("/orders/order-001?limit=0", 400),
        ("/orders/a%20b", 400),
        ("/orders/unknown", 404),
        ("/orders/order-001/submissions/s-1?wait=x", 400),
    ],
)
def test_head_answers_as_get_without_the_body(api: Api, path: str, status: int | None) -> None:
    api.process(sqs_event(sqs_record(order_text(), submissionId="s-1")))

    get, head = both(api, path)

    assert head.body == b""
    assert (head.status_code, head.headers) == (get.status_code, get.headers)
    assert head.status_code == status if status else head.status_code in {200, 302}


def test_head_of_health_tells_by_its_status_alone(api: Api) -> None:
    """Load balancers and monitors ask with HEAD."""
    well = api.client.http.head("/health")
    with api.queue.outage():
        ill = api.client.http.head("/health")

    assert [(each.status_code, each.body) for each in (well, ill)] == [(200, b""), (503, b"")]
    assert {each.headers["Content-Type"] for each in (well, ill)} == {"application/health+json"}


def test_head_has_no_body_on_api_gateway_either(api: Api) -> None:
    answer = api.invoke(gateway_event("HEAD", "/health"))

    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_the_answer_to_an_unknown_method_lists_head(api: Api) -> None:
    answer = api.request("DELETE", "/health")

    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_the_log_tells_head_from_get(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.request("HEAD", "/health", headers={"Content-Type": JSON})

    (line,) = lines_of(caplog)
    assert (line["message"], line["status"]) == ("HEAD /health", 200)


def test_the_document_describes_head_of_health_and_says_it_of_the_others() -> None:
    document = read_document("")

    head = document["paths"]["/health"]["head"]
    get = document["paths"]["/health"]["get"]
    assert head["responses"].keys() == get["responses"].keys()
    assert not any("content" in head["responses"][status] for status in ("200", "503"))
    assert "HEAD" in document["info"]["description"]
    assert json.dumps(head["security"]) == "[{}]"
