"""Requests: the parts of one that the routes need, checked."""

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import unquote

from chalice.app import MultiDict, Request

from chalicelib.orders.errors import Refusal, UnreadableOrder, sentence
from chalicelib.orders.order import MAX_PAYLOAD_BYTES
from chalicelib.orders.submission import is_well_formed_id
from chalicelib.orders.traceparent import TRACEPARENT, well_formed_traceparent
from chalicelib.texts import Texts, preferred_language, texts_in

JSON, NDJSON = "application/json", "application/x-ndjson"
# The types of bodies, where they are not JSON.
BODY_TYPES = {"/order-batches": NDJSON}
REQUEST_ID_HEADER = "X-Request-Id"
IDEMPOTENCY_KEY = "idempotency-key"
# Of these headers two are not as the last one: whoever parts requests keeps all of them.
SENT_ONCE = (IDEMPOTENCY_KEY, TRACEPARENT)
# Key of `request.context` that holds the request's id: API Gateway's name for its own.
REQUEST_ID = "requestId"
# Key of `request.context` that holds extra fields of the request's log line.
LOG_FIELDS = "logFields"
CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s";]*)', re.IGNORECASE)
UTF_8 = {"utf-8", "utf8"}
REPLACEMENT = "\ufffd".encode()


class UnsupportedMedia(Refusal):
    """The body is in a form that is not taken: the sentence says which forms are."""


def note(request: Request, **fields: Any) -> None:
    """Add fields to the request's log line: never a value that was refused."""
    request.context.setdefault(LOG_FIELDS, {}).update(fields)


def request_id_of(request: Request) -> str:
    """Take the caller's request id if it is well formed, else API Gateway's, else a new one."""
    given: str = request.headers.get(REQUEST_ID_HEADER, "")
    if is_well_formed_id(given):
        return given
    request_id: str = request.context.setdefault(REQUEST_ID, str(uuid.uuid4()))
    return request_id


def caller_arn_of(request: Request) -> str | None:
    """Return the caller's ARN, where API Gateway has checked its signature."""
    caller: str | None = request.context.get("identity", {}).get("userArn")
    return caller


def idempotency_key_of(request: Request) -> str | None:
    """
    Return the Idempotency-Key as it was sent; None if there is none.

    Two are one list (RFC 9110, 5.3), which is no key, because of its blank: the caller may mean
    either.
    """
    keys = _sent_as(request, IDEMPOTENCY_KEY)
    return ", ".join(keys) if keys else None


def traceparent_of(request: Request) -> str | None:
    """
    Return the caller's `traceparent` in the form in which it is carried on.

    None if there is none. It is never at fault: two of them, or one that can't be used, are as none
    (W3C Trace Context, level 1).
    """
    sent = _sent_as(request, TRACEPARENT)
    return well_formed_traceparent(sent[0].strip(" \t")) if len(sent) == 1 else None


def _sent_as(request: Request, header: str) -> list[str]:
    """List all values of a header. API Gateway's `headers` has the last one only."""
    if header not in request.headers:
        return []
    sent = request.to_original_event().get("multiValueHeaders") or {}
    values = [value for name, each in sent.items() if name.lower() == header for value in each]
    return values or [request.headers[header]]


def body_type_of(request: Request) -> str:
    """Return the content type that the request's route takes."""
    return BODY_TYPES.get(request.context["resourcePath"], JSON)


def body_of(request: Request) -> bytes:
    """
    Return the body as it was sent.

    API Gateway hands a JSON body to Lambda as text: bytes that are not UTF-8 arrive as U+FFFD. An
    order with this character may be another one than was sent, so it is refused.

    Raises:
        UnsupportedMedia: it is compressed, or not in UTF-8 by its own account.
        UnreadableOrder: it is not UTF-8, or was not.
    """
    require_plain_text(request)
    return as_delivered(cast("bytes", request.raw_body))


def require_plain_text(request: Request) -> None:
    """
    Refuse a body that is no plain text in UTF-8, by its own account.

    Raises:
        UnsupportedMedia: it is compressed, or in another charset.
    """
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise UnsupportedMedia(sentence("unsupported-media-type.encoding"))
    charset = CHARSET.search(request.headers.get("Content-Type", ""))
    if charset and charset[1].lower() not in UTF_8:
        raise UnsupportedMedia(sentence("unsupported-media-type.charset"))


def as_delivered(body: bytes) -> bytes:
    """
    Return an order's bytes as API Gateway delivers them, if they may be those that were sent.

    Raises:
        UnreadableOrder: they are not UTF-8, or were not.
    """
    # Other servers hand on the bytes: here they become what they are on AWS.
    body = body.decode(errors="replace").encode()
    position = body.find(REPLACEMENT)
    # Whoever reads a body that is too large says so.
    if position >= 0 and len(body) <= MAX_PAYLOAD_BYTES:
        raise UnreadableOrder("not_utf8", sentence("order.replaced", position=position))
    return body


def parameters_of(request: Request) -> tuple[dict[str, str], dict[str, list[str]]]:
    """
    Read the query parameters: those given once, and those given more than once.

    A signature may be in the query instead of a header (AWS Signature Version 4, "presigned"): its
    parts are API Gateway's, and no parameters.
    """
    given = request.query_params or MultiDict({})
    values = {name: given.getlist(name) for name in given if not name.lower().startswith("x-amz-")}
    once = {name: each[0] for name, each in values.items() if len(each) == 1}
    return once, {name: each for name, each in values.items() if len(each) > 1}


def decoded(path: Mapping[str, str]) -> dict[str, str]:
    """
    Decode the parts of a path, once: `o%2D1` is `o-1` (RFC 3986, 2.3), and `o%252D1` is not.

    A REST API of API Gateway hands them to Lambda as they were sent, and so do Chalice's servers. A
    server that has decoded them before leaves no `%` in any id that there can be.
    """
    return {name: unquote(text) for name, text in path.items()}


def location_of(request: Request, order_id: str) -> str:
    """Return the path of an order that this request handed in, with the stage's prefix."""
    return f"{prefix_of(request)}/orders/{order_id}"


def time_left_of(request: Request) -> Callable[[], float] | None:
    """Return the clock of the function's time left in ms; None where nothing limits it."""
    # A test's context may be none.
    clock: Callable[[], float] | None = getattr(
        request.lambda_context, "get_remaining_time_in_millis", None
    )
    return clock


def prefix_of(request: Request) -> str:
    """
    Return the request's path before the route: the stage's prefix, or nothing.

    The route's parts are counted, not compared: a path may end with a slash, and have characters
    percent-encoded that need not be. Without the slashes at its beginning it names no other host.
    """
    parts = _parts(request.context["path"])
    of_route = _parts(request.context["resourcePath"])
    return "".join(f"/{part}" for part in parts[: len(parts) - len(of_route)])


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def texts_for(request: Request | None) -> Texts:
    """Choose the texts in the caller's preferred language, among those that exist."""
    return texts_in(
        preferred_language(request.headers.get("Accept-Language", "") if request else "")
    )
