"""The body of a request, read as API Gateway reads it: chunked ones too, and none too large."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ops.local.refusals import (
    MAX_BODY_BYTES,
    RequestRefused,
    bad_chunks,
    bad_length,
    negative_length,
    too_large,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

# Python refuses to read a number of some thousand digits.
MAX_LENGTH_DIGITS = 18


def read_body(headers: Mapping[str, str], source: BinaryIO) -> bytes | None:
    """
    Read the body that the headers announce; None if there is none.

    Raises:
        RequestRefused: it is too large, or not as long as it should be told.
    """
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        return _read_chunks(source)
    return _read_exactly(source, _length(headers.get("Content-Length", "0"))) or None


def _length(written: str) -> int:
    if re.fullmatch(f"-[0-9]{{1,{MAX_LENGTH_DIGITS}}}", written):
        raise RequestRefused(negative_length(written))
    if not (written.isascii() and written.isdigit()):
        raise RequestRefused(bad_length())
    if len(written) > MAX_LENGTH_DIGITS:
        raise RequestRefused(too_large())
    return int(written)


def _read_chunks(source: BinaryIO) -> bytes:
    """Read a chunked body: Chalice's server doesn't, API Gateway does, and `curl -T` sends them."""
    body = b""
    while size := _chunk_size(source):
        body += _read_exactly(source, size, already=len(body))
        source.readline()
    while source.readline().strip():
        pass
    return body


def _chunk_size(source: BinaryIO) -> int:
    size = source.readline(64).split(b";")[0].strip()
    if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size):
        raise RequestRefused(bad_chunks())
    return int(size, 16)


def _read_exactly(source: BinaryIO, size: int, already: int = 0) -> bytes:
    if already + size > MAX_BODY_BYTES:
        raise RequestRefused(too_large())
    return source.read(size)
