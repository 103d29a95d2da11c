"""The overview's page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nicegui import ui

from chalicelib.orders.terms import CHANNELS
from ops.console.charts import Chart, Plot
from ops.console.components import html, notice, segments
from ops.console.loading import FAILURES, failure_words, show_loaded
from ops.console.markup import join, tag
from ops.console.pages.overview.judgement import verdict_on
from ops.console.pages.overview.measured import Found, measure
from ops.console.pages.overview.plots import PLOTS
from ops.console.pages.overview.tiles import tiles
from ops.console.terms import value_words
from ops.console.verdict import verdict_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup

    from ops.console.view import View

PERIODS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
}
REFRESH_SECONDS = 5.0


def show(view: View) -> None:
    """Build the page."""
    OverviewPage(view).show()


class OverviewPage:
    """The page, which shows itself anew every few seconds."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._name = view.choice("period", list(PERIODS))
        self._period = PERIODS[self._name]
        self._charts: list[tuple[Chart, Callable[[View, Found], Plot]]] = []

    def show(self) -> None:
        title = tag("h1", self._view.t("overview.title"))
        html(tag("div", title, tag("div", self._periods(), class_="tools"), class_="heading"))
        self._state = ui.element("div").props('aria-live="polite"')
        show_loaded(self._view, self._read, self._show_found)

    def _periods(self) -> Markup:
        t = self._view.t
        words = {name: t(f"overview.periods.{name}") for name in PERIODS}
        return segments(self._view, t("overview.period"), "period", words, self._name)

    def _read(self) -> Found:
        return measure(self._view, self._period)

    def _show_found(self, found: Found) -> None:
        self._figures = html(self._head(found))
        with ui.element("div").classes("columns"):
            self._charts = [(Chart(self._view, plot(self._view, found)), plot) for plot in PLOTS]
        html(tag("p", self._view.t("overview.depths_note"), class_="muted"))
        ui.timer(REFRESH_SECONDS, self._refresh)

    async def _refresh(self) -> None:
        try:
            found = await self._view.fetch(self._read)
        except FAILURES as error:
            self._state.clear()
            with self._state:
                html(
                    notice(
                        self._view.t("overview.stale", error=failure_words(self._view, error)),
                        "bad",
                    )
                )
            return
        self._state.clear()
        self._figures.set_content(self._head(found))
        for chart, plot in self._charts:
            chart.show(plot(self._view, found))

    def _head(self, found: Found) -> Markup:
        return join(
            verdict_line(self._view, verdict_on(self._view, found)),
            self._sample_note(found),
            tiles(self._view, found),
            self._silent_channels(found),
        )

    def _sample_note(self, found: Found) -> Markup | None:
        if found.sample is None:
            return None
        return notice(self._view.t("overview.sample", count=self._view.f.number(found.sample)))

    def _silent_channels(self, found: Found) -> Markup | None:
        """Name the channels of which no order came. A sample may have missed some."""
        total = found.statistics.total
        silent = [name for name in CHANNELS if not total.by_channel[name]]
        if found.sample is not None or not total.count or not silent:
            return None
        words = ", ".join(value_words(self._view, "channel", name) for name in silent)
        return tag("p", self._view.t("overview.silent", channels=words), class_="muted")
