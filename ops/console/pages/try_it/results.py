"""The list of what was handed in, newest first, in which each verdict is shown as it comes."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import html, notice, refill
from ops.console.markup import tag
from ops.console.pages.try_it.lines import line, verdict_words

if TYPE_CHECKING:
    from ops.console.pages.try_it.made_up import Handed
    from ops.console.view import View

# The page forgets the oldest of more than these: a browser that holds many thousands gets slow.
MOST_LINES = 3_000


class Group:
    """
    Lines of what was handed in together.

    A thread adds to `arriving` what it has handed in; `draw` puts it on the page.
    """

    def __init__(self, view: View, lines: ui.element, *, newest_first: bool) -> None:
        self.arriving: deque[Handed] = deque()
        self.handed: list[Handed] = []
        self._view = view
        self._lines = lines
        self._newest_first = newest_first
        self._open: dict[Handed, ui.html] = {}

    @property
    def waiting(self) -> int:
        """How many lines have no verdict yet."""
        return len(self._open)

    @property
    def is_settled(self) -> bool:
        """Tell whether all is shown that will ever be."""
        return not self._open and not self.arriving

    def draw(self) -> list[Handed]:
        """Show what has arrived and what has come out. Return that of which this is known now."""
        while self.arriving:
            self._add(self.arriving.popleft())
        known = []
        for handed, shown in list(self._open.items()):
            refill(shown, line(self._view, handed))
            if verdict_words(self._view, handed):
                del self._open[handed]
                known.append(handed)
        return known

    def _add(self, handed: Handed) -> None:
        self.handed.append(handed)
        with self._lines:
            self._open[handed] = shown = html(line(self._view, handed), element="li")
        if self._newest_first:
            shown.move(self._lines, 0)

    def counts(self) -> str:
        """Count the verdicts, by their words."""
        found = Counter(filter(None, (verdict_words(self._view, it) for it in self.handed)))
        return ", ".join(f"{words}: {self._view.f.number(n)}" for words, n in found.most_common())


class Results:
    """
    All groups: single ones in the list itself, each burst in a list of its own.

    People who hear the page hear a verdict that comes alone, and otherwise that all have come:
    a thousand would be heard for minutes.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._heard = html(element="p").classes("unseen").props('role="status"')
        self._count = html(tag("p", view.t("try_it.none"), class_="muted"))
        self._list = ui.element("ol").classes("results")
        self.single = Group(view, self._list, newest_first=True)
        self._bursts: list[Burst] = []

    def burst(self) -> Group:
        """Add a group of its own, which is shown with its counts."""
        with self._list:
            burst = Burst(self._view)
        burst.element.move(self._list, 0)
        self._bursts.append(burst)
        while (
            len(self._bursts) > 1 and sum(len(it.group.handed) for it in self._bursts) > MOST_LINES
        ):
            self._bursts.pop(0).element.delete()
        return burst.group

    def failed(self, words: str) -> None:
        """Add a line about what is not known to be handed in."""
        with self._list:
            told = html(tag("div", notice(words, "bad"), role="alert"), element="li")
        told.move(self._list, 0)

    def draw(self) -> None:
        """Show what has arrived and what has come out since the last time."""
        known = [] if self.single.is_settled else self.single.draw()
        for burst in self._bursts:
            if not burst.group.is_settled:
                known += burst.group.draw()
                burst.draw()
        groups = [self.single, *(burst.group for burst in self._bursts)]
        count = sum(len(group.handed) for group in groups)
        if count:
            self._say(known, count, sum(group.waiting for group in groups))

    def _say(self, known: list[Handed], count: int, waiting: int) -> None:
        t, f = self._view.t, self._view.f
        words = t("try_it.known", known=f.number(count - waiting), count=f.number(count))
        refill(self._count, tag("p", words, class_="muted"))
        if len(known) == 1:
            (one,) = known
            what = t(f"try_it.did_{one.kind}")
            verdict = verdict_words(self._view, one)
            refill(self._heard, tag("span", what, " ", one.order_id, " ", verdict))
        elif known and not waiting:
            refill(self._heard, tag("span", words))


class Burst:
    """A burst: its counts, and its lines, which can be folded away."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.element = ui.element("li")
        with self.element, ui.element("details").classes("more").props("open"):
            self._summary = html(element="summary")
            with ui.element("div").classes("tall"):
                lines = ui.element("ol").classes("results")
        self.group = Group(view, lines, newest_first=False)
        self.draw()

    def draw(self) -> None:
        """Show the counts."""
        count = self._view.f.number(len(self.group.handed))
        words = self._view.t("try_it.did_burst", count=count)
        refill(self._summary, tag("span", words, " · ", self.group.counts()))
