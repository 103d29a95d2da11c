"""The lines of a batch: what a body is parted into, and how many it may have."""

from itertools import islice
from typing import NamedTuple

from chalicelib.orders.errors import Refusal, sentence
from chalicelib.services.principals import ChannelNotYours

MAX_BATCH_LINES = 500
# In base64, as API Gateway hands it on, it is 5.6 of the 6 MB that Lambda takes.
MAX_BATCH_BYTES = 4 * 1024 * 1024
BLANK = b" \t\r"

LineRefusal = Refusal | ChannelNotYours


class BatchTooLarge(Refusal):
    """The body has more bytes or lines than are taken at once: nothing was queued."""


class Line(NamedTuple):
    """
    A line that is not blank: its place in the body, and its bytes without the line's end.

    It is refused unseen if its bytes can't be those that were sent.
    """

    number: int
    body: bytes
    refusal: LineRefusal | None = None


def lines_in(body: bytes) -> list[Line]:
    """
    Part a body into its lines. LF ends a line; a CR before it belongs to the line's end.

    Raises:
        BatchTooLarge: there are too many bytes or lines.
    """
    if len(body) > MAX_BATCH_BYTES:
        raise BatchTooLarge(sentence("batch-too-large.bytes", size=len(body), most=MAX_BATCH_BYTES))
    filled = (each for each in enumerate(body.split(b"\n"), 1) if each[1].strip(BLANK))
    lines = [
        Line(number, line.removesuffix(b"\r")) for number, line in islice(filled, MAX_BATCH_LINES)
    ]
    # Counted, not kept: 4 MiB of short lines would be 256 MB of them.
    further = sum(1 for _ in filled)
    if further:
        raise BatchTooLarge(
            sentence("batch-too-large.lines", count=len(lines) + further, most=MAX_BATCH_LINES)
        )
    return lines
