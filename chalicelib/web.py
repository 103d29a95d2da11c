"""HTTP: what is the same for every route, around the few lines that each view has in api.py."""

import functools
import re
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol, cast

from chalice.app import MultiDict, Request, Response

from chalicelib.messages import message, preferred_language
from chalicelib.problems import (
    Problem,
    UnsupportedMedia,
    problem_of,
    problem_of_framework,
)
from chalicelib.representation import to_json
from chalicelib.submissions import is_well_formed_id

REQUEST_ID_HEADER = "X-Request-Id"
# Where a request's id is kept while it is answered: API Gateway's name for its own.
REQUEST_ID = "requestId"
CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s";]*)', re.IGNORECASE)
UTF_8 = {"utf-8", "utf8"}
# Where is kept what the log line of the request is to say besides.
KNOWN = "known"

View = Callable[..., Response]


class Reporter(Protocol):
    """Is told of requests, to log them."""

    def answered(
        self,
        *,
        method: str,
        route: str,
        status: int,
        duration_ms: int,
        request_id: str,
        known: Mapping[str, Any] = ...,
    ) -> None: ...
    def request_failed(self, error: Exception, request_id: str) -> None: ...


def json_response(
    body: Mapping[str, Any],
    status: HTTPStatus = HTTPStatus.OK,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response with a JSON body."""
    return Response(
        body=to_json(body),
        status_code=status.value,
        headers={"Content-Type": content_type, **(headers or {})},
    )


def problem_response(problem: Problem, request: Request | None) -> Response:
    """A response that is a problem, in the language of the request."""
    language = language_of(request)
    if request:
        note(request, **problem.log_keys())
    return json_response(
        problem.body(language),
        problem.status,
        "application/problem+json",
        problem.headers_in(language),
    )


def answering(reporter: Callable[[], Reporter]) -> Callable[[View], View]:
    """
    A decorator for views: an exception becomes the problem that it is to the caller.

    It must catch all, since Chalice would log an exception with its message, which may quote what
    was sent.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def answer(request: Request, *args: Any) -> Response:
            try:
                return view(request, *args)
            except Exception as error:  # noqa: BLE001 (the boundary around one request)
                problem = problem_of(error)
                if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    reporter().request_failed(error, request_id_of(request))
                return problem_response(problem, request)

        return answer

    return decorate


def respond(
    request: Request | None, get_response: Callable[[Any], Response], reporter: Reporter
) -> Response:
    """
    Middleware: give the answer its request id, log it, and turn Chalice's own errors into problems.

    Those that Chalice's local server or API Gateway make before the app is called (an unknown
    path) do not come by here.
    """
    if request is None:
        return problem_response(problem_of_framework(HTTPStatus.NOT_FOUND, "Unknown request"), None)
    started = time.monotonic()
    request_id = request_id_of(request)
    response = _as_problem(get_response(request), request)
    response.headers[REQUEST_ID_HEADER] = request_id
    reporter.answered(
        method=request.method,
        route=request.context["resourcePath"],
        status=response.status_code,
        duration_ms=int((time.monotonic() - started) * 1000),
        request_id=request_id,
        known=request.context.get(KNOWN, {}),
    )
    return response


def note(request: Request, **known: Any) -> None:
    """Keep what is known of a request for its log line: never a value that was refused."""
    request.context.setdefault(KNOWN, {}).update(known)


def request_id_of(request: Request) -> str:
    """The caller's request id if it is well formed, else API Gateway's, else a new one."""
    given: str = request.headers.get(REQUEST_ID_HEADER, "")
    if is_well_formed_id(given):
        return given
    request_id: str = request.context.setdefault(REQUEST_ID, str(uuid.uuid4()))
    return request_id


def caller_of(request: Request) -> str | None:
    """The ARN of the caller, where API Gateway has checked its signature."""
    caller: str | None = request.context.get("identity", {}).get("userArn")
    return caller


def body_of(request: Request) -> bytes:
    """
    The body as it was sent.

    Raises:
        UnsupportedMedia: it is compressed, or not in UTF-8 by its own account.
    """
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise UnsupportedMedia(message("unsupported-media-type.encoding"))
    charset = CHARSET.search(request.headers.get("Content-Type", ""))
    if charset and charset[1].lower() not in UTF_8:
        raise UnsupportedMedia(message("unsupported-media-type.charset"))
    return cast("bytes", request.raw_body)


def parameters_of(request: Request) -> tuple[dict[str, str], dict[str, list[str]]]:
    """
    The query parameters: those that are given once, and those that are given more than once.

    A signature may be in the query instead of a header (AWS Signature Version 4, "presigned"): what
    it is made of is API Gateway's, and none of them.
    """
    given = request.query_params or MultiDict({})
    values = {name: given.getlist(name) for name in given if not name.lower().startswith("x-amz-")}
    once = {name: each[0] for name, each in values.items() if len(each) == 1}
    return once, {name: each for name, each in values.items() if len(each) > 1}


def location_of(request: Request, order_id: str) -> str:
    """Where an order that this request handed in can be read, the stage's prefix included."""
    return f"{request.context['path'].rstrip('/')}/{order_id}"


def prefix_of(request: Request) -> str:
    """What comes before the route in the request's path: the stage's prefix, or nothing."""
    path: str = request.context["path"]
    return path.removesuffix(request.context["resourcePath"])


def language_of(request: Request | None) -> str:
    """The language that the caller reads best, of those that there are."""
    return preferred_language(request.headers.get("Accept-Language", "") if request else "")


def _as_problem(response: Response, request: Request) -> Response:
    body = response.body
    if not (isinstance(body, dict) and {"Code", "Message"} <= body.keys()):
        return response
    problem = problem_of_framework(response.status_code, body["Message"])
    converted = problem_response(problem, request)
    converted.headers = {**response.headers, **converted.headers}
    return converted
