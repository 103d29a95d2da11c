"""Problems that the local server answers by itself, in place of API Gateway."""

from __future__ import annotations

import json
from http import HTTPStatus

from chalice.local import LocalGatewayException

from chalicelib.http.problems import Problem
from chalicelib.orders.errors import Sentence, sentence

# Lambda's, for the event that a function is called with: a larger body never reaches one. API
# Gateway's own is 10 MB.
MAX_BODY_BYTES = 6 * 1024 * 1024
SHOWN_CHARACTERS = 80


class RequestRefused(LocalGatewayException):
    """A request is refused before any function sees it, as API Gateway does."""

    def __init__(self, problem: Problem) -> None:
        super().__init__({}, None)
        self.problem = problem


def unknown_path(path: str) -> Problem:
    """Say that no route has this path."""
    return Problem(
        "unknown-path",
        HTTPStatus.NOT_FOUND,
        sentence("unknown-path.title"),
        sentence("unknown-path.detail", path=_shown(path)),
    )


def refused(status: HTTPStatus, detail: str) -> Problem:
    """Say that Python's server refuses the request."""
    return Problem("request-refused", status, status.phrase, f"{detail}.")


def unreadable_line(line: str) -> Problem:
    """Say that the request line can't be read."""
    return _malformed(sentence("malformed-request.line", got=_shown(line)))


def negative_length(length: str) -> Problem:
    """Say that Content-Length is negative."""
    return _malformed(sentence("malformed-request.negative", got=length))


def bad_length() -> Problem:
    """Say that Content-Length is no number."""
    return _malformed(sentence("malformed-request.length"))


def bad_chunks() -> Problem:
    """Say that a chunked body has no chunk where one begins."""
    return _malformed(sentence("malformed-request.chunks"))


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


def _shown(text: str) -> str:
    """Quote the input in ASCII, and only its beginning if it is long."""
    return json.dumps(text[:SHOWN_CHARACTERS]) + ("…" if len(text) > SHOWN_CHARACTERS else "")
