"""Paging: how far one answer reads, and the place to which it came."""

from typing import NamedTuple

# A filter can leave few of the records that are read. A read takes this many records at least, so
# that few calls are needed, and an answer ends after this many rounds, with a cursor to go on.
FILTERED_READ_SIZE = 250
MAX_ROUNDS = 40
# This text sorts after every position.
NEWEST = "~"


class HistoryPosition(NamedTuple):
    """The place to which the history of an orderId was read."""

    position: str
    record_id: str
