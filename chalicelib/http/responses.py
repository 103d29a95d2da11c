"""Responses: the frame of every answer around the few lines that each route has in app.py."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from chalice.app import Request, Response

from chalicelib.http.problem import Problem, language_headers
from chalicelib.http.problems import problem_of, problem_of_framework
from chalicelib.http.representation import to_json
from chalicelib.http.requests import (
    LOG_FIELDS,
    REQUEST_ID_HEADER,
    body_type_of,
    note,
    request_id_of,
    texts_for,
    traceparent_of,
)
from chalicelib.orders.traceparent import trace_id_of
from chalicelib.texts import Texts

# Lambda takes an answer of 6 MB ("Lambda quotas" in its developer guide: invocation payload); API
# Gateway takes 10. The rest is for headers, of which a caller chooses no more than a request id.
MAX_BODY_BYTES = 5 * 1024 * 1024
# An answer may hold an order, and a problem a part of one. All get it in one place, so no
# route can forget it.
UNCACHED = {"Cache-Control": "no-store"}
# Stripe's name, which others took over; the IETF's draft has none.
REPLAYED = MappingProxyType({"Idempotent-Replayed": "true"})


class PageOfRecords(Protocol):
    """A page of an answer, as far as its size matters."""

    @property
    def records(self) -> Sequence[object]: ...


Page = TypeVar("Page", bound=PageOfRecords)


class Reporter(Protocol):
    """Hears of requests, to log them."""

    def answered(
        self,
        *,
        method: str,
        route: str,
        status: int,
        duration_ms: int,
        request_id: str,
        fields: Mapping[str, Any] = ...,
    ) -> None: ...
    def request_failed(self, error: Exception, request_id: str) -> None: ...


def json_response(
    body: Mapping[str, Any],
    status: HTTPStatus = HTTPStatus.OK,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make a response with a JSON body."""
    return Response(
        body=to_json(body),
        status_code=status.value,
        headers={"Content-Type": content_type, **(headers or {})},
    )


def redirection(path: str) -> Response:
    """Make a response that leads to another path of this API, for now."""
    return Response(
        body="",
        status_code=HTTPStatus.FOUND.value,
        headers={"Content-Type": "text/plain", "Location": path},
    )


def translated_response(
    request: Request,
    write: Callable[[Texts], Mapping[str, Any]],
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make a response with a JSON body in the language of the request."""
    texts = texts_for(request)
    return json_response(
        write(texts), status, headers={**language_headers(texts.language), **(headers or {})}
    )


def paged_response(
    request: Request,
    read: Callable[[int], Page],
    limit: int,
    write: Callable[[Page, Texts], Mapping[str, Any]],
) -> Response:
    """
    Make a response of a page of at most `limit` records, which `read` reads.

    A page that is too large for an answer is read again with fewer of them: its cursor goes on
    from there, so nothing is skipped. Only senders who write to the queue themselves can make
    records so large.
    """
    while True:
        page = read(limit)
        response = translated_response(request, partial(write, page))
        limit = min(limit, len(page.records)) // 2
        if not limit or _bytes_in_answer(response.body) <= MAX_BODY_BYTES:
            return response


def problem_response(
    problem: Problem,
    request: Request | None,
    write: Callable[[Texts], Mapping[str, Any]] = lambda _: {},
) -> Response:
    """Make a response of a problem, in the language of the request; `write` adds members."""
    texts = texts_for(request)
    if request:
        note(request, **problem.log_keys())
    return json_response(
        {**problem.body(texts), **write(texts)},
        problem.status,
        "application/problem+json",
        problem.headers_in(texts.language),
    )


def answer(
    view: Callable[..., Response], request: Request, path: Mapping[str, str], reporter: Reporter
) -> Response:
    """
    Call a view with a request and the parts of its path. An exception becomes a problem.

    It must catch all, since Chalice would log an exception with its message, which may quote the
    request.
    """
    try:
        return view(request, **path)
    except Exception as error:  # noqa: BLE001 (the boundary around one request)
        problem = problem_of(error)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            reporter.request_failed(error, request_id_of(request))
        return problem_response(problem, request)


def respond(
    request: Request | None, get_response: Callable[[Any], Response], reporter: Reporter
) -> Response:
    """
    Middleware: give the answer its request id, log it, and turn Chalice's own errors into problems.

    No cache may keep the answer, and an answer to HEAD has no body. Errors that Chalice's local
    server or API Gateway make before they call the app (an unknown path) do not pass through here.
    """
    if request is None:
        unknown = problem_of_framework(HTTPStatus.NOT_FOUND, "Unknown request")
        return _uncached(problem_response(unknown, None))
    started = time.monotonic()
    request_id = request_id_of(request)
    traceparent = traceparent_of(request)
    if traceparent:
        note(request, traceId=trace_id_of(traceparent))
    response = _uncached(_as_problem(get_response(request), request))
    response.headers[REQUEST_ID_HEADER] = request_id
    if request.method == "HEAD":
        # Chalice's local server would send it, and the client would read it as the next answer.
        response.body = ""
    reporter.answered(
        method=request.method,
        route=request.context["resourcePath"],
        status=response.status_code,
        duration_ms=int((time.monotonic() - started) * 1000),
        request_id=request_id,
        fields=request.context.get(LOG_FIELDS, {}),
    )
    return response


def _bytes_in_answer(body: str) -> int:
    """Count the bytes of a body as Lambda hands it on: ASCII, written as a string of JSON."""
    return len(body) + body.count('"') + body.count("\\")


def _uncached(response: Response) -> Response:
    response.headers.update(UNCACHED)
    return response


def _as_problem(response: Response, request: Request) -> Response:
    body = response.body
    if not (isinstance(body, dict) and {"Code", "Message"} <= body.keys()):
        return response
    problem = problem_of_framework(response.status_code, body["Message"], body_type_of(request))
    converted = problem_response(problem, request)
    converted.headers = {**response.headers, **converted.headers}
    return converted
