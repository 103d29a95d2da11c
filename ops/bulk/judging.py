"""A file of orders, judged here line by line: no stage is asked, and nothing is queued."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from chalicelib.http.batches import line_as_delivered
from chalicelib.orders.order import too_large
from chalicelib.services.batch_judgement import LineResult, LineStatus
from chalicelib.services.batch_judgement import judge_lines as results_of
from chalicelib.services.batch_lines import Line as SentLine
from ops.bulk.lines import Batch, LongLine, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ops.bulk.lines import Line


def judge_file(file: IO[bytes]) -> Iterator[LineResult]:
    """Judge each line of a file by itself, as `POST /order-batches?dryRun=true` does."""
    for part in read_lines(file):
        match part:
            case LongLine():
                yield long_line_refused(part.number, sum(map(len, part.pieces)))
            case Batch():
                yield from judge_lines(part.lines)


def judge_lines(lines: Iterable[Line]) -> Sequence[LineResult]:
    """Judge lines as the API does, with its own program."""
    sent = (SentLine(line.number, line.payload) for line in lines)
    return results_of(map(line_as_delivered, sent)).results


def long_line_refused(number: int, size: int) -> LineResult:
    """Refuse a line of so many bytes, which are too many, unread."""
    return LineResult(number, LineStatus.REFUSED, refusal=too_large(size))
