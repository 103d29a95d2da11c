"""Looks of a page through the dead-letter queue: they end with the page."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ops.console.pages.dead_letters.look import LOOKED_AT, look
from ops.desk.hidden_letters import Hidden
from ops.desk.letters import Selection
from tests.builders import START


class LongQueue:
    """A queue of letters that no selection takes, and how many were looked at."""

    def __init__(self) -> None:
        self.looked = 0
        self.ended = False
        self.hidden = Hidden(0, START)

    def depths(self) -> dict[str, int]:
        return {"deadLetters": 1_000_000}

    def look(self) -> "LongQueue":
        return self

    def __iter__(self) -> Iterator[Any]:
        while True:
            self.looked += 1
            yield SimpleNamespace(reason="other")

    def close(self) -> None:
        self.ended = True


NOTHING = cast("Selection", SimpleNamespace(takes=lambda _letter: False))


@pytest.mark.parametrize("count", [1, 70])
def test_a_thorough_look_ends_when_its_page_is_closed(count: int) -> None:
    queue: Any = LongQueue()

    seen = look(queue, NOTHING, thorough=True, wanted=lambda: queue.looked < count)

    assert queue.looked == seen.looked == count
    assert queue.ended


def test_a_look_that_is_not_thorough_is_bounded() -> None:
    queue: Any = LongQueue()

    look(queue, NOTHING, thorough=False)

    assert queue.looked == LOOKED_AT
