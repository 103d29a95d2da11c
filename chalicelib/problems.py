"""
Problems: what the API answers when it does not do what it was asked (RFC 9457).

Each has a stable `type`, explained in docs/problems.md. A detail says what was wrong and what to
do; nothing of the system's inside is ever in one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from chalicelib.cursors import InvalidCursor
from chalicelib.intake import InvalidIdempotencyKey
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


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer that is not what was asked for."""

    slug: str
    status: HTTPStatus
    title: str
    detail: str
    errors: Sequence[OrderError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The problem as a JSON object."""
        body: dict[str, Any] = {
            "type": f"{TYPE_PREFIX}{self.slug}",
            "title": self.title,
            "status": self.status.value,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = [error._asdict() for error in self.errors]
        return body


def problem_of(error: Exception) -> Problem:
    """The problem that an error is to the caller: an internal one, unless it is known."""
    match error:
        case UnreadableOrder(reason="too_large"):
            return _too_large(f"The body {error}. Nothing was queued.")
        case UnreadableOrder():
            return _unreadable(error)
        case InvalidIdempotencyKey():
            detail = f"The Idempotency-Key {error}. Nothing was queued."
            return Problem(
                "invalid-idempotency-key", HTTPStatus.BAD_REQUEST, "Invalid Idempotency-Key", detail
            )
        case InvalidParameters():
            return _invalid_parameters(error.errors)
        case InvalidCursor():
            message = f"{error}: take it as it is from the answer before, with the same query"
            return _invalid_parameters([OrderError("cursor", "bad_cursor", message)])
        case OrderNotFound():
            return _not_found()
        case UnsupportedMedia():
            return _unsupported_media(str(error))
        case StoreUnavailable():
            return _unavailable()
        case _:
            return internal_problem()


def problem_of_framework(status: int, message: str) -> Problem:
    """The problem for an error that Chalice itself answers with."""
    match HTTPStatus(status):
        case HTTPStatus.METHOD_NOT_ALLOWED as allowed_status:
            detail = f"{message}: the Allow header names what is supported."
            return Problem("method-not-allowed", allowed_status, "Method not allowed", detail)
        case HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return _unsupported_media(f"The Content-Type must be application/json. {message}.")
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            return internal_problem()
        case other:
            return Problem("request-refused", other, other.phrase, message)


def internal_problem() -> Problem:
    """Something that should not happen did: the log says what, under the request id."""
    return Problem(
        "internal-error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Internal error",
        "Something went wrong here. Try again with the same Idempotency-Key; if it stays, "
        "tell the operator the X-Request-Id of this answer.",
    )


def _unreadable(error: UnreadableOrder) -> Problem:
    what = "The order's id" if error.field else "The body"
    return Problem(
        "unreadable-order",
        HTTPStatus.BAD_REQUEST,
        "Unreadable order",
        f"{what} {error}. Nothing was queued.",
        [OrderError(error.field, error.reason, str(error))] if error.field else [],
    )


def _too_large(detail: str) -> Problem:
    return Problem(
        "order-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Order too large", detail
    )


def _unsupported_media(detail: str) -> Problem:
    return Problem(
        "unsupported-media-type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "Unsupported media type",
        f"{detail} Nothing was queued.",
    )


def _invalid_parameters(errors: Sequence[OrderError]) -> Problem:
    detail = "; ".join(f"{error.field} {error.message}" for error in errors)
    return Problem(
        "invalid-parameters", HTTPStatus.BAD_REQUEST, "Invalid parameters", f"{detail}.", errors
    )


def _not_found() -> Problem:
    return Problem(
        "order-not-found",
        HTTPStatus.NOT_FOUND,
        "Order not found",
        "No order with this id is recorded. If it was handed in just now it may still be on the "
        "queue: ask again after the time in Retry-After.",
        headers={"Retry-After": str(RETRY_WHEN_RECORDED_SECONDS)},
    )


def _unavailable() -> Problem:
    return Problem(
        "unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Temporarily unavailable",
        "A service behind this one did not answer. Try again after the time in Retry-After; give "
        "an order the same Idempotency-Key again, so that it counts once.",
        headers={"Retry-After": str(RETRY_WHEN_AVAILABLE_SECONDS)},
    )
