"""Reads as careless clients make them, over a running server: every server takes them alike."""

import http.client
from urllib.parse import urlsplit

from tests.builders import order_text
from tests.e2e.client import PATIENCE_SECONDS, ApiClient

CONTENT_TYPES = ("text/plain", "application/octet-stream", "application/json; charset=x", ";")
ENCODED_TWICE = "o%252D1"
BAD_IDS = ("o%zz1", "o%", "o%ff", "o%00", "o%20", "o%2F1", "o%5C1")


def assert_reads_are_taken(api: ApiClient, prefix: str, *, path_is_decoded: bool = False) -> None:
    """
    Check encoded ids, HEAD, any Content-Type and a slash at the end, on an API under a prefix.

    An emulator's API Gateway has decoded the path before the app sees it; AWS's REST APIs don't.
    """
    api.post(order_text("o-1"))
    api.records("o-1", 1)

    for path in ("/orders/o%2D1", "/orders/%6f%2d1", "/orders/o-1/"):
        assert api.get(path).body["order"]["orderId"] == "o-1", path
    for bad in BAD_IDS if path_is_decoded else (*BAD_IDS, ENCODED_TWICE):
        assert api.get(f"/orders/{bad}").status in {400, 403, 404}, bad
    for path in ("/orders", "/orders/o-1"):
        assert api.request("HEAD", path).status == 200, path
    for path in ("/health", "/docs"):
        assert _statuses_of_head_and_get(api, path) == [200, 200], path
    for content_type in CONTENT_TYPES:
        answer = api.request("GET", "/orders/o-1", None, {"Content-Type": content_type})
        assert answer.status == 200, content_type
    for path in ("/openapi.json", "/openapi.json/"):
        assert api.get(path).body["servers"] == [{"url": prefix or "/"}], path


def _statuses_of_head_and_get(api: ApiClient, path: str) -> list[int]:
    """Ask both in one connection: a body after HEAD's answer would be taken for the next one."""
    address = urlsplit(api.url)
    assert address.hostname
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE_SECONDS)
    try:
        statuses = []
        for method in ("HEAD", "GET"):
            client.request(method, f"{address.path}{path}", headers={"Host": address.netloc})
            answer = client.getresponse()
            answer.read()
            statuses.append(answer.status)
        return statuses
    finally:
        client.close()
