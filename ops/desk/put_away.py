"""Objects of the archive that operators have put away, told from the others as these are listed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ops.desk.decision_log import Decisions, Entry
    from ops.desk.decisions import Decision
    from ops.desk.order_bucket import ArchivedObject

OBJECTS_AT_ONCE = 256


class PutAway:
    """The decisions about objects, which are asked for in the order of the keys."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        # Listed once and read side by side: memory does not grow with the number of logs.
        self._ends = decisions.ends()
        self._end: Entry | None = None
        self._begun = False

    def end_of(self, key: str) -> Entry | None:
        """Return the last entry of the log about this object."""
        if not self._begun:
            self._begun, self._end = True, next(self._ends, None)
        while self._end and self._end.archive_key < key:
            self._end = next(self._ends, None)
        return self._end if self._end and self._end.archive_key == key else None


def without_put_away(
    objects: Iterable[ArchivedObject],
    decisions: Decisions,
    read_all: Callable[..., Iterable[Decision | None]],
    on_put_away: Callable[[ArchivedObject, Decision], None],
) -> Iterator[ArchivedObject]:
    """
    Yield the objects that are not put away, in the same order; tell `on_put_away` of the others.

    `read_all` is an executor's `map`: after a large redrive there are many logs to read.
    """
    listed = PutAway(decisions)
    objects = iter(objects)

    def read(end: Entry | None) -> Decision | None:
        return decisions.read(end) if end else None

    while batch := list(islice(objects, OBJECTS_AT_ONCE)):
        ends = [listed.end_of(each.key) for each in batch]
        for each, decision in zip(batch, read_all(read, ends), strict=True):
            if decision and decision.puts_away:
                on_put_away(each, decision)
            else:
                yield each
