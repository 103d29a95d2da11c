"""
A problem: the API's answer when it can't do what a request asks (RFC 9457), and how it is written.

`problems.py` says which error is which problem.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple

from chalicelib.orders.errors import FieldError, Sentence, sentence
from chalicelib.texts import ENGLISH, Texts

TYPE_PREFIX = "urn:orders:problem:"
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


def internal_problem() -> Problem:
    """Make the problem of an unexpected error. The log has the error, under the request id."""
    return Problem(
        "internal-error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        sentence("internal-error.title"),
        sentence("internal-error.detail"),
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
