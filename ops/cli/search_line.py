"""A line on stderr, if that is a terminal, that says how far a walk through records has come."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ops.cli.session import Session
    from ops.desk.newest_first import NewestFirst


@contextmanager
def search_line(session: Session, walk: NewestFirst) -> Iterator[Callable[[], None]]:
    """
    Show the line from each read of the walk on, until the function that this gives clears it.

    Clear it before anything is printed: both would stand in one line of the terminal.
    """
    with ExitStack() as shown:
        update: Callable[..., None] | None = None

        def show() -> None:
            nonlocal update
            if update is None:
                update = shown.enter_context(session.progress(how_far(walk)))
            update(walk.scanned, how_far(walk))

        def clear() -> None:
            nonlocal update
            shown.close()
            update = None

        if sys.stderr.isatty():
            walk.on_read = show
        yield clear


def watched(
    session: Session, walk: NewestFirst, found: Iterable[Any] | None = None
) -> Iterator[Any]:
    """Yield the records of a walk, or what is found among them, with such a line in between."""
    with search_line(session, walk) as clear:
        for each in walk if found is None else found:
            clear()
            yield each


def how_far(walk: NewestFirst) -> str:
    """Say how far a walk has come, before the number of the records that it has looked through."""
    return f"looked back to {walk.day}, records" if walk.day else "records"
