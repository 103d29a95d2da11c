"""The head of a request: h11 has read it by RFC 9112, and this module refuses what h11 leaves."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, parse_headers
from typing import TYPE_CHECKING

from chalicelib.http.requests import SENT_ONCE
from ops.local.refusals import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    RequestRefused,
    malformed,
    misdirected,
    refused,
    too_large,
    too_large_head,
)
from ops.own_names import names_this_machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    import h11

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
VERSIONS = (b"1.0", b"1.1")
REQUEST_LINE = re.compile(r"(\S+) (\S+) HTTP/[0-9]\.[0-9]", re.ASCII)
WITH_HOST = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Head:
    """
    A request's head: its headers by their names in lower case, the last of each name.

    Of those in SENT_ONCE it has all, as a list: the API takes no more than one.
    """

    method: str = ""
    target: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    # The request line as it came, which a refusal quotes; False: not all of it came.
    line: str = ""
    line_is_whole: bool = True

    @property
    def host(self) -> str | None:
        """The host that the request is for: its target may name one, which goes before Host."""
        named = WITH_HOST.fullmatch(self.target)
        return named[1] if named else self.headers.get("host")

    @property
    def path(self) -> str:
        """The path and the query."""
        named = WITH_HOST.fullmatch(self.target)
        return named[2] if named else self.target


def head_of(request: h11.Request) -> Head:
    """Make a head of a request that h11 has read."""
    sent = [(name.decode(), value.decode("latin-1")) for name, value in request.headers]
    headers = dict(sent)
    for once in SENT_ONCE:
        if once in headers:
            headers[once] = ", ".join(value for name, value in sent if name == once)
    return Head(request.method.decode(), request.target.decode(), headers)


def head_in(received: bytes) -> Head:
    """
    Make a head of bytes that h11 refuses, as far as they can be read.

    It serves the wording, the language and the log line of the refusal, and nothing else.
    """
    line, line_end, rest = received.partition(b"\n")
    words = line.decode("latin-1").removesuffix("\r")
    try:
        headers = {name.lower(): value for name, value in parse_headers(io.BytesIO(rest)).items()}
    except HTTPException:
        headers = {}
    known = REQUEST_LINE.fullmatch(words)
    method, target = known.groups() if known else ("", "")
    return Head(method, target, headers, words, bool(line_end))


def require_acceptable(request: h11.Request, head: Head) -> None:
    """
    Check what h11 leaves to the server.

    Raises:
        RequestRefused: API Gateway would not take the request, or RFC 9112 advises against it.
    """
    if request.http_version not in VERSIONS:
        raise RequestRefused(
            refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This server speaks HTTP/1.1")
        )
    if _size(request) > MAX_HEAD_BYTES:
        raise RequestRefused(too_large_head())
    if head.method not in METHODS:
        raise RequestRefused(refused(HTTPStatus.NOT_IMPLEMENTED, "No route has this method"))
    if head.host is not None and not names_this_machine(head.host):
        raise RequestRefused(misdirected(head.host))
    length = head.headers.get("content-length")
    if length and "transfer-encoding" in head.headers:
        # Where two servers read such a request differently, its body becomes the next request.
        raise RequestRefused(malformed("both Content-Length and Transfer-Encoding"))
    if length and int(length) > MAX_BODY_BYTES:
        raise RequestRefused(too_large())


def _size(request: h11.Request) -> int:
    line = len(request.method) + len(request.target) + len(" / HTTP/1.1")
    return line + sum(len(value) for _, value in request.headers)
