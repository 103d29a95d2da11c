"""No cache may keep an answer, of whatever route: it may hold an order, or a part of one."""

from typing import Any

import pytest

import app as orders_app
from chalicelib.http.document import read_document
from tests.builders import order_text
from tests.http.conftest import JSON, NDJSON, Api, BrokenQueue, running

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
PATHS = tuple(
    path.format(order_id="order-001", submission_id="id-1") for path in orders_app.app.routes
)
TEXTS = (b"{not json", b'{"id":"order-001","amount":"1"}', b"\xff")


def no_store(headers: Any) -> bool:
    found: bool = headers["cache-control"] == "no-store"
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_no_cache_keeps_an_answer_of_any_route(api: Api, path: str, method: str) -> None:
    api.post(order_text("order-001"))
    api.process_queue()

    answers = [
        api.request(method, path, body, {"Content-Type": content_type})
        for body in TEXTS
        for content_type in (JSON, NDJSON, "text/plain")
    ]

    assert all(no_store(answer.headers) for answer in answers)


@pytest.mark.parametrize("path", ["/orders/unknown", "/orders/im%20possible", "/orders?limit=0"])
def test_no_cache_keeps_a_problem(api: Api, path: str) -> None:
    answer = api.get(path)

    assert answer.status >= 400
    assert no_store(answer.headers)


def test_no_cache_keeps_a_fault_of_ours() -> None:
    with running(queue=BrokenQueue()) as api:
        answer = api.post(order_text())

    assert answer.status == 500
    assert no_store(answer.headers)


def test_no_cache_keeps_the_answer_to_an_event_that_is_no_request(api: Api) -> None:
    headers = {name.lower(): value for name, value in api.invoke({})["headers"].items()}

    assert no_store(headers)


def test_the_document_says_so_of_each_answer() -> None:
    document: Any = read_document("")

    said = [
        response.get("headers", document["components"]["responses"].get(named, {}).get("headers"))
        for path in document["paths"].values()
        for operation in path.values()
        for response in operation["responses"].values()
        for named in [response.get("$ref", "").rpartition("/")[2]]
    ]
    reference = {"$ref": "#/components/headers/CacheControl"}
    assert said
    assert all(headers["Cache-Control"] == reference for headers in said)
