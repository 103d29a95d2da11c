"""Paths, headers, cursors and message attributes that try to be more than they are."""

import re
import socket

import pytest

from chalicelib.orders.submission import is_well_formed_id
from chalicelib.services.cursors import encode_cursor
from ops.ports import LOOPBACK
from tests.builders import order_text
from tests.e2e.client import eventually
from tests.e2e.reading import assert_reads_are_taken
from tests.hostile.conftest import System, assert_tells_nothing

HOSTILE_PATHS = [
    "/orders/..",
    "/orders/%2e%2e",
    "/orders/..%2f..%2fhealth",
    "/orders/a%2fb",
    "/orders/a%0d%0aX-Evil:%20yes",
    "/orders/a%00",
    "/orders/%c0%ae",
    "/orders/" + "a" * 65,
    "/orders/" + "a" * 5_000,
    "/orders/0%23FIRST",
    "/orders/%23key%23f9d1a2b3-0c4d-5e6f-8a9b-0c1d2e3f4a5b",
    "/orders/%23audit%2F2026-03-01",
    "/orders/*",
    "/orders/{order_id}",
    "/orders/../health",
    "/orders//",
    "/orders/a/b",
    "/health/../orders",
]
LINE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z (INFO|WARNING|ERROR) ")


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_hostile_path_is_refused_with_a_problem(system: System, path: str) -> None:
    answer = system.raw("GET", path)

    assert answer.status in {400, 404}
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "X-Evil" not in answer.headers
    assert_tells_nothing(answer.body)


def test_reads_of_careless_clients_are_taken(system: System) -> None:
    assert_reads_are_taken(system.api, prefix="")


@pytest.mark.parametrize(
    "request_id", ["", " ", "a b", "a" * 129, "a;b", "\u00e9", "<script>", "a\tb", "../x"]
)
def test_a_request_id_that_is_not_well_formed_is_replaced(system: System, request_id: str) -> None:
    answer = system.raw("GET", "/health", headers={"X-Request-Id": request_id})

    assert answer.status == 200
    assert answer.headers["X-Request-Id"] != request_id
    assert is_well_formed_id(answer.headers["X-Request-Id"])


def test_a_header_in_a_header_stays_in_the_request(system: System) -> None:
    """A folded line is one header's value to old servers, and two headers to careless ones."""
    with socket.create_connection((LOOPBACK, system.stack.api_port), timeout=10) as connection:
        connection.sendall(
            b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"X-Request-Id: a\r\n X-Evil: yes\r\n\r\n"
        )
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert b" 200 " in answer.splitlines()[0]
    assert b"Evil" not in answer


@pytest.mark.parametrize("key", [" ", "a b", "\u00e9", "a" * 256, "a\tb"])
def test_a_hostile_idempotency_key_is_refused(system: System, key: str) -> None:
    answer = system.raw(
        "POST",
        "/orders",
        order_text("keyed").encode(),
        {"Content-Type": "application/json", "Idempotency-Key": key},
    )

    assert (answer.status, answer.body["type"]) == (
        400,
        "urn:orders:problem:invalid-idempotency-key",
    )
    assert_tells_nothing(answer.body)


@pytest.mark.parametrize(
    "query",
    [
        "limit=1%0d%0aX-Evil:1",
        "limit=%D9%A3",
        "status=ACCEPTED'%20OR%201=1",
        "valid[$ne]=true",
        "channel=%00",
        "from=0000-01-01",
        "from=9999-12-31&to=9999-12-30",
        "to=%F0%9F%92%A9",
        "cursor=%FF%FE",
        "cursor=" + "A" * 4_000,
        "__proto__=1",
    ],
)
def test_a_hostile_query_is_refused_with_a_problem(system: System, query: str) -> None:
    answer = system.raw("GET", f"/orders?{query}")

    assert (answer.status, answer.body["type"]) == (400, "urn:orders:problem:invalid-parameters")
    assert "X-Evil" not in answer.headers
    assert_tells_nothing(answer.body)


def test_an_altered_cursor_is_refused(system: System) -> None:
    for amount in (1, 2, 3):
        system.api.post(order_text("paged", amount=amount))
    system.api.records("paged", 3)
    system.api.post(order_text("other"))
    system.api.records("other", 1)
    cursor = system.api.get("/orders/paged?limit=2").body["cursor"]

    altered = {
        cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        for place in range(len(cursor))
    } | {cursor[:-1], cursor + "A", cursor.lower(), cursor + "=="}

    for other in sorted(altered):
        answer = system.api.get(f"/orders/paged?limit=2&cursor={other}")
        assert (answer.status, answer.body["errors"][0]["code"]) == (400, "bad_cursor"), other
    assert system.api.get(f"/orders/other?cursor={cursor}").status == 400
    assert system.api.get(f"/orders?cursor={cursor}").status == 400
    assert len(system.api.get(f"/orders/paged?cursor={cursor}").body["records"]) == 1


@pytest.mark.parametrize("position", [("p" * 1_025, "r"), ("p", "r" * 1_025)])
def test_a_forged_cursor_is_refused(system: System, position: tuple[str, str]) -> None:
    """Anyone can write a cursor with its digest: none may ask DynamoDB for an impossible key."""
    system.api.post(order_text("sought"))
    system.api.records("sought", 1)

    cursor = encode_cursor("history/sought", position)
    answer = system.api.get(f"/orders/sought?cursor={cursor}")

    assert (answer.status, answer.body["errors"][0]["code"]) == (400, "bad_cursor")


def test_no_input_can_forge_a_line_of_the_log(system: System) -> None:
    forged = "2026-01-01T00:00:00.000Z INFO    accepted             orderId=forged"
    hostile = f"x\n{forged}\r{forged}\u2028{forged}\x1b[31m"

    system.send(
        order_text("log-forger", note=hostile, channel=hostile),
        submissionId=hostile.replace("\x1b", ""),
        requestId=hostile.replace("\x1b", ""),
        submittedBy=hostile.replace("\x1b", ""),
        channel=hostile.replace("\x1b", ""),
        receivedAt=hostile.replace("\x1b", ""),
    )
    system.api.post(order_text("log-forger", note=hostile), X_Request_Id="a b orderId=forged")
    system.api.get("/orders/%0a2026-01-01T00:00:00.000Z%20INFO%20forged")
    system.raw("GET", "/orders?limit=%0a2026-01-01T00:00:00.000Z+INFO+forged")
    system.api.records("log-forger", 2)

    lines = eventually(lambda: [line for line in system.stack.log.split("\n") if line])
    assert any("orderId=log-forger" in line for line in lines)
    assert all(LINE.match(line) for line in lines), [li for li in lines if not LINE.match(li)]
    assert all(line.isprintable() for line in lines)
    assert "forged" not in system.stack.log
