"""A file of orders, judged here line by line: no stage is asked, and nothing is queued."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, NamedTuple

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import Order, too_large
from chalicelib.services.intake import judge
from ops.bulk.lines import Batch, LongLine, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator


class Judged(NamedTuple):
    """A line's number, and the order that it holds, or why none can be read from it."""

    number: int
    found: Order | UnreadableOrder


def judge_lines(file: IO[bytes]) -> Iterator[Judged]:
    """Judge each line of a file by itself, as `POST /order-batches?dryRun=true` does."""
    for part in read_lines(file):
        match part:
            case LongLine():
                yield Judged(part.number, too_large(sum(map(len, part.pieces))))
            case Batch():
                for line in part.lines:
                    yield Judged(line.number, _found(line.payload))


def _found(content: bytes) -> Order | UnreadableOrder:
    try:
        return judge(content)
    except UnreadableOrder as error:
        return error
