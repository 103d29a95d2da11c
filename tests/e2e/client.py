"""A client of the API as a channel would write one: plain HTTP, from the standard library."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar

# Long, for a busy machine: nobody waits longer than it takes.
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.05

Found = TypeVar("Found")


@dataclass
class Answer:
    """An answer of the API."""

    status: int
    headers: Message
    body: Any


class ApiClient:
    """Calls the API at a URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        request = urllib.request.Request(
            self.url + path, data=body, method=method, headers=dict(headers or {})
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return _answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return _answer(error.code, error.headers, error.read())

    def post(self, text: str | bytes, **headers: str) -> Answer:
        body = text.encode() if isinstance(text, str) else text
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/orders", body, {"Content-Type": "application/json", **given})

    def post_lines(self, lines: str | bytes, query: str = "", **headers: str) -> Answer:
        """Hand in many orders, one a line."""
        body = lines.encode() if isinstance(lines, str) else lines
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        content_type = {"Content-Type": "application/x-ndjson"}
        return self.request("POST", f"/order-batches{query}", body, {**content_type, **given})

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def records(self, order_id: str, count: int) -> list[dict[str, Any]]:
        """Wait until an order has so many records, and return them."""

        def enough() -> list[dict[str, Any]] | None:
            answer = self.get(f"/orders/{order_id}")
            records: list[dict[str, Any]] = answer.body.get("records", [])
            return records if len(records) >= count else None

        records = eventually(enough)
        assert len(records) == count, records
        return records


def eventually(look: Callable[[], Found | None], seconds: float = PATIENCE_SECONDS) -> Found:
    """Call `look` until it finds something, and return that."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(PAUSE_SECONDS)


def download(url: str) -> bytes:
    """Download the bytes at a URL."""
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
        content: bytes = answer.read()
    return content


def _answer(status: int, headers: Message, body: bytes) -> Answer:
    return Answer(status, headers, json.loads(body) if body else None)
