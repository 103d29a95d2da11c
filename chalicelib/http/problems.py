"""
Problems: which error is which answer of the API.

Each has a stable `type`, explained in docs/problems.md. A detail says what was wrong and what to
do, in the caller's language. It never holds anything of the system's inside.
"""

from collections.abc import Sequence
from http import HTTPStatus
from types import MappingProxyType

from chalicelib.http.parameters import InvalidParameters
from chalicelib.http.problem import Problem, internal_problem, unavailable
from chalicelib.http.requests import JSON, UnsupportedMedia
from chalicelib.orders.errors import FieldError, Sentence, UnreadableOrder, sentence
from chalicelib.services.batch_lines import BatchTooLarge
from chalicelib.services.cursors import InvalidCursor
from chalicelib.services.intake import (
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    SubmissionUnconfirmed,
)
from chalicelib.services.principals import ANONYMOUS, CallerUnknown, ChannelNotYours, Forbidden
from chalicelib.services.queries import OrderNotFound
from chalicelib.services.submissions import SubmissionAmbiguous, SubmissionNotFound
from chalicelib.services.unavailable import StoreUnavailable

# An order on the queue is usually recorded within a second or two.
WHEN_RECORDED = MappingProxyType({"Retry-After": "2"})


def problem_of(error: Exception) -> Problem:
    """Turn an error into a problem for the caller: an internal one, unless it is known."""
    match error:
        case BatchTooLarge() | UnreadableOrder(reason="too_large"):
            return _too_large(error)
        case UnreadableOrder():
            return _unreadable(error)
        case InvalidIdempotencyKey() | IdempotencyKeyReused():
            return _key_refused(error)
        case Forbidden():
            return _forbidden(error)
        case InvalidParameters():
            return _invalid_parameters(error.errors, error.consequence)
        case InvalidCursor():
            advice = sentence("cursor.advice", problem=error.sentence)
            return _invalid_parameters([FieldError("cursor", "bad_cursor", advice)])
        case OrderNotFound() | SubmissionNotFound() | SubmissionAmbiguous():
            return _unanswered(error)
        case UnsupportedMedia():
            return _unsupported_media(error.sentence)
        case StoreUnavailable():
            may_be_queued = isinstance(error, SubmissionUnconfirmed)
            return unavailable(
                sentence("unavailable.submission" if may_be_queued else "unavailable.detail")
            )
        case _:
            return internal_problem()


def problem_of_framework(status: int, text: str, body_type: str = JSON) -> Problem:
    """
    Turn Chalice's own error into a problem. The error's end quotes the request.

    `body_type` is the type of the route's bodies.
    """
    got = text.partition(": ")[2]
    match HTTPStatus(status):
        case HTTPStatus.METHOD_NOT_ALLOWED as allowed_status:
            return Problem(
                "method-not-allowed",
                allowed_status,
                sentence("method-not-allowed.title"),
                sentence("method-not-allowed.detail", got=got),
            )
        case HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return _unsupported_media(
                sentence("unsupported-media-type.type", type=body_type, got=got)
            )
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            return internal_problem()
        case other:
            return Problem("request-refused", other, other.phrase, text)


def _too_large(error: BatchTooLarge | UnreadableOrder) -> Problem:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if isinstance(error, BatchTooLarge):
        return Problem("batch-too-large", status, sentence("batch-too-large.title"), error.sentence)
    return Problem(
        "order-too-large",
        status,
        sentence("order-too-large.title"),
        sentence("unreadable-order.body", problem=error.sentence),
        reason=error.reason,
    )


def _unreadable(error: UnreadableOrder) -> Problem:
    why = error.sentence
    return Problem(
        "unreadable-order",
        HTTPStatus.BAD_REQUEST,
        sentence("unreadable-order.title"),
        sentence("unreadable-order.id" if error.field else "unreadable-order.body", problem=why),
        [FieldError(error.field, error.reason, why)] if error.field else [],
        reason=error.reason,
    )


def _key_refused(error: InvalidIdempotencyKey | IdempotencyKeyReused) -> Problem:
    match error:
        case InvalidIdempotencyKey():
            return Problem(
                "invalid-idempotency-key",
                HTTPStatus.BAD_REQUEST,
                sentence("invalid-idempotency-key.title"),
                sentence("invalid-idempotency-key.detail", problem=error.sentence),
            )
        case _:
            return Problem(
                "idempotency-key-reused",
                HTTPStatus.UNPROCESSABLE_ENTITY,
                sentence("idempotency-key-reused.title"),
                sentence("idempotency-key-reused.detail", order_id=error.order_id),
                order_id=error.order_id,
            )


def _forbidden(error: Forbidden) -> Problem:
    match error:
        case ChannelNotYours(channel=channel, named=named):
            return Problem(
                "channel-not-yours",
                HTTPStatus.FORBIDDEN,
                sentence("channel-not-yours.title"),
                sentence("channel-not-yours.detail", channel=channel, named=named),
                caller=error.principal,
            )
        case CallerUnknown(reads=True):
            detail = sentence("caller-unknown.reader", principal=error.principal)
        case _ if error.principal == ANONYMOUS:
            detail = sentence("caller-unknown.unsigned")
        case _:
            detail = sentence("caller-unknown.detail", principal=error.principal)
    title = sentence("caller-unknown.title")
    return Problem("caller-unknown", HTTPStatus.FORBIDDEN, title, detail, caller=error.principal)


def _unsupported_media(detail: Sentence) -> Problem:
    return Problem(
        "unsupported-media-type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        sentence("unsupported-media-type.title"),
        detail,
    )


def _invalid_parameters(
    errors: Sequence[FieldError], consequence: Sentence | None = None
) -> Problem:
    return Problem(
        "invalid-parameters",
        HTTPStatus.BAD_REQUEST,
        sentence("invalid-parameters.title"),
        None,
        errors,
        consequence=consequence,
    )


def _unanswered(error: OrderNotFound | SubmissionNotFound | SubmissionAmbiguous) -> Problem:
    match error:
        case OrderNotFound():
            return Problem(
                "order-not-found",
                HTTPStatus.NOT_FOUND,
                sentence("order-not-found.title"),
                sentence("order-not-found.detail", order_id=error.args[0]),
                headers=WHEN_RECORDED,
            )
        case SubmissionNotFound():
            return Problem(
                "submission-not-found",
                HTTPStatus.NOT_FOUND,
                sentence("submission-not-found.title"),
                sentence(
                    "submission-not-found.detail",
                    order_id=error.order_id,
                    submission_id=error.submission_id,
                ),
                headers=WHEN_RECORDED,
            )
        case _:
            return Problem(
                "submission-ambiguous",
                HTTPStatus.CONFLICT,
                sentence("submission-ambiguous.title"),
                sentence("submission-ambiguous.detail", submission_id=error.submission_id),
                payloads=error.payloads,
            )
