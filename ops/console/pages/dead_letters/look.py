"""A look at the dead-letter queue: the letters that a page's filter takes."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.orders.order import is_order_id
from ops.desk.letters import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ops.console.view import View
    from ops.desk.dead_letters import DeadLetters
    from ops.desk.hidden_letters import Hidden
    from ops.desk.letters import DeadLetter

SHOWN = 100
# A filter that hardly any letter meets would otherwise go through the whole queue.
LOOKED_AT = 1000
SINCE_HOURS = ("1", "24", "168")


class Seen(NamedTuple):
    """
    Letters that a look found. It went through `looked` of about `depth` letters.

    About so many others are `hidden`: the look could not see them.
    """

    letters: Sequence[DeadLetter]
    looked: int
    depth: int
    hidden: Hidden

    @property
    def more(self) -> bool:
        return self.looked < self.depth


def selection_of(view: View) -> Selection:
    """Read the filter from the page's address, and leave out what can't be used."""
    given = view.parameters
    hours = given.get("since", "")
    order_id = given.get("order", "").strip()
    return Selection(
        reason=given.get("reason"),
        order_id=order_id if is_order_id(order_id) else None,
        since=view.now() - timedelta(hours=int(hours)) if hours in SINCE_HOURS else None,
    )


def look(
    dead_letters: DeadLetters,
    selection: Selection,
    *,
    thorough: bool,
    wanted: Callable[[], bool] = lambda: True,
) -> Seen:
    """
    Look through the queue, or unless `thorough` through its first letters.

    A look ends early once it is not `wanted`, since its page is closed.
    """
    depth = dead_letters.depths()["deadLetters"]
    found: list[DeadLetter] = []
    looked = 0
    # Look at each letter, and count also the ones that the filter leaves out: a look must end.
    with closing(dead_letters.look()) as looking:
        for letter in looking:
            looked += 1
            if selection.takes(letter):
                found.append(letter)
            if len(found) == SHOWN or (looked == LOOKED_AT and not thorough) or not wanted():
                break
    found.sort(key=_last_seen, reverse=True)
    return Seen(found, looked, max(depth, looked), looking.hidden)


def _last_seen(letter: DeadLetter) -> datetime:
    return letter.last_seen_at or datetime.min.replace(tzinfo=UTC)
