"""A store that answers as a script says, request by request, and notes what it was asked."""

import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, Self

from ops.ports import LOOPBACK

CONTENT_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
DRIP_SECONDS = 0.05


class Asked(NamedTuple):
    """A request: its first line, its headers by their names in small letters, its body."""

    line: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[["ScriptedStore", socket.socket], None]
"""Does to the connection what the store does; a store goes on listening if it stays open."""


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    """Answer well formed. A `_` in a header's name stands for a `-`."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    wire = "\r\n".join([*lines, "", ""]).encode() + body

    def send(_: "ScriptedStore", connection: socket.socket) -> None:
        connection.sendall(wire)

    return send


def error(status: int, code: str) -> Answer:
    """Answer with an error as S3 writes it."""
    body = f"<Error><Code>{code}</Code><Message>m</Message><Key>orders/k</Key></Error>"
    return answer(status, body.encode(), Content_Type="application/xml")


STORED = answer(200, ETag='"0"', x_amz_version_id="v-1")


def hang(store: "ScriptedStore", _: socket.socket) -> None:
    store.ended.wait()


def drip(store: "ScriptedStore", connection: socket.socket) -> None:
    """Send a byte of a header now and then, without an end."""
    connection.sendall(b"HTTP/1.1 200 Whatever\r\nX-Long: ")
    while not store.ended.wait(DRIP_SECONDS):
        connection.sendall(b"x")


def reset(_: "ScriptedStore", connection: socket.socket) -> None:
    """Close the connection so that the client gets an RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def close(_: "ScriptedStore", connection: socket.socket) -> None:
    connection.close()


def garble(_: "ScriptedStore", connection: socket.socket) -> None:
    connection.sendall(b"hello\r\n\r\n")


class ScriptedStore:
    """A server on this machine. After its script it does the last of it again and again."""

    def __init__(self, *script: Answer) -> None:
        self.asked: list[Asked] = []
        self.ended = threading.Event()
        self._script = list(script)
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        # Closing alone does not wake the thread that waits on it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.close_connections()

    def close_connections(self) -> None:
        """Close what clients keep open, as S3 does after a while."""
        for connection in self._open:
            with suppress(OSError):  # it is gone
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def left_open(self) -> int:
        """Count the connections that their client has not closed."""
        return sum(map(_is_open, self._open))

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # it was closed
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while asked := _read(connection):
                self._next(asked)(self, connection)
        except OSError:
            return  # one of the two has closed it
        finally:
            connection.close()

    def _next(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _read(connection: socket.socket) -> Asked | None:
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65_536)
        if not more:
            return None
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = CONTENT_LENGTH.search(head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65_536)
    line, *rest = head.decode().split("\r\n")
    pairs = (each.split(": ", 1) for each in rest)
    return Asked(line, {name.lower(): value for name, value in pairs}, body)
