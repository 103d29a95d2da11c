"""Many orders in one request: the lines of its body, and an answer with a result for each."""

from functools import partial
from http import HTTPStatus
from typing import Any, cast

from chalice.app import Request, Response

from chalicelib.http.problem import Problem, unavailable
from chalicelib.http.problems import problem_of
from chalicelib.http.representation import judgement_json, submitted_json
from chalicelib.http.requests import as_delivered, note, prefix_of, require_plain_text
from chalicelib.http.responses import problem_response, translated_response
from chalicelib.orders.errors import UnreadableOrder, sentence
from chalicelib.services.batch_judgement import BatchReceipt, LineResult, LineStatus
from chalicelib.services.batch_lines import Line, LineRefusal, lines_in
from chalicelib.services.principals import ChannelNotYours
from chalicelib.texts import Texts

COUNTED = {
    "queued": LineStatus.QUEUED,
    "refused": LineStatus.REFUSED,
    "unconfirmed": LineStatus.UNCONFIRMED,
}


def lines_of(request: Request) -> list[Line]:
    """
    Return the lines of a body as they were sent, each a possible order.

    Raises:
        UnsupportedMedia: the body is compressed, or not in UTF-8 by its own account.
        BatchTooLarge: it has too many bytes or lines.
    """
    require_plain_text(request)
    return list(map(line_as_delivered, lines_in(cast("bytes", request.raw_body))))


def line_as_delivered(line: Line) -> Line:
    """Return a line as API Gateway delivers it; refused, if it may be another than was sent."""
    try:
        return line._replace(body=as_delivered(line.body))
    except UnreadableOrder as refusal:
        return line._replace(refusal=refusal)


def response(request: Request, receipt: BatchReceipt, status: HTTPStatus) -> Response:
    """Answer with a result for each line: with a problem around them, if nothing was taken."""
    counts = receipt.counts
    note(
        request,
        lines=len(receipt.results),
        **{name: counts[counted] for name, counted in COUNTED.items()},
        **_foreign_in(receipt),
    )
    write = partial(batch_json, receipt, prefix=prefix_of(request))
    if counts[LineStatus.QUEUED] or counts[LineStatus.NOT_QUEUED]:
        return translated_response(request, write, status)
    return problem_response(_problem_of_all(receipt), request, write)


def batch_json(receipt: BatchReceipt, texts: Texts, prefix: str = "") -> dict[str, Any]:
    """Show what became of each line, and how many became what."""
    counts = receipt.counts
    return {
        "results": [result_json(each, texts, prefix) for each in receipt.results],
        **{name: counts[counted] for name, counted in COUNTED.items()},
    }


def _foreign_in(receipt: BatchReceipt) -> dict[str, Any]:
    """Count the lines that name another channel than the caller's, and say who calls."""
    foreign = [
        each.refusal for each in receipt.results if isinstance(each.refusal, ChannelNotYours)
    ]
    return {"foreign": len(foreign), "caller": foreign[0].principal} if foreign else {}


def result_json(result: LineResult, texts: Texts, prefix: str = "") -> dict[str, Any]:
    """Show what became of one line."""
    shown: dict[str, Any] = {"line": result.line}
    if result.order and result.submission_id:
        shown |= submitted_json(result.order, result.submission_id, texts, prefix)
    elif result.order:
        shown |= judgement_json(result.order, texts)
    shown["status"] = result.status.value
    if result.same_as_line:
        shown["sameAsLine"] = result.same_as_line
    problem = _problem_of(result)
    if problem:
        shown["problem"] = problem.body(texts)
    return shown


def problem_of_line(refusal: LineRefusal, line: int) -> Problem:
    """Make the problem that the line alone would get, in words that fit a line among others."""
    problem = problem_of(refusal)
    if isinstance(refusal, ChannelNotYours):
        foreign = sentence("channel-not-yours.line", channel=refusal.channel, named=refusal.named)
        return problem._replace(detail=foreign)
    if not isinstance(refusal, UnreadableOrder):
        return problem
    why = refusal.sentence
    if "line" in why.parameters:
        why = why._replace(parameters={**why.parameters, "line": str(line)})
    said = sentence("unreadable-line.id" if refusal.field else "unreadable-line.body", problem=why)
    return problem._replace(detail=said)


def _problem_of(result: LineResult) -> Problem | None:
    if result.refusal:
        return problem_of_line(result.refusal, result.line)
    if result.status is LineStatus.UNCONFIRMED:
        return unavailable(sentence("unavailable.line"))
    return None


def _problem_of_all(receipt: BatchReceipt) -> Problem:
    if receipt.counts[LineStatus.UNCONFIRMED]:
        return unavailable(sentence("unavailable.batch"))
    for each in receipt.results:
        if isinstance(each.refusal, ChannelNotYours):
            return problem_of(each.refusal)
    return Problem(
        "no-line-readable",
        HTTPStatus.BAD_REQUEST,
        sentence("no-line-readable.title"),
        sentence("no-line-readable.detail" if receipt.results else "no-line-readable.empty"),
    )
