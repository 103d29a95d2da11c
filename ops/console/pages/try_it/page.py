"""The page: a button for each kind of order, and what became of what was handed in."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import html, notice, refill
from ops.console.forms import FormData, form, text_input
from ops.console.loading import FAILURES, failure_words
from ops.console.markup import tag
from ops.console.pages.try_it.made_up import KINDS, MadeUp
from ops.console.pages.try_it.results import Results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from ops.console.pages.try_it.made_up import Handed
    from ops.console.pages.try_it.results import Group
    from ops.console.view import View

LARGEST_BURST = 1000
DEFAULT_BURST = 50
DRAW_SECONDS = 0.4
# A look that finds nothing new is followed by a longer pause than the one before it.
LONGEST_PAUSE_SECONDS = 5.0


def show(view: View) -> None:
    """Build the page, unless the stage has customers' orders."""
    html(tag("div", tag("h1", view.t("try_it.title")), class_="heading"))
    if not view.console.may_try:
        html(notice(view.t("try_it.not_here", stage=view.console.stage), "warn"))
        return
    html(tag("p", view.t("try_it.lead"), class_="lead"))
    TryItPage(view).show()


class TryItPage:
    """The page. It follows what it has handed in until it is left."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._client = ui.context.client
        self._following = view.console.desk.following()
        self._made_up = MadeUp(view.console.desk, self._following)
        # One after the other: a duplicate is one of the order before it.
        self._one_at_a_time = asyncio.Lock()
        self._in_burst = False
        self._pause = DRAW_SECONDS
        self._next_look = 0.0

    def show(self) -> None:
        with form(self._hand_in, "tries"):
            html(tag("div", *map(self._kind, KINDS), class_="choices"), self._burst_fields())
        with ui.element("section").classes("panel"):
            html(tag("h2", self._view.t("try_it.results")))
            self._trouble = html().props('aria-live="polite"')
            self._results = Results(self._view)
        ui.timer(DRAW_SECONDS, self._follow)

    def _kind(self, kind: str) -> Markup:
        return tag(
            "button",
            tag("strong", self._view.t(f"try_it.{kind}")),
            tag("span", self._view.t(f"try_it.{kind}_hint"), class_="muted"),
            name="do",
            value=kind,
            class_="choice",
        )

    def _burst_fields(self) -> Markup:
        t, most = self._view.t, self._view.f.number(LARGEST_BURST)
        count = text_input(
            "count",
            t("try_it.count", most=most),
            str(DEFAULT_BURST),
            type="number",
            min=1,
            max=LARGEST_BURST,
        )
        button = tag("button", t("try_it.burst"), name="do", value="burst", class_="button")
        hint = tag("span", t("try_it.burst_hint"), class_="muted")
        return tag("div", count, button, hint, class_="panel row burst")

    async def _hand_in(self, data: FormData) -> None:
        kind = data.get("do")
        if kind == "burst":
            await self._hand_in_burst(data.get("count"))
        elif kind in KINDS:
            async with self._one_at_a_time:
                await self._take(self._made_up.hand_in(kind), self._results.single)

    async def _hand_in_burst(self, count: str) -> None:
        if self._in_burst:
            ui.notify(self._view.t("try_it.in_burst"), type="warning")
            return
        wanted = min(max(1, int(count) if count.isdigit() else DEFAULT_BURST), LARGEST_BURST)
        self._in_burst = True
        try:
            await self._take(self._made_up.burst(wanted), self._results.burst())
        finally:
            self._in_burst = False

    async def _take(self, handing_in: Iterator[Handed], group: Group) -> None:
        """Hand all of it in, and follow it, unless the page is left meanwhile."""

        def take() -> None:
            for handed in handing_in:
                group.arriving.append(handed)
                if self._client.is_deleted:
                    return

        self._pause, self._next_look = DRAW_SECONDS, 0.0
        try:
            await self._view.fetch(take)
        except FAILURES as error:
            self._results.failed(self._failure(error))
        self._results.draw()

    async def _follow(self) -> None:
        """Show what has come out. The timer that calls this ends with the page."""
        if self._following.waiting and time.monotonic() >= self._next_look:
            await self._look()
        self._results.draw()

    async def _look(self) -> None:
        try:
            news = await self._view.fetch(self._following.look)
            self._say(None)
        except FAILURES as error:
            self._say(error)
            news = False
        self._pause = DRAW_SECONDS if news else min(self._pause * 1.5, LONGEST_PAUSE_SECONDS)
        self._next_look = time.monotonic() + self._pause

    def _failure(self, error: Exception) -> str:
        return self._view.t("try_it.failed", error=failure_words(self._view, error))

    def _say(self, error: Exception | None) -> None:
        """Say why the last look failed, if it did."""
        refill(self._trouble, notice(self._failure(error), "bad") if error else None)
