"""Problems that the local server answers by itself, in place of API Gateway."""

from __future__ import annotations

import json
from http import HTTPStatus

from chalicelib.http.problem import Problem
from chalicelib.orders.errors import Sentence, sentence

# Lambda's, for the event that a function is called with: a larger body never reaches one. API
# Gateway's own is 10 MB.
MAX_BODY_BYTES = 6 * 1024 * 1024
# API Gateway's, for the request line and the values of all headers: its page of quotas has it.
MAX_HEAD_BYTES = 10_240
SHOWN_CHARACTERS = 80


class RequestRefused(Exception):
    """A request is refused before any function sees it, as API Gateway does."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.slug)
        self.problem = problem


def unknown_path(path: str) -> Problem:
    """Say that no route has this path."""
    return Problem(
        "unknown-path",
        HTTPStatus.NOT_FOUND,
        sentence("unknown-path.title"),
        sentence("unknown-path.detail", path=shown(path)),
    )


def refused(status: HTTPStatus, detail: str) -> Problem:
    """Say that the server refuses the request, in English: nothing of it needs to be known."""
    return Problem("request-refused", status, status.phrase, f"{detail}.")


def unreadable_line(line: str) -> Problem:
    """Say that the request line can't be read."""
    return _malformed(sentence("malformed-request.line", got=shown(line)))


def negative_length(length: str) -> Problem:
    """Say that Content-Length is negative."""
    return _malformed(sentence("malformed-request.negative", got=length))


def bad_length() -> Problem:
    """Say that Content-Length is no number."""
    return _malformed(sentence("malformed-request.length"))


def bad_chunks() -> Problem:
    """Say that a chunked body has no chunk where one begins."""
    return _malformed(sentence("malformed-request.chunks"))


def cut_off() -> Problem:
    """Say that the connection ended within the request."""
    return _malformed(sentence("malformed-request.cut_off"))


def malformed(reason: str) -> Problem:
    """Say that the request is none of HTTP/1.1, for a reason in English."""
    return _malformed(sentence("malformed-request.other", reason=reason))


def misdirected(host: str) -> Problem:
    """Say that the request is for another host."""
    return Problem(
        "misdirected-request",
        HTTPStatus.MISDIRECTED_REQUEST,
        sentence("misdirected-request.title"),
        sentence("misdirected-request.detail", got=shown(host)),
    )


def too_slow() -> Problem:
    """Say that the request took too long to arrive."""
    return refused(HTTPStatus.REQUEST_TIMEOUT, "The request did not come to its end in time")


def too_large_head() -> Problem:
    """Say that the request line and the headers have too many bytes."""
    return refused(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        f"The request line and the headers' values may have {MAX_HEAD_BYTES} bytes",
    )


def too_large() -> Problem:
    """Say that the body is larger than AWS hands to a function."""
    return Problem(
        "request-too-large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        sentence("request-too-large.title"),
        sentence("request-too-large.detail", most=MAX_BODY_BYTES),
    )


def _malformed(detail: Sentence) -> Problem:
    title = sentence("malformed-request.title")
    return Problem("malformed-request", HTTPStatus.BAD_REQUEST, title, detail)


def shown(text: str) -> str:
    """Quote the input in ASCII, and only its beginning if it is long."""
    return json.dumps(text[:SHOWN_CHARACTERS]) + ("…" if len(text) > SHOWN_CHARACTERS else "")
