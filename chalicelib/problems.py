"""
Problems: what the API answers when it does not do what it was asked (RFC 9457).

Each has a stable `type`, explained in docs/problems.md. A detail says what was wrong and what to
do, in the caller's language; nothing of the system's inside is ever in one.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple

from chalicelib.cursors import InvalidCursor
from chalicelib.intake import InvalidIdempotencyKey, SubmissionUnconfirmed
from chalicelib.messages import ENGLISH, Message, message, message_of, translate
from chalicelib.orders import OrderError, UnreadableOrder
from chalicelib.queries import OrderNotFound
from chalicelib.query_parameters import InvalidParameters
from chalicelib.unavailable import StoreUnavailable

TYPE_PREFIX = "urn:orders:problem:"
# An order on the queue is usually recorded within a second or two.
RETRY_WHEN_RECORDED_SECONDS = 2
RETRY_WHEN_AVAILABLE_SECONDS = 10


class UnsupportedMedia(ValueError):
    """The body is in a form that is not taken: the message says which is."""


class Problem(NamedTuple):
    """
    An answer that is not what was asked for.

    Without a detail of its own, the detail is what the errors say, one after the other. `reason`
    is the code of why no order can be read: the log says it too.
    """

    slug: str
    status: HTTPStatus
    title: str
    detail: str | None
    errors: Sequence[OrderError] = ()
    headers: Mapping[str, str] = MappingProxyType({})
    reason: str | None = None

    def body(self, language: str = ENGLISH) -> dict[str, Any]:
        """The problem as a JSON object, in a language."""
        errors = [error.in_language(language) for error in self.errors]
        detail = (
            self.detail or "; ".join(f"{error.field} {error.message}" for error in errors) + "."
        )
        body: dict[str, Any] = {
            "type": f"{TYPE_PREFIX}{self.slug}",
            "title": translate(self.title, language),
            "status": self.status.value,
            "detail": translate(detail, language),
        }
        if self.reason:
            body["reason"] = self.reason
        if errors:
            body["errors"] = [error._asdict() for error in errors]
        return body

    def log_keys(self) -> dict[str, Any]:
        """
        What a log may say of it: which problem, and codes, each of them once.

        A field that an error names is not one of them, since it may be what the caller sent.
        """
        keys: dict[str, Any] = {"problem": self.slug}
        if self.reason:
            return keys | {"reason": self.reason}
        codes = list(dict.fromkeys(error.code for error in self.errors))
        return keys | ({"errors": codes} if codes else {})

    def headers_in(self, language: str) -> dict[str, str]:
        """The headers that go with the body in a language."""
        # What Chalice or Python says by itself is in English, whoever asks.
        spoken = language if isinstance(self.title, Message) else ENGLISH
        return {**self.headers, **language_headers(spoken)}


def language_headers(language: str) -> dict[str, str]:
    """What says which language an answer is in, and keeps a cache from giving it to others."""
    return {"Content-Language": language, "Vary": "Accept-Language"}


def problem_of(error: Exception) -> Problem:
    """The problem that an error is to the caller: an internal one, unless it is known."""
    match error:
        case UnreadableOrder(reason="too_large"):
            detail = message("unreadable-order.body", problem=message_of(error))
            return Problem(
                "order-too-large",
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                message("order-too-large.title"),
                detail,
                reason=error.reason,
            )
        case UnreadableOrder():
            return _unreadable(error)
        case InvalidIdempotencyKey():
            return Problem(
                "invalid-idempotency-key",
                HTTPStatus.BAD_REQUEST,
                message("invalid-idempotency-key.title"),
                message("invalid-idempotency-key.detail", problem=message_of(error)),
            )
        case InvalidParameters():
            return _invalid_parameters(error.errors)
        case InvalidCursor():
            advice = message("cursor.advice", problem=message_of(error))
            return _invalid_parameters([OrderError("cursor", "bad_cursor", advice)])
        case OrderNotFound():
            return _not_found(error.args[0])
        case UnsupportedMedia():
            return _unsupported_media(message_of(error))
        case SubmissionUnconfirmed():
            return _unavailable(message("unavailable.submission"))
        case StoreUnavailable():
            return _unavailable(message("unavailable.detail"))
        case _:
            return internal_problem()


def problem_of_framework(status: int, text: str) -> Problem:
    """The problem for an error that Chalice itself answers with, which quotes what it got last."""
    got = text.partition(": ")[2]
    match HTTPStatus(status):
        case HTTPStatus.METHOD_NOT_ALLOWED as allowed_status:
            return Problem(
                "method-not-allowed",
                allowed_status,
                message("method-not-allowed.title"),
                message("method-not-allowed.detail", got=got),
            )
        case HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return _unsupported_media(message("unsupported-media-type.type", got=got))
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            return internal_problem()
        case other:
            return Problem("request-refused", other, other.phrase, text)


def internal_problem() -> Problem:
    """Something that should not happen did: the log says what, under the request id."""
    return Problem(
        "internal-error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        message("internal-error.title"),
        message("internal-error.detail"),
    )


def _unreadable(error: UnreadableOrder) -> Problem:
    why = message_of(error)
    return Problem(
        "unreadable-order",
        HTTPStatus.BAD_REQUEST,
        message("unreadable-order.title"),
        message("unreadable-order.id" if error.field else "unreadable-order.body", problem=why),
        [OrderError(error.field, error.reason, why)] if error.field else [],
        reason=error.reason,
    )


def _unsupported_media(detail: str) -> Problem:
    return Problem(
        "unsupported-media-type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        message("unsupported-media-type.title"),
        detail,
    )


def _invalid_parameters(errors: Sequence[OrderError]) -> Problem:
    title = message("invalid-parameters.title")
    return Problem("invalid-parameters", HTTPStatus.BAD_REQUEST, title, None, errors)


def _not_found(order_id: str) -> Problem:
    return Problem(
        "order-not-found",
        HTTPStatus.NOT_FOUND,
        message("order-not-found.title"),
        message("order-not-found.detail", order_id=order_id),
        headers={"Retry-After": str(RETRY_WHEN_RECORDED_SECONDS)},
    )


def _unavailable(detail: str) -> Problem:
    return Problem(
        "unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        message("unavailable.title"),
        detail,
        headers={"Retry-After": str(RETRY_WHEN_AVAILABLE_SECONDS)},
    )
