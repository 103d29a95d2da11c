"""The local HTTP server, asked through raw sockets: RFC 9112 on what is no whole request."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.app import Chalice, Response

from ops.local.api_server import ApiServer
from ops.local.http_connection import Patience
from ops.local.refusals import MAX_BODY_BYTES, MAX_HEAD_BYTES
from ops.ports import LOOPBACK, free_port

PATIENCE = Patience(idle_seconds=0.6, request_seconds=0.5, lingering_seconds=0.2)
CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNKS = b"5\r\n12345\r\n0\r\n\r\n"
# A body that is taken for the next request hands this in.
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Seen(list[tuple[str, str, bytes | str]]):
    """The method, path and body of each request that came as far as the app."""


def listening_app(seen: Seen) -> Chalice:
    app = Chalice(app_name="listening", configure_logs=False)

    def note() -> dict[str, int]:
        request = app.current_request
        assert request is not None
        body = request.raw_body
        seen.append((request.method, request.context["path"], body))
        return {"bytes": len(body)}

    app.route("/echo", methods=["POST", "GET", "HEAD"], content_types=["application/json"])(note)
    app.route("/smuggled", methods=["GET"])(note)

    @app.route("/nothing", methods=["HEAD"])
    def note_nothing() -> Response:
        note()
        return Response(body="")

    return app


@pytest.fixture(scope="module")
def everything_seen() -> Seen:
    return Seen()


@pytest.fixture
def seen(everything_seen: Seen) -> Seen:
    """Collect the requests of one test."""
    everything_seen.clear()
    return everything_seen


@pytest.fixture(scope="module")
def port(everything_seen: Seen) -> Iterator[int]:
    number = free_port()
    server = ApiServer(listening_app(everything_seen), number, patience=PATIENCE)
    serving = threading.Thread(target=server.run)
    serving.start()
    yield number
    server.stop()
    serving.join(timeout=10)
    assert not serving.is_alive()


def request(
    headers: str = "",
    body: bytes = b"",
    *,
    line: str = "POST /echo HTTP/1.1",
    host: str = "Host: localhost\r\n",
) -> bytes:
    head = f"{line}\r\n{host}Content-Type: application/json\r\n{headers}\r\n"
    return head.encode("latin-1") + body


def ask(port: int, sent: bytes, *, hang_up: bool = True) -> bytes:
    """Send these very bytes, and return all that the server answers until it hangs up."""
    with socket.create_connection((LOOPBACK, port), timeout=10) as client:
        client.sendall(sent)
        if hang_up:
            client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def problem_in(answer: bytes) -> dict[str, Any]:
    headers, body = answer.split(b"\r\n\r\n", 1)
    assert b"application/problem+json" in headers
    assert b"X-Request-Id: " in headers
    assert b"Connection: close" in headers
    problem: dict[str, Any] = json.loads(body)
    return problem


@pytest.mark.parametrize(
    "sent",
    [
        request("Content-Length: 500\r\n", b"x" * 80),
        request("Content-Length: 1\r\n"),
        request(CHUNKED, b"50\r\n12345"),
        request(CHUNKED, b"5\r\n12345\r\n"),
        request(CHUNKED, b"5\r\n12345\r\n0\r\n"),
        request(CHUNKED, b"ffffffffffffffff5\r\n12345\r\n0\r\n\r\n"),
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\n",
    ],
    ids=["80 of 500", "0 of 1", "in a chunk", "no last chunk", "no end", "endless", "in the head"],
)
def test_the_app_sees_no_request_that_ends_early(port: int, seen: Seen, sent: bytes) -> None:
    answer = ask(port, sent)

    problem = problem_in(answer)
    assert problem["type"] == "urn:orders:problem:malformed-request"
    assert problem["detail"] == "The connection ended before the request did. Nothing was queued."
    assert seen == []


@pytest.mark.parametrize(
    ("coding", "status"),
    [
        ("gzip, chunked", 501),
        ("xchunked", 501),
        ("chunked, chunked", 501),
        ("chunked, identity", 501),
        ("identity", 501),
        ("chunked;q=1", 501),
        ('"chunked"', 501),
        ("\x0bchunked", 400),
        ("", 501),
        ("chunked\r\nTransfer-Encoding: identity", 501),
        ("chunked\r\nTransfer-Encoding: chunked", 501),
        ("chunked\r\nContent-Length: 5", 400),
    ],
)
def test_a_body_in_another_coding_never_becomes_the_next_request(
    port: int, seen: Seen, coding: str, status: int
) -> None:
    answer = ask(port, request(f"Transfer-Encoding: {coding}\r\n", CHUNKS + NEXT))

    assert problem_in(answer)["status"] == status
    assert seen == []


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 6\r\nX-Between: 1\r\ncontent-length: 5\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5_0\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: \xd9\xa5\r\n",
        "Content-Length: \r\n",
        "Content-Length : 5\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X-A: a\rContent-Length: 5\r\n",
        "X-A: a\0b\r\nContent-Length: 5\r\n",
        "no colon\r\nContent-Length: 5\r\n",
        ": no name\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nHost: evil.example\r\n",
    ],
)
def test_the_app_sees_no_request_whose_head_can_be_read_in_two_ways(
    port: int, seen: Seen, headers: str
) -> None:
    answer = ask(port, request(headers, b"12345" + NEXT))

    assert problem_in(answer)["status"] == 400
    assert seen == []


@pytest.mark.parametrize(
    "chunks",
    [
        b"+5\r\n12345\r\n0\r\n\r\n",
        b"0x5\r\n12345\r\n0\r\n\r\n",
        b"5\r\n12345XX0\r\n\r\n",
        b"5\n12345\n0\n\n",
        b"5\r\n1234567\r\n0\r\n\r\n",
        b"\r\n5\r\n12345\r\n0\r\n\r\n",
    ],
)
def test_the_app_sees_no_body_whose_chunks_are_not_well_formed(
    port: int, seen: Seen, chunks: bytes
) -> None:
    answer = ask(port, request(CHUNKED, chunks + NEXT))

    assert problem_in(answer)["detail"] == "The chunked body is not well formed."
    assert seen == []


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /echo", 400),
        ("GET /echo HTTP/0.9", 505),
        ("GET /echo HTTP/2.0", 505),
        ("GET /echo HTTP/1.10", 400),
        ("GET /echo http/1.1", 400),
        ("GET\t/echo\tHTTP/1.1", 400),
        ("GET /echo x HTTP/1.1", 400),
        ("G\x01T /echo HTTP/1.1", 400),
        ("PRI * HTTP/2.0", 505),
        ("CONNECT evil.example:443 HTTP/1.1", 501),
        ("OPTIONS * HTTP/1.1", 404),
        ("GET //evil.example/echo HTTP/1.1", 404),
    ],
)
def test_a_request_line_is_one_of_http_1_1_for_a_path_of_the_api(
    port: int, seen: Seen, line: str, status: int
) -> None:
    answer = ask(port, request(line=line))

    assert statuses(answer) == [status]
    assert b"application/problem+json" in answer
    assert seen == []


@pytest.mark.parametrize(
    "sent",
    [
        request(f"X-A: {'a' * MAX_HEAD_BYTES}\r\n", line="GET /echo HTTP/1.1"),
        request("X-A: aaaaaaaaaa\r\n" * 1_100, line="GET /echo HTTP/1.1"),
        request("X-A: a\r\n" * 200_000, line="GET /echo HTTP/1.1"),
        request(line=f"GET /echo?a={'a' * MAX_HEAD_BYTES} HTTP/1.1"),
    ],
    ids=["one header", "many headers", "headers without end", "line"],
)
def test_the_head_of_a_request_has_api_gateways_limit(port: int, seen: Seen, sent: bytes) -> None:
    """API Gateway's, on its page of quotas: request line and header values have 10,240 bytes."""
    assert problem_in(ask(port, sent))["status"] == 431
    assert seen == []


def test_a_head_within_the_limit_is_taken(port: int) -> None:
    answer = ask(port, request(f"X-A: {'a' * 10_000}\r\n", line="GET /echo HTTP/1.1"))

    assert statuses(answer) == [200]


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:9"],
)
def test_the_api_answers_to_the_names_of_this_machine(port: int, host: str) -> None:
    answer = ask(port, request(line="GET /echo HTTP/1.1", host=f"Host: {host}\r\n"))

    assert statuses(answer) == [200]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "user@localhost",
        "localhost@evil.example",
        "localhost:8000:1",
        "localhost:port",
        "[::1",
        "[::2]",
        "0.0.0.0",  # noqa: S104 (an address that is refused)
        "2130706433",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/echo", "/nowhere"])
def test_the_api_answers_to_no_other_name(port: int, seen: Seen, path: str, host: str) -> None:
    """A name that leads to 127.0.0.1 lets another site's page read the answers: DNS rebinding."""
    answer = ask(port, request(line=f"GET {path} HTTP/1.1", host=f"Host: {host}\r\n"))

    problem = problem_in(answer)
    assert problem["status"] == 421
    assert problem["type"] == "urn:orders:problem:misdirected-request"
    assert problem["detail"] == (
        "This API answers to the names of this machine only, 127.0.0.1, localhost and [::1]: "
        f"got {json.dumps(host)}."
    )
    assert seen == []


def test_a_target_with_a_name_goes_before_the_host(port: int, seen: Seen) -> None:
    """RFC 9112, 3.2.2: a server ignores Host where the request line names the host."""
    foreign = request(line="GET http://evil.example/echo HTTP/1.1")
    own = request(line="GET http://127.0.0.1:1/echo?a=1 HTTP/1.1", host="Host: evil.example\r\n")

    assert statuses(ask(port, foreign)) == [421]
    assert statuses(ask(port, own)) == [200]
    assert seen == [("GET", "/echo", b"")]


def test_a_request_without_a_host_is_refused(port: int, seen: Seen) -> None:
    answer = ask(port, request(line="GET /echo HTTP/1.1", host=""))

    assert problem_in(answer)["detail"] == "This is no request of HTTP/1.1: Missing mandatory Host."
    assert seen == []


def test_http_1_0_needs_no_host(port: int) -> None:
    answer = ask(port, request(line="GET /echo HTTP/1.0", host=""), hang_up=False)

    assert statuses(answer) == [200]


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 005\r\n",
        "X-A: b\r\n c\r\nContent-Length: 5\r\n",
        "Content_Length: 3\r\nContent-Length: 5\r\n",
    ],
)
def test_a_length_that_can_be_read_in_one_way_only_is_taken(
    port: int, seen: Seen, headers: str
) -> None:
    answer = ask(port, request(headers, b"12345" + NEXT))

    assert statuses(answer) == [200, 200]
    assert seen == [("POST", "/echo", b"12345"), ("GET", "/smuggled", b"")]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_body_belongs_to_its_request_whatever_the_method(
    port: int, seen: Seen, method: str
) -> None:
    sent = request("Content-Length: 5\r\n", b"12345", line=f"{method} /echo HTTP/1.1")

    answer = ask(port, sent + NEXT)

    assert statuses(answer) == [200, 200]
    assert seen == [(method, "/echo", b"12345"), ("GET", "/smuggled", b"")]


def test_the_answer_to_head_tells_the_length_of_the_answer_to_get(port: int) -> None:
    get = ask(port, request(line="GET /echo HTTP/1.1"))
    head = ask(port, request(line="HEAD /echo HTTP/1.1"))

    assert get.endswith(b'\r\n\r\n{"bytes":0}')
    assert head.endswith(b"\r\n\r\n")
    assert b"Content-Length: 11\r\n" in get
    assert b"Content-Length: 11\r\n" in head


def test_the_answer_to_head_tells_no_length_that_get_has_not(port: int, seen: Seen) -> None:
    """The app itself leaves the body out, so its server doesn't know what GET would have."""
    answer = ask(port, request(line="HEAD /nothing HTTP/1.1") + NEXT)

    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b"Content-Length" not in head
    assert rest.startswith(b"HTTP/1.1 200 ")
    assert seen == [("HEAD", "/nothing", b""), ("GET", "/smuggled", b"")]


def test_trailers_and_chunk_extensions_are_no_part_of_the_body(port: int, seen: Seen) -> None:
    chunks = b'5;a="b"\r\n12345\r\n0\r\nX-Trailer: x\r\n\r\n'

    ask(port, request(CHUNKED, chunks + NEXT))

    assert seen == [("POST", "/echo", b"12345"), ("GET", "/smuggled", b"")]


def test_a_client_that_waits_to_send_its_body_is_told_to_go_on(port: int) -> None:
    with socket.create_connection((LOOPBACK, port), timeout=10) as client:
        client.sendall(request("Expect: 100-continue\r\nContent-Length: 5\r\n"))
        before = client.recv(65536)
        client.sendall(b"12345")
        after = client.recv(65536)

    assert statuses(before) == [100]
    assert statuses(after) == [200]


def test_a_client_is_not_told_to_send_what_is_too_large(port: int) -> None:
    headers = f"Expect: 100-continue\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n"

    assert statuses(ask(port, request(headers), hang_up=False)) == [413]


@pytest.mark.parametrize("headers", [f"Content-Length: {MAX_BODY_BYTES + 1}\r\n", CHUNKED])
def test_a_client_that_sends_too_much_can_read_why_it_is_refused(port: int, headers: str) -> None:
    """A connection that is closed before it is read to its end is reset, and its answer lost."""
    size = f"{MAX_BODY_BYTES + 1:x}\r\n".encode() if headers == CHUNKED else b""

    answer = ask(port, request(headers, size + b"x" * (MAX_BODY_BYTES + 1)), hang_up=False)

    assert statuses(answer) == [413]


@pytest.mark.parametrize(
    "begun",
    [b"GET /ec", b"GET /echo HTTP/1.1\r\nHost: ", request("Content-Length: 9\r\n", b"1")],
)
def test_a_request_that_does_not_come_to_its_end_is_given_up(
    port: int, seen: Seen, begun: bytes
) -> None:
    answer = ask(port, begun, hang_up=False)

    assert problem_in(answer)["status"] == 408
    assert seen == []


def test_a_client_that_sends_a_byte_now_and_then_has_no_more_time(port: int) -> None:
    started = time.monotonic()

    with socket.create_connection((LOOPBACK, port), timeout=10) as client:
        client.settimeout(0.1)
        answer = drip(client, b"GET /echo HTTP/1.1\r\nX-A: " + b"a" * 100)

    assert statuses(answer) == [408]
    assert time.monotonic() - started < 5


def drip(client: socket.socket, sent: bytes) -> bytes:
    """Send byte by byte until there is an answer."""
    for byte in sent:
        client.sendall(bytes([byte]))
        try:
            return client.recv(65536)
        except TimeoutError:
            continue
    return b""


def test_a_connection_without_a_request_is_closed_without_an_answer(port: int) -> None:
    assert ask(port, b"", hang_up=False) == b""


def test_an_authorization_that_is_not_ascii_is_no_obstacle(port: int) -> None:
    """Chalice's own answer to an unknown path fails at it."""
    answer = ask(port, request("Authorization: \xe9\r\n", line="GET /nowhere HTTP/1.1"))

    assert statuses(answer) == [404]
