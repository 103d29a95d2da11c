"""A search that runs for a page: it says how far it has come, and ends when it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import button, html, refill
from ops.console.markup import tag
from ops.desk.newest_first import Bounds

if TYPE_CHECKING:
    from datetime import datetime

    from markupsafe import Markup

    from ops.console.view import View
    from ops.desk.newest_first import NewestFirst

# Of a thousand records each: a page must stay quick. A week without any takes 32 reads.
MOST_READS = 50
PROGRESS_SECONDS = 0.4


class Searching:
    """
    A search while it reads, in a thread: `walk` is what it goes through.

    Stopped, or with its page left, it ends as if its reads were used up: it can go on from there.
    """

    def __init__(self, view: View) -> None:
        self.walk: NewestFirst | None = None
        self._view = view
        self._client = ui.context.client
        self._stopped = False

    def bounds(self, before: datetime | None = None, most_reads: int = MOST_READS) -> Bounds:
        """Bound the walk of this search."""
        return Bounds(before, most_reads, is_over=self._is_over)

    def show(self) -> None:
        """Add a line about how far it has come, and a button to stop it."""
        self._stopped = False
        with ui.element("div").classes("pages"):
            line = html(self._words())
            button(self._view.t("search.stop"), self.stop)
        ui.timer(PROGRESS_SECONDS, lambda: refill(line, self._words()))

    def stop(self) -> None:
        """Let it end after the read that is being made."""
        self._stopped = True

    def _words(self) -> Markup:
        t, f, walk = self._view.t, self._view.f, self.walk
        words = t("state.loading")
        if walk and walk.day:
            words = t("search.so_far", count=f.number(walk.scanned), day=walk.day)
        return tag("span", tag("span", class_="spinner", aria_hidden="true"), words)

    def _is_over(self) -> bool:
        return self._stopped or self._client.is_deleted
