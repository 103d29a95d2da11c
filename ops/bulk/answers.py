"""An answer of `POST /order-batches`: which lines it settles, and how."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.services.batch_judgement import LineStatus
from ops.deploy.smoke import TRY_AGAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ops.bulk.lines import Line


class Settled(NamedTuple):
    """A line that needs no further attempt: it is queued, or refused with a problem."""

    valid: bool = False
    is_repeated: bool = False
    problem: Mapping[str, Any] | None = None


def settled_lines(body: Any, lines: Sequence[Line]) -> dict[Line, Settled]:
    """Find the lines that an answer settles. Whatever it says else, a line is handed in again."""
    results = body.get("results") if isinstance(body, dict) else None
    found: dict[Line, Settled] = {}
    for result in results if isinstance(results, list) else ():
        line = _line_of(result, lines)
        settled = line and _settled(result, line)
        if line and settled:
            found[line] = settled
    return found


def may_be_tried_again(status: int) -> bool:
    """
    Tell whether the same request may fare better.

    A success that does not say what became of the lines is no answer: something cut it.
    """
    failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in TRY_AGAIN
    return failed or status < HTTPStatus.MULTIPLE_CHOICES


def _line_of(result: Any, lines: Sequence[Line]) -> Line | None:
    place = result.get("line") if isinstance(result, dict) else None
    if type(place) is int and 0 < place <= len(lines):
        return lines[place - 1]
    return None


def _settled(result: Mapping[str, Any], line: Line) -> Settled | None:
    problem = result.get("problem")
    match result.get("status"):
        case LineStatus.QUEUED if result.get("payloadSha256") == _digest(line):
            return Settled(result.get("valid") is True, "sameAsLine" in result)
        case LineStatus.REFUSED if isinstance(problem, dict):
            status = problem.get("status")
            passing = isinstance(status, int) and may_be_tried_again(status)
            return None if passing else Settled(problem=problem)
    return None


def _digest(line: Line) -> str:
    return hashlib.sha256(line.payload).hexdigest()
