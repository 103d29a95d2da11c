"""The refusals of what h11 can't read: h11 says why in English, and these say it for people."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from ops.local.refusals import (
    MAX_BODY_BYTES,
    bad_chunks,
    bad_length,
    cut_off,
    malformed,
    negative_length,
    refused,
    too_large,
    too_large_head,
    unreadable_line,
)

if TYPE_CHECKING:
    import h11

    from chalicelib.http.problem import Problem
    from ops.local.http_head import Head

NEGATIVE = re.compile("-[0-9]{1,20}")


def refusal_of(error: h11.RemoteProtocolError, head: Head) -> Problem:
    """Make a problem of h11's error. `head` is what can be read of the request's head."""
    match error.error_status_hint:
        case HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if head.line_is_whole:
            return too_large_head()
        case HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            return refused(HTTPStatus.REQUEST_URI_TOO_LONG, "The request line is too long")
        case HTTPStatus.NOT_IMPLEMENTED:
            return refused(HTTPStatus.NOT_IMPLEMENTED, str(error))
    return _malformed(str(error), head)


def _malformed(reason: str, head: Head) -> Problem:
    # h11 quotes what it can't read, and what is in the quotation is not for a sentence.
    reason = reason.partition(": bytearray(")[0].removesuffix(": header")
    match reason.split():
        case ["illegal", "request", *_] | ["no", "request", *_]:
            return unreadable_line(head.line)
        case ["bad", "Content-Length"]:
            return _bad_length(head.headers.get("content-length", ""))
        case ["illegal", "chunk", *_] | ["malformed", "chunk", *_]:
            return bad_chunks()
        case ["peer", *_]:
            return cut_off()
    return malformed(reason)


def _bad_length(length: str) -> Problem:
    if NEGATIVE.fullmatch(length):
        return negative_length(length)
    too_many_digits = (
        length.isascii() and length.isdigit() and len(length) > len(str(MAX_BODY_BYTES))
    )
    return too_large() if too_many_digits else bad_length()
