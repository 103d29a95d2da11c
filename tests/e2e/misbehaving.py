"""A server between a client and the API that misbehaves as a script says, attempt by attempt."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self

from ops.ports import LOOPBACK
from tests.e2e.faults import BODIES, RETRY_AFTER, WELL, Fault, Script


@dataclass(frozen=True)
class Reply:
    """An answer of the API."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Seen(NamedTuple):
    """A request that came in, and when."""

    at: float
    method: str
    path: str
    key: str | None
    body: bytes


Api = Callable[[str, str, Mapping[str, str], bytes], Reply]


class MisbehavingServer(ThreadingHTTPServer):
    """Hands requests on to an API, and does with the answers as the script says."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, api: Api, script: Script) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.url = f"http://{LOOPBACK}:{self.server_port}"
        self.seen: list[Seen] = []
        self._api = api
        self._faults = {"POST": iter(script.posts), "GET": iter(script.gets)}
        self._lock = threading.Lock()
        self.ended = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.shutdown()
        self.server_close()

    def next_fault(self, seen: Seen) -> Fault:
        with self._lock:
            self.seen.append(seen)
            return next(self._faults[seen.method], WELL)

    def ask_api(self, seen: Seen, headers: Mapping[str, str]) -> Reply:
        with self._lock:
            return self._api(seen.method, seen.path, headers, seen.body)

    def posts(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == "POST"]

    def handle_error(self, *_: object) -> None:
        """Pass over it: a client that has gone is none of the server's errors."""


class _Handler(BaseHTTPRequestHandler):
    server: MisbehavingServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        self._answer(Seen(time.monotonic(), "POST", self.path, key, body))

    def do_GET(self) -> None:
        self._answer(Seen(time.monotonic(), "GET", self.path, None, b""))

    def _answer(self, seen: Seen) -> None:
        fault = self.server.next_fault(seen)
        own = self.server.ask_api(seen, dict(self.headers.items())) if fault.taken else None
        reply = own if own and not fault.status else _reply(fault)
        getattr(self, f"_{fault.how}")(_wire(reply))

    def _whole(self, wire: bytes) -> None:
        self.wfile.write(wire)

    def _cut(self, wire: bytes) -> None:
        self.wfile.write(wire[:-1] if wire.endswith(b"}") else wire[: len(wire) // 2])

    def _close(self, _wire: bytes) -> None:
        """Close the connection without a word."""

    def _reset(self, _wire: bytes) -> None:
        """Close it so that the client gets an RST."""
        linger_not = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        socket.close(self.connection.detach())

    def _hang(self, _wire: bytes) -> None:
        self.server.ended.wait()

    def _drip(self, wire: bytes) -> None:
        head, _, body = wire.partition(b"\r\n\r\n")
        self.wfile.write(head + b"\r\n\r\n")
        self._drip_head(body)

    def _drip_head(self, wire: bytes) -> None:
        for byte in wire:
            self.wfile.write(bytes([byte]))
            if self.server.ended.wait(0.05):
                return

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _reply(fault: Fault) -> Reply:
    content_type, content = BODIES[fault.body]
    headers = {"Content-Type": content_type, "Retry-After": RETRY_AFTER[fault.retry_after]()}
    if fault.body == "truncated gzip":
        headers["Content-Encoding"] = "gzip"
    return Reply(
        fault.status or 500,
        {name: value for name, value in headers.items() if value is not None},
        content,
    )


def _wire(reply: Reply) -> bytes:
    """Write an answer as it goes over the wire."""
    headers = {**reply.headers, "Content-Length": len(reply.content), "Connection": "close"}
    lines = [f"HTTP/1.1 {reply.status} Whatever", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.content
