"""
A connection of the local HTTP server.

h11 is the protocol: it reads requests by RFC 9112, and knows what may be sent when. This module
moves the bytes between it and the socket, within limits of size and time.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11

from ops.local.http_head import Head, head_in, head_of, require_acceptable
from ops.local.protocol_errors import refusal_of
from ops.local.refusals import MAX_BODY_BYTES, RequestRefused, too_large, too_slow

if TYPE_CHECKING:
    from collections.abc import Mapping

RECEIVED_BYTES = 4096


@dataclass(frozen=True)
class Patience:
    """How long a client may take: a thread waits for each, so none may take for ever."""

    idle_seconds: float = 60.0
    request_seconds: float = 30.0
    lingering_seconds: float = 2.0


class HttpConnection:
    """The requests of one client, one after the other."""

    def __init__(self, client: socket.socket, patience: Patience) -> None:
        self._socket = client
        self._patience = patience
        self._http = h11.Connection(h11.SERVER)
        self._begin()

    def read_head(self) -> bool:
        """
        Wait for a request, and read its head. Return whether there was one.

        Raises:
            RequestRefused: no request that this server takes.
        """
        event = self._next_event()
        if not isinstance(event, h11.Request):
            return False
        self.head = head_of(event)
        require_acceptable(event, self.head)
        return True

    def read_body(self) -> bytes:
        """
        Read the body of the request, whole.

        Raises:
            RequestRefused: it is not well formed, too large, or does not come to its end.
        """
        body = bytearray()
        if self._http.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=HTTPStatus.CONTINUE, headers=[]))
        while isinstance(event := self._next_event(), h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                raise RequestRefused(too_large())
        return bytes(body)

    def answer(self, status: int, headers: Mapping[str, Any], body: bytes) -> None:
        """Send an answer: the last one, if the request has not come to its end."""
        fields: list[tuple[str, object]] = [("Date", formatdate(usegmt=True))]
        if body or self.head.method != "HEAD":
            # The app leaves the body of an answer to HEAD out: its length is not the one of GET.
            fields.append(("Content-Length", len(body)))
        for name, value in headers.items():
            fields += [(name, each) for each in (value if isinstance(value, list) else [value])]
        if self._http.their_state is not h11.DONE:
            fields.append(("Connection", "close"))
        encoded = [(name.encode(), str(value).encode("latin-1")) for name, value in fields]
        response = h11.Response(
            status_code=status, headers=encoded, reason=HTTPStatus(status).phrase
        )
        content = [] if self.head.method == "HEAD" else [h11.Data(data=body)]
        self._send(response, *content, h11.EndOfMessage())

    def goes_on(self) -> bool:
        """Tell whether another request may follow, and get ready for it."""
        if {self._http.our_state, self._http.their_state} != {h11.DONE}:
            return False
        self._http.start_next_cycle()
        self._begin()
        return True

    def close(self) -> None:
        """
        Close the connection once the client has read the answer, or has had the time to.

        A socket that is closed while there is something to read is reset, and the answer is lost.
        """
        deadline = time.monotonic() + self._patience.lingering_seconds
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self._socket.settimeout(left)
                if not self._socket.recv(RECEIVED_BYTES):
                    break

    def _begin(self) -> None:
        self.head = Head()
        # Something of the request may have come with the one before it.
        self._head_bytes = bytes(self._http.trailing_data[0])
        self.started: float | None = None
        self._deadline = time.monotonic() + self._patience.idle_seconds
        if self._head_bytes:
            self._note_start()

    def _note_start(self) -> None:
        self.started = time.monotonic()
        self._deadline = self.started + self._patience.request_seconds

    def _next_event(self) -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._receive()
        except h11.RemoteProtocolError as error:
            self._read_leniently()
            raise RequestRefused(refusal_of(error, self.head)) from error
        except TimeoutError as error:
            if self.started is None:
                # Nobody has asked for anything.
                return h11.ConnectionClosed()
            self._read_leniently()
            raise RequestRefused(too_slow()) from error
        return event

    def _receive(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        data = self._socket.recv(RECEIVED_BYTES)
        if self.started is None:
            self._note_start()
        if self._http.their_state is h11.IDLE:
            self._head_bytes += data
        self._http.receive_data(data)

    def _read_leniently(self) -> None:
        """Take from a head what a refusal says of it."""
        if not self.head.method:
            self.head = head_in(self._head_bytes)

    def _send(self, *events: h11.Event) -> None:
        self._socket.settimeout(self._patience.request_seconds)
        self._socket.sendall(b"".join(self._http.send(event) or b"" for event in events))
