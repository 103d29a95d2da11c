"""The local HTTP server: the cases that Chalice's own gets wrong or answers differently."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import h11
import pytest
from chalice.app import Chalice

from ops.local.api_server import ApiServer
from ops.local.http_head import head_of
from ops.local.refusals import MAX_BODY_BYTES
from ops.ports import LOOPBACK, free_port


@pytest.mark.parametrize("name", ["Idempotency-Key", "traceparent"])
def test_a_head_shows_that_a_header_was_sent_twice(name: str) -> None:
    """The last one of other headers counts, as behind API Gateway."""
    sent = [("Host", "x"), (name, "a"), ("Accept-Language", "en")]
    again = [(name, "b"), ("Accept-Language", "es")]

    head = head_of(h11.Request(method="POST", target="/orders", headers=[*sent, *again]))

    assert head.headers[name.lower()] == "a, b"
    assert head.headers["accept-language"] == "es"


def small_app() -> Chalice:
    app = Chalice(app_name="small", configure_logs=False)

    @app.route("/echo", methods=["POST"])
    def echo() -> dict[str, int]:
        request = app.current_request
        assert request is not None
        return {"bytes": len(request.raw_body)}

    @app.route("/hello", methods=["GET", "HEAD"])
    def hello() -> dict[str, str]:
        return {"hello": "you"}

    @app.route("/named/{name}", methods=["GET"])
    def named(name: str) -> dict[str, str | None]:
        request = app.current_request
        assert request is not None
        query = request.query_params
        return {"name": name, "query": query["q"] if query else None}

    return app


class Reported(list[dict[str, Any]]):
    """The requests and refusals that a log would have a line of."""

    def answered(self, **line: Any) -> None:
        self.append(line)

    def request_failed(self, error: Exception, request_id: str) -> None:
        raise AssertionError(request_id) from error


@pytest.fixture(scope="module")
def all_reported() -> Reported:
    return Reported()


@pytest.fixture
def reported(all_reported: Reported) -> Reported:
    """Collect the server's reports in one test."""
    all_reported.clear()
    return all_reported


@pytest.fixture(scope="module")
def port(all_reported: Reported) -> Iterator[int]:
    number = free_port()
    server = ApiServer(small_app(), number, all_reported)
    serving = threading.Thread(target=server.run)
    serving.start()
    yield number
    server.stop()
    serving.join(timeout=10)
    assert not serving.is_alive()


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    client = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    yield client
    client.close()


def raw(port: int, request: bytes) -> bytes:
    """Send these very bytes, and return all that the server answers until it hangs up."""
    with socket.create_connection((LOOPBACK, port), timeout=10) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def problem_in(answer: bytes) -> dict[str, Any]:
    headers, body = answer.split(b"\r\n\r\n", 1)
    assert b"application/problem+json" in headers
    assert b"X-Request-Id: " in headers
    problem: dict[str, Any] = json.loads(body)
    assert problem.keys() == {"type", "title", "status", "detail"}
    return problem


def request(headers: str = "", body: bytes = b"", line: str = "POST /echo HTTP/1.1") -> bytes:
    own = "Host: localhost\r\nContent-Type: application/json\r\n"
    return f"{line}\r\n{own}{headers}\r\n".encode() + body


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}])
def test_a_path_without_a_route_is_a_404_problem(
    connection: http.client.HTTPConnection, headers: dict[str, str]
) -> None:
    connection.request("GET", "/nowhere", headers={"X-Request-Id": "mine-1", **headers})
    response = connection.getresponse()

    assert response.status == 404
    assert response.headers["X-Request-Id"] == "mine-1"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(response.read())["type"] == "urn:orders:problem:unknown-path"


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/nowhere?a=1", '"/nowhere"'),
        ('/"x', '"/\\"x"'),
        ("/" + "x" * 200, f'"/{"x" * 79}"…'),
    ],
)
def test_a_path_without_a_route_is_named(port: int, target: str, shown: str) -> None:
    sent = request(line=f"GET {target} HTTP/1.1").decode().encode("latin-1")

    assert problem_in(raw(port, sent))["detail"] == f"The API has nothing at {shown}."


@pytest.mark.parametrize(
    ("target", "name", "query"),
    [
        ("/named/a;v=1", "a%3Bv=1", None),
        ("/named/a;v=1?q=b;c", "a%3Bv=1", "b;c"),
        ("/named/;", "%3B", None),
        ("/named/a%3bv", "a%3bv", None),
        ("/named/a%2Fb", "a%2Fb", None),
        ("/named/a%252Db", "a%252Db", None),
        ("/named/a%zz", "a%zz", None),
    ],
)
def test_a_part_of_a_path_reaches_the_app_whole(
    connection: http.client.HTTPConnection, target: str, name: str, query: str | None
) -> None:
    """Chalice's server cuts a path off at a semicolon: `a;v=1` would be answered as `a`."""
    connection.request("GET", target)

    assert json.load(connection.getresponse()) == {"name": name, "query": query}


def test_the_servers_own_refusals_are_in_the_callers_language(
    connection: http.client.HTTPConnection,
) -> None:
    connection.request("GET", "/nowhere", headers={"Accept-Language": "es"})
    response = connection.getresponse()

    assert response.headers["Content-Language"] == "es"
    assert response.headers["Vary"] == "Accept-Language"
    assert json.loads(response.read())["title"] == "Ruta desconocida"


def test_a_request_id_that_is_not_well_formed_is_replaced(
    connection: http.client.HTTPConnection,
) -> None:
    connection.request("GET", "/nowhere", headers={"X-Request-Id": "two words"})

    assert connection.getresponse().headers["X-Request-Id"] != "two words"


def test_several_requests_share_a_connection(connection: http.client.HTTPConnection) -> None:
    for path, status in [("/hello", 200), ("/nowhere", 404), ("/hello", 200)]:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()

        assert response.status == status


def test_a_chunked_body_arrives_whole(port: int) -> None:
    chunks = b"5\r\n12345\r\nA;ext=1\r\n1234567890\r\n0\r\nTrailer: x\r\n\r\n"

    answer = raw(port, request("Transfer-Encoding: chunked\r\n", chunks))

    assert answer.endswith(b'{"bytes":15}')


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"-5\r\n12345\r\n", b"\r\n", b""])
def test_chunks_that_are_not_well_formed_are_refused(port: int, chunks: bytes) -> None:
    answer = raw(port, request("Transfer-Encoding: chunked\r\n", chunks))

    assert problem_in(answer)["status"] == 400


@pytest.mark.parametrize(("path", "allowed"), [("/hello", {"GET", "HEAD"}), ("/echo", {"POST"})])
def test_no_route_has_the_options_method(
    connection: http.client.HTTPConnection, path: str, allowed: set[str]
) -> None:
    """Chalice's server answers 200 by itself, though no route takes calls from other origins."""
    connection.request("OPTIONS", path)
    response = connection.getresponse()

    assert response.status == 405
    assert set(response.headers["Allow"].split(", ")) == allowed
    assert "Access-Control-Allow-Methods" not in response.headers


def test_options_of_a_path_without_a_route_is_a_404(port: int) -> None:
    assert problem_in(raw(port, request(line="OPTIONS /nowhere HTTP/1.1")))["status"] == 404


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("GARBAGE", '"GARBAGE"'),
        ("PUT /hello", '"PUT /hello"'),
        ("GET /hello HTTP/x", '"GET /hello HTTP/x"'),
        ("a b c d", '"a b c d"'),
        ("GET /n\u00e9 HTTP/1.1", '"GET /n\\u00c3\\u00a9 HTTP/1.1"'),
        ('\x1b"', '"\\u001b\\""'),
        ("x" * 200, f'"{"x" * 80}"…'),
    ],
)
def test_a_request_line_that_cannot_be_read_is_a_malformed_request(
    port: int, line: str, shown: str
) -> None:
    problem = problem_in(raw(port, f"{line}\r\n\r\n".encode()))

    assert problem["type"] == "urn:orders:problem:malformed-request"
    assert problem["detail"] == f"The request line must be like GET /orders HTTP/1.1: got {shown}."


@pytest.mark.parametrize(
    ("length", "detail"),
    [
        ("-5", "The Content-Length must not be negative: got -5."),
        ("-", "The Content-Length is not a number."),
        ("--5", "The Content-Length is not a number."),
    ],
)
def test_the_refusal_of_a_negative_content_length_says_so(
    port: int, length: str, detail: str
) -> None:
    answer = raw(port, request(f"Content-Length: {length}\r\n"))

    assert problem_in(answer)["detail"] == detail


@pytest.mark.parametrize("length", ["abc", "-1", "1.5", ""])
def test_a_content_length_that_is_no_number_is_refused(port: int, length: str) -> None:
    answer = raw(port, request(f"Content-Length: {length}\r\n"))

    assert problem_in(answer)["status"] == 400


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (f"Content-Length: {MAX_BODY_BYTES + 1}\r\n", b""),
        (f"Content-Length: {'9' * 5_000}\r\n", b""),
        (
            "Transfer-Encoding: chunked\r\n",
            f"{MAX_BODY_BYTES * 9:x}\r\n".encode() + b"x" * (MAX_BODY_BYTES + 1),
        ),
    ],
    ids=["at once", "more digits than Python reads", "chunked, once the limit is reached"],
)
def test_a_body_beyond_api_gateways_limit_is_refused_before_its_end(
    port: int, headers: str, body: bytes
) -> None:
    assert problem_in(raw(port, request(headers, body)))["status"] == 413


@pytest.mark.parametrize(
    ("line", "status"),
    [("BREW /hello HTTP/1.1", 501), ("GET /hello HTTP/9.9", 505), ("GET", 400)],
)
def test_a_refusal_by_pythons_server_is_a_problem_too(port: int, line: str, status: int) -> None:
    answer = raw(port, request(line=line))

    assert problem_in(answer)["status"] == status


def test_head_gets_no_body(port: int) -> None:
    answer = raw(port, request(line="HEAD /hello HTTP/1.1"))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n")


def test_a_broken_connection_leaves_no_trace(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection((LOOPBACK, port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.sendall(request("Content-Length: 10\r\n", b"12345"))
    raw(port, request(line="GET /hello HTTP/1.1"))

    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("sent", "method", "route", "status", "problem"),
    [
        (request(line="GET /55501234?a=1 HTTP/1.1"), "GET", "(no route)", 404, "unknown-path"),
        (
            request(f"Content-Length: {MAX_BODY_BYTES + 1}\r\n"),
            "POST",
            "/echo",
            413,
            "request-too-large",
        ),
        (request("Content-Length: 55501234x\r\n"), "POST", "/echo", 400, "malformed-request"),
        (
            request(line="BREW /hello HTTP/1.1"),
            "(no method)",
            "/hello",
            501,
            "request-refused",
        ),
        (b"G" * 70_000, "(no method)", "(no route)", 414, "request-refused"),
    ],
    ids=["path", "size", "length", "method", "line"],
)
def test_the_servers_own_refusals_are_reported_without_a_quotation(
    port: int,
    reported: Reported,
    *,
    sent: bytes,
    method: str,
    route: str,
    status: int,
    problem: str,
) -> None:
    answer = raw(port, sent)

    (line,) = reported
    assert (line["method"], line["route"], line["status"]) == (method, route, status)
    assert line["fields"] == {"problem": problem}
    assert f"X-Request-Id: {line['request_id']}".encode() in answer
    assert line["duration_ms"] >= 0
    assert "55501234" not in str(line)


def test_a_refusal_holds_nothing_of_the_request_before_it(port: int, reported: Reported) -> None:
    first = request("X-Request-Id: mine-1\r\n", line="GET /hello HTTP/1.1")

    raw(port, first + b"G" * 70_000)

    (line,) = reported
    assert line["request_id"] != "mine-1"
    assert line["route"] == "(no route)"


def test_the_server_reports_no_answer_of_the_app(
    connection: http.client.HTTPConnection, reported: Reported
) -> None:
    connection.request("GET", "/hello")
    connection.getresponse().read()

    assert reported == []
