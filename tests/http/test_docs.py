"""The API explains itself: to programs as OpenAPI, to people as a page that needs nothing else."""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from chalicelib.http.document import read_document
from chalicelib.http.document_page import render_page
from tests.builders import gateway_event, order_text
from tests.http.conftest import Api

DOCUMENT = json.loads(Path("chalicelib/http/openapi.json").read_text())
WITHOUT_END = {"meta", "br"}


class Reader(HTMLParser):
    """Reads a page as a browser does, but strictly: what is opened must be closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in WITHOUT_END:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, attribute: str) -> list[str]:
        return [value for name, value in self.attributes if name == attribute]


@pytest.fixture(scope="module")
def page() -> str:
    return render_page(read_document(""))


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return Reader(page)


def texts(value: Any, key: str = "") -> Iterator[str]:
    """Collect all texts of the document: names of properties, descriptions, values."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if key in {"properties", "paths", "schemas", "responses", "headers", "content"}:
                yield name
            yield from texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, key)
    elif key in {"summary", "description", "enum", "const", "pattern", "format", "name", "title"}:
        yield str(value)


def body_type(route: str) -> str:
    """Return the one type of body that an operation takes, JSON for one without a body."""
    body = DOCUMENT["paths"][route].get("post", {}).get("requestBody", {})
    (name,) = body.get("content", {"application/json": None})
    return str(name)


def test_the_api_serves_the_document_unchanged(api: Api) -> None:
    answer = api.get("/openapi.json")

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == DOCUMENT


def test_the_document_names_the_path_of_its_stage(api: Api) -> None:
    answer = api.invoke(gateway_event("GET", "/openapi.json", stage="/prod"))

    assert json.loads(answer["body"]) == {**DOCUMENT, "servers": [{"url": "/prod"}]}


@pytest.mark.parametrize(("stage", "server"), [("", "/"), ("/prod", "/prod")])
def test_the_document_names_it_whatever_slash_ends_its_own_path(
    api: Api, stage: str, server: str
) -> None:
    """API Gateway takes `/openapi.json/` for `/openapi.json`."""
    event = gateway_event("GET", "/openapi.json", stage=stage, path=f"{stage}/openapi.json/")

    assert json.loads(api.invoke(event)["body"])["servers"] == [{"url": server}]


def test_the_page_names_the_path_of_its_stage(api: Api) -> None:
    answer = api.invoke(gateway_event("GET", "/docs", stage="/prod"))

    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert "<code>/prod</code>" in answer["body"]


@pytest.mark.parametrize(
    ("stage", "path", "docs"),
    [("", "/", "/docs"), ("/prod", "/prod/", "/prod/docs"), ("/prod", "/prod", "/prod/docs")],
    ids=["a domain of its own", "a stage", "a stage without the slash"],
)
def test_the_root_leads_to_the_page(api: Api, stage: str, path: str, docs: str) -> None:
    answer = api.invoke(gateway_event("GET", "/", stage=stage, path=path))

    assert answer["statusCode"] == 302
    assert answer["headers"]["Location"] == docs
    assert answer["body"] == ""


def test_the_page_shows_every_text_of_the_document(reader: Reader) -> None:
    components = DOCUMENT["components"]
    shown = {
        "info": {**DOCUMENT["info"]},
        "paths": DOCUMENT["paths"],
        "schemas": components["schemas"],
        "parameters": components["parameters"],
        "responses": {
            status: {**response, "headers": dict.fromkeys(response["headers"])}
            for status, response in components["responses"].items()
        },
    }
    wanted = {
        text.replace("`", "")
        for key, part in shown.items()
        for text in texts(part, key)
        # A component's own name in the document is no one's business but the schemas'.
        if text not in components["responses"]
    }
    operations = {
        op["operationId"] for methods in DOCUMENT["paths"].values() for op in methods.values()
    }

    found = re.sub(r"\s+", " ", unescape(reader.text))
    assert len(wanted) > 150
    # The page gives only the name of a header that stands in place; the document gives the rest.
    replayed = DOCUMENT["paths"]["/orders"]["post"]["responses"]["202"]["headers"]
    of_headers = {
        replayed["Idempotent-Replayed"]["description"].replace("`", ""),
        "Where the order can be read",
        "/orders/[A-Za-z0-9._-]{1,64}$",
        "The path of the page",
        "/docs$",
    }
    assert sorted(text for text in wanted - of_headers if text not in found) == []
    assert operations <= set(reader.values("id"))


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("post", "/orders", "/orders", 202),
        ("post", "/orders?dryRun=true", "/orders", 200),
        ("post", "/order-batches", "/order-batches", 202),
        ("post", "/order-batches?dryRun=true", "/order-batches", 200),
        ("get", "/orders", "/orders", 200),
        ("get", "{submissionUrl}", "/orders/{orderId}/submissions/{submissionId}", 200),
        ("get", "/orders/order-001", "/orders/{orderId}", 200),
        ("get", "/", "/", 302),
    ],
)
def test_an_answer_has_the_headers_that_the_document_names(
    api: Api, method: str, path: str, route: str, status: int
) -> None:
    # A replay has every header that an answer to a POST may have.
    receipt = api.post(order_text(), Idempotency_Key="key-1").body
    api.process_queue()

    body = order_text().encode() if method == "post" else b""
    headers = {"Content-Type": body_type(route), "Idempotency-Key": "key-1"}
    answer = api.request(method.upper(), path.format(**receipt), body, headers)

    documented = DOCUMENT["paths"][route][method]["responses"][str(status)]["headers"]
    assert answer.status == status
    assert answer.headers.keys() == {"content-type", *map(str.lower, documented)}


def test_every_link_leads_somewhere(reader: Reader) -> None:
    anchors = reader.values("id")

    assert len(anchors) == len(set(anchors))
    assert {link for link in reader.values("href") if link.removeprefix("#") not in anchors} == {
        "openapi.json",
        "asyncapi.json",
    }


def test_the_page_loads_nothing_and_runs_nothing(page: str, reader: Reader) -> None:
    assert not reader.tags.keys() & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert not {name for name, _ in reader.attributes if name.startswith("on") or name == "src"}
    assert not re.search(r"url\(|@import|https?://", page)


def test_the_page_tells_the_browser_to_load_nothing_and_run_nothing(api: Api, page: str) -> None:
    headers = api.client.http.get("/docs").headers

    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_no_other_page_may_show_the_page_in_a_frame(api: Api) -> None:
    headers = api.client.http.get("/docs").headers

    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"


def test_the_page_shows_the_documents_words_and_never_runs_them() -> None:
    document = json.loads(json.dumps(read_document("")).replace("Health", "<script>x</script>"))

    assert Reader(render_page(document)).tags["script"] == 0


def test_the_page_shows_an_example_as_it_is_sent(reader: Reader) -> None:
    """The example of a type other than JSON is a text: its lines, and no quotes around them."""
    lines = DOCUMENT["paths"]["/order-batches"]["post"]["requestBody"]["content"][
        "application/x-ndjson"
    ]["examples"]["orders"]["value"]

    assert lines.count("\n") > 1
    assert lines in reader.text
