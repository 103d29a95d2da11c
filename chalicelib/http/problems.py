"""
Problems: the API's answers when it can't do what a request asks (RFC 9457).

Each has a stable `type`, explained in docs/problems.md. A detail says what was wrong and what to
do, in the caller's language. It never holds anything of the system's inside.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple

from chalicelib.http.parameters import InvalidParameters
from chalicelib.http.requests import JSON, UnsupportedMedia
from chalicelib.orders.errors import FieldError, Sentence, UnreadableOrder, sentence
from chalicelib.services.batch_intake import BatchTooLarge
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
from chalicelib.texts import ENGLISH, Texts

TYPE_PREFIX = "urn:orders:problem:"
# An order on the queue is usually recorded within a second or two.
WHEN_RECORDED = MappingProxyType({"Retry-After": "2"})
RETRY_WHEN_AVAILABLE_SECONDS = 10


class Problem(NamedTuple):
    """
    An answer that says why the API can't do what a request asks.

    Without a detail of its own, the detail is the errors' sentences, one after the other, and then
    their consequence. `reason` is the code of why no order can be read: the log says it too.
    `payloads` are the SHA-256 of which the caller must choose one. `order_id` is that of another
    order, which is in the way. A title or a detail that is plain text is Chalice's or Python's own,
    and in English, whoever asks.
    """

    slug: str
    status: HTTPStatus
    title: Sentence | str
    detail: Sentence | str | None
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = MappingProxyType({})
    reason: str | None = None
    payloads: Sequence[str] = ()
    order_id: str | None = None
    # Who was refused, for the log.
    caller: str | None = None
    consequence: Sentence | None = None

    def body(self, texts: Texts) -> dict[str, Any]:
        """Write the problem as a JSON object."""
        errors = [texts.error(error) for error in self.errors]
        body: dict[str, Any] = {
            "type": f"{TYPE_PREFIX}{self.slug}",
            "title": _written(self.title, texts),
            "status": self.status.value,
            "detail": self._detail(errors, texts),
        }
        if self.reason:
            body["reason"] = self.reason
        if errors:
            body["errors"] = errors
        if self.payloads:
            body["payloadSha256"] = list(self.payloads)
        if self.order_id:
            body["orderId"] = self.order_id
        return body

    def _detail(self, errors: Sequence[Mapping[str, str]], texts: Texts) -> str:
        if self.detail:
            return _written(self.detail, texts)
        said = "; ".join(f"{each['field']} {each['message']}" for each in errors) + "."
        return f"{said} {texts.sentence(self.consequence)}" if self.consequence else said

    def log_keys(self) -> dict[str, Any]:
        """
        Return the fields of a log line: the problem, and its codes, each of them once.

        A log never names an error's field, which may be what the caller sent.
        """
        keys: dict[str, Any] = {"problem": self.slug}
        if self.caller:
            keys["caller"] = self.caller
        if self.reason:
            return keys | {"reason": self.reason}
        codes = list(dict.fromkeys(error.code for error in self.errors))
        return keys | ({"errors": codes} if codes else {})

    def headers_in(self, language: str) -> dict[str, str]:
        """Return the headers that go with the body in a language."""
        spoken = language if isinstance(self.title, Sentence) else ENGLISH
        return {**self.headers, **language_headers(spoken)}


def language_headers(language: str) -> dict[str, str]:
    """Name an answer's language, and keep a cache from giving it to others."""
    return {"Content-Language": language, "Vary": "Accept-Language"}


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


def internal_problem() -> Problem:
    """Make the problem of an unexpected error. The log has the error, under the request id."""
    return Problem(
        "internal-error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        sentence("internal-error.title"),
        sentence("internal-error.detail"),
    )


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


def unavailable(detail: Sentence) -> Problem:
    """Make the problem of a service that did not answer."""
    return Problem(
        "unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        sentence("unavailable.title"),
        detail,
        headers={"Retry-After": str(RETRY_WHEN_AVAILABLE_SECONDS)},
    )


def _written(text: Sentence | str, texts: Texts) -> str:
    return texts.sentence(text) if isinstance(text, Sentence) else text
