"""
An archive that signs and sends each put by hand: a floor for any library that speaks to S3.

It knows one kind of request and two answers, and tries nothing again. Each thread has a connection
of its own, which stays open.
"""

import hmac
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from chalicelib.orders.submission import Submission

SIGNED = "content-type;host;if-none-match;x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date"
STORED, THERE = b"HTTP/1.1 200", b"HTTP/1.1 412"


class Access(NamedTuple):
    """The key that requests are signed with."""

    key_id: str
    secret: str
    region: str


class HandArchive:
    """Puts orders into a bucket at an endpoint that speaks plain HTTP."""

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        access: Access,
        now: Callable[[], time.struct_time] = time.gmtime,
    ) -> None:
        parts = urlsplit(endpoint)
        self._address = (parts.hostname or "", parts.port or 80)
        self._host = parts.netloc
        self._bucket = bucket
        self._access = access
        self._now = now
        self._keys: dict[str, bytes] = {}
        self._of_thread = threading.local()

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "HandArchive":
        access = Access(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment["AWS_REGION"],
        )
        return cls(environment["AWS_ENDPOINT_URL"], environment["ORDERS_BUCKET"], access)

    def keep(self, submission: Submission) -> None:
        """Put the order under its key, unless there is an object already."""
        order = submission.order
        body = order.payload.encode()
        head = self.head(submission.archive_key, len(body), order.payload_sha256)
        answer = self._send(head + body)
        if not answer.startswith((STORED, THERE)):
            raise OSError(answer[:100])

    def head(self, key: str, size: int, digest: str) -> bytes:
        """Make the signed head of a put of so many bytes with that SHA-256."""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", self._now())
        path = quote(f"/{self._bucket}/{key}", safe="/~")
        checksum = b64encode(bytes.fromhex(digest)).decode()
        headers = (
            f"content-type:application/json\nhost:{self._host}\nif-none-match:*\n"
            f"x-amz-checksum-sha256:{checksum}\n"
            f"x-amz-content-sha256:{digest}\nx-amz-date:{stamp}\n"
        )
        request = sha256(f"PUT\n{path}\n\n{headers}\n{SIGNED}\n{digest}".encode()).hexdigest()
        scope = f"{stamp[:8]}/{self._access.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{request}"
        signature = hmac.digest(self._key(stamp[:8]), text.encode(), "sha256").hex()
        return (
            f"PUT {path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-length: {size}\r\n"
            "content-type: application/json\r\nif-none-match: *\r\n"
            f"x-amz-checksum-sha256: {checksum}\r\n"
            f"x-amz-content-sha256: {digest}\r\nx-amz-date: {stamp}\r\n"
            f"authorization: AWS4-HMAC-SHA256 Credential={self._access.key_id}/{scope}, "
            f"SignedHeaders={SIGNED}, Signature={signature}\r\n\r\n"
        ).encode()

    def _key(self, day: str) -> bytes:
        if day not in self._keys:
            key = f"AWS4{self._access.secret}".encode()
            for part in (day, self._access.region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._keys[day] = key
        return self._keys[day]

    def _send(self, request: bytes) -> bytes:
        connection = self._connection()
        connection.sendall(request)
        answer = connection.recv(65_536)
        while not _is_whole(answer):
            more = connection.recv(65_536)
            if not more:
                raise OSError("the connection was closed in the middle of an answer")
            answer += more
        return answer

    def _connection(self) -> socket.socket:
        if not hasattr(self._of_thread, "connection"):
            connection = socket.create_connection(self._address, timeout=2)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._of_thread.connection = connection
        found: socket.socket = self._of_thread.connection
        return found


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    _, _, size = head.lower().partition(b"\r\ncontent-length:")
    return len(body) >= int(size.partition(b"\r\n")[0] or 0)
