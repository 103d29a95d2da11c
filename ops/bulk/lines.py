"""The lines of a file of orders, in batches that one request can take."""

from __future__ import annotations

from itertools import chain
from typing import IO, TYPE_CHECKING, NamedTuple

from chalicelib.orders.order import MAX_PAYLOAD_BYTES
from chalicelib.services.batch_lines import BLANK, MAX_BATCH_BYTES, MAX_BATCH_LINES

if TYPE_CHECKING:
    from collections.abc import Iterator

# The longest line that may be an order, with a carriage return and a line feed.
LONGEST_LINE = MAX_PAYLOAD_BYTES + 2
PIECE_BYTES = 64 * 1024


class Line(NamedTuple):
    """A line of the file: its number, from 1, and its bytes without the line feed."""

    number: int
    content: bytes

    @property
    def payload(self) -> bytes:
        """The bytes that are the order: a carriage return belongs to the end of the line."""
        return self.content.removesuffix(b"\r")


class Batch(NamedTuple):
    """Lines for one request; `size` counts the file's bytes, `blank` lines among them."""

    lines: tuple[Line, ...]
    last_number: int
    size: int
    blank: int


class LongLine(NamedTuple):
    """A line that is too long for an order, and may be for the memory: it comes in pieces."""

    number: int
    pieces: Iterator[bytes]


def read_lines(file: IO[bytes], last_number: int = 0) -> Iterator[Batch | LongLine]:
    """
    Read a file from where it is, after so many lines. It holds one batch in memory.

    Blank lines are no lines, but keep their numbers. Take all pieces of a long line before the
    next batch.
    """
    kept = _Kept(last_number)
    while head := file.readline(LONGEST_LINE + 1):
        if len(head) > LONGEST_LINE:
            head += _rest_of_blanks(file, head)
        if len(head) > LONGEST_LINE and not _is_blank_line(head):
            if kept.size:
                yield kept.batch()
            yield LongLine(kept.number + 1, chain([head], _rest_of_line(file, head)))
            kept = _Kept(kept.number + 1)
            continue
        if kept.size and not kept.has_room_for(head):
            yield kept.batch()
            kept = _Kept(kept.number)
        kept.add(head)
    if kept.size:
        yield kept.batch()


class _Kept:
    """The lines of a batch that is being read."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.size = 0
        self._lines: list[Line] = []
        self._body_bytes = 0
        self._blank = 0

    def has_room_for(self, text: bytes) -> bool:
        return (
            len(self._lines) < MAX_BATCH_LINES
            and self._body_bytes + len(text) + 1 <= MAX_BATCH_BYTES
        )

    def add(self, text: bytes) -> None:
        self.number += 1
        self.size += len(text)
        line = Line(self.number, text.removesuffix(b"\n"))
        if not line.content.strip(BLANK):
            self._blank += 1
            return
        self._lines.append(line)
        self._body_bytes += len(line.content) + 1

    def batch(self) -> Batch:
        return Batch(tuple(self._lines), self.number, self.size, self._blank)


def _rest_of_blanks(file: IO[bytes], head: bytes) -> bytes:
    """Read on in blanks: a line of nothing else is none, however long a request can hold it."""
    return b"" if head.strip(BLANK) else file.readline(MAX_BATCH_BYTES)


def _is_blank_line(text: bytes) -> bool:
    # One that is shorter than all that was asked for is the file's last.
    is_whole = text.endswith(b"\n") or len(text) <= LONGEST_LINE + MAX_BATCH_BYTES
    return is_whole and not text.strip(BLANK + b"\n")


def _rest_of_line(file: IO[bytes], head: bytes) -> Iterator[bytes]:
    piece = head
    while not piece.endswith(b"\n"):
        piece = file.readline(PIECE_BYTES)
        if not piece:
            return
        yield piece
