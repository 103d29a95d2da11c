"""The path of a request: one id however it is encoded, one prefix however the path ends."""

import json
from typing import Any
from urllib.parse import quote

import pytest

import app as orders_app
from tests.builders import gateway_event, order_text, sqs_event, sqs_record
from tests.http.conftest import JSON, Answer, Api

UNRESERVED = "Az09-._~"
SUBMISSION = "/orders/{order_id}/submissions/{submission_id}"
STAGES = ["", "/prod", "/base/path"]
READABLE = [path for path, methods in orders_app.app.routes.items() if "GET" in methods]


@pytest.fixture
def recorded(api: Api) -> Api:
    """Hand in the order o-1, by the submission s_1, and another order whose id is near."""
    for order_id in ("o-1", "o2D1"):
        api.process(sqs_event(sqs_record(order_text(order_id), submissionId="s_1")))
    return api


def all_encoded(text: str, *, upper: bool) -> str:
    digits = "02X" if upper else "02x"
    return "".join(f"%{ord(character):{digits}}" for character in text)


def on_api_gateway(api: Api, order_id: str, *, given: str) -> Answer:
    """Ask for an order as API Gateway does, which hands on what it was `given`, or decodes it."""
    event = gateway_event("GET", f"/orders/{order_id}", resource="/orders/{order_id}")
    event["pathParameters"] = {"order_id": given}
    answer = api.invoke(event)
    return Answer(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


@pytest.mark.parametrize("order_id", ["o%2D1", "o%2d1", "%6F-1", "%6f%2D%31"])
def test_an_encoded_unreserved_character_is_the_character(recorded: Api, order_id: str) -> None:
    """RFC 3986, 2.3: a client may encode them, and a URI is the same URI with them or without."""
    of_order = recorded.get(f"/orders/{order_id}")
    of_submission = recorded.get(f"/orders/{order_id}/submissions/s%5F1")

    assert of_order.body["order"]["orderId"] == "o-1"
    assert of_submission.body["submission"]["orderId"] == "o-1"


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("order_id", ["AZaz09-._", "%", "a/b", "~"])
def test_every_character_of_an_id_may_be_encoded(api: Api, order_id: str, upper: bool) -> None:
    path = f"/orders/{all_encoded(order_id, upper=upper)}"

    answer = api.get(path)

    assert answer.status == (404 if order_id == "AZaz09-._" else 400)
    assert json.dumps(order_id).strip('"') in answer.body["detail"]


@pytest.mark.parametrize("given", ["o-1", "o%2D1"])
def test_an_order_is_found_whether_the_gateway_decodes_the_path_or_not(
    recorded: Api, given: str
) -> None:
    answer = on_api_gateway(recorded, "o%2D1", given=given)

    assert answer.status == 200
    assert answer.body["order"]["orderId"] == "o-1"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("o%2F1", "o/1"),
        ("o%5C1", "o\\\\1"),
        ("o%252D1", "o%2D1"),
        ("o%25252D1", "o%252D1"),
        ("o%zz1", "o%zz1"),
        ("o%2", "o%2"),
        ("o%", "o%"),
        ("o%2G1", "o%2G1"),
        ("o%u002D1", "o%u002D1"),
        ("o%ff1", "o\\ufffd1"),
        ("o%C0%AD1", "o\\ufffd\\ufffd1"),
        ("o%E2%80%901", "o\\u20101"),
        ("o%001", "o\\u00001"),
        ("o%0A1", "o\\n1"),
        ("o+1", "o+1"),
        ("o%2B1", "o+1"),
        ("o%201", "o 1"),
        ("o-1%20", "o-1 "),
        ("o-1%3Bv=1", "o-1;v=1"),
        ("%2e%2e", ".."),
        ("%2E", "."),
        ("%2e%2e%2forders", "../orders"),
        ("%23key%23x", "#key#x"),
    ],
)
@pytest.mark.parametrize("rest", ["", "/submissions/s_1"])
def test_whatever_else_is_encoded_is_a_bad_id_and_never_another_order(
    recorded: Api, sent: str, shown: str, rest: str
) -> None:
    answer = recorded.get(f"/orders/{sent}{rest}")

    assert (answer.status, answer.body["type"]) == (400, "urn:orders:problem:invalid-parameters")
    assert [(error["field"], error["code"]) for error in answer.body["errors"]] == [
        ("orderId", "bad_id")
    ]
    assert f'"{shown}"' in answer.body["detail"]


def test_a_long_encoded_id_is_as_long_as_what_it_stands_for(api: Api) -> None:
    longest = "%61" * 64

    assert api.get(f"/orders/{longest}").status == 404
    assert "65 characters" in api.get(f"/orders/{longest}%61").body["detail"]


def event_of(path: str, route: str, stage: str, ending: str = "") -> dict[str, Any]:
    event = gateway_event(
        "GET", path, resource=route, stage=stage, path=f"{stage}{path.rstrip('/')}{ending}"
    )
    event["pathParameters"] = {"order_id": "o-1", "submission_id": "s_1"}
    return event


@pytest.mark.parametrize("ending", ["", "/", "//"])
@pytest.mark.parametrize("stage", STAGES)
def test_the_prefix_is_of_the_stage_however_the_path_ends(
    api: Api, stage: str, ending: str
) -> None:
    handed_in = gateway_event(
        "POST", "/orders", stage=stage, body=order_text("o-1"), path=f"{stage}/orders{ending}"
    )
    document = event_of("/openapi.json", "/openapi.json", stage, ending)
    page = event_of("/docs", "/docs", stage, ending)
    root = event_of("/", "/", stage, ending)

    accepted, described, shown, led = map(api.invoke, (handed_in, document, page, root))

    assert accepted["headers"]["Location"] == f"{stage}/orders/o-1"
    assert json.loads(accepted["body"])["submissionUrl"].startswith(f"{stage}/orders/o-1/")
    assert json.loads(described["body"])["servers"] == [{"url": stage or "/"}]
    assert f"<code>{stage or '/'}</code>" in shown["body"]
    assert led["headers"]["Location"] == f"{stage}/docs"


@pytest.mark.parametrize("stage", STAGES)
def test_the_prefix_is_of_the_stage_however_the_route_is_encoded(api: Api, stage: str) -> None:
    event = event_of("/openapi.json", "/openapi.json", stage)
    event["requestContext"]["path"] = f"{stage}/%6Fpenapi%2Ejson"

    assert json.loads(api.invoke(event)["body"])["servers"] == [{"url": stage or "/"}]


@pytest.mark.parametrize("path", ["//evil.example/", "///evil.example", "//evil.example//"])
def test_no_path_leads_to_another_host(api: Api, path: str) -> None:
    """A `Location` that begins with two slashes would: Chalice's servers take such a path."""
    event = event_of("/", "/", "")
    event["requestContext"]["path"] = path

    assert api.invoke(event)["headers"]["Location"] == "/evil.example/docs"


@pytest.mark.parametrize("ending", ["", "/"])
@pytest.mark.parametrize("route", READABLE)
def test_a_slash_at_the_end_of_a_path_changes_no_answer(
    recorded: Api, route: str, ending: str
) -> None:
    path = route.format(order_id="o-1", submission_id="s_1").rstrip("/")

    assert recorded.request("GET", f"{path}{ending or ('/' if not path else '')}").status in {
        200,
        302,
    }


@pytest.mark.parametrize(
    "content_type",
    [
        *("text/plain", "application/xml", "application/octet-stream", "image/png", "*/*"),
        *("application/json; charset=utf-16", "application/json;charset=\u00fc", ";;;", "", " "),
        "x" * 4_000,
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("route", READABLE)
def test_a_request_without_a_body_may_name_any_content_type(
    recorded: Api, method: str, route: str, content_type: str
) -> None:
    """Many HTTP clients are set up to send one with each request."""
    path = route.format(order_id="o-1", submission_id="s_1")

    answer = recorded.request(method, path, headers={"Content-Type": content_type})

    assert answer.status in {200, 302}


def test_a_submission_is_still_refused_by_its_content_type(api: Api) -> None:
    answer = api.request("POST", "/orders", order_text().encode(), {"Content-Type": "text/plain"})

    assert answer.status == 415
    assert api.post(order_text(), **{"Content-Type": JSON}).status == 202


def test_no_encoding_of_an_unreserved_character_is_needed() -> None:
    """So no client that follows a link of ours meets one."""
    assert quote(UNRESERVED) == UNRESERVED
