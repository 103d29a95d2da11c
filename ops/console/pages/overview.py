"""Overview: is all well, in one line; then how much, how fast, and what waits."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from chalicelib.health import HealthReport, HealthStatus
from chalicelib.orders import CHANNELS
from ops.console.charts import Chart, Plot, Series
from ops.console.components import FAILURES, html, loaded, notice, segments
from ops.console.frame import icon
from ops.console.markup import join, tag
from ops.desk.stats import NO_CHANNEL, Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from ops.console.depths import Depth
    from ops.console.view import View
    from ops.desk.stats import Statistics

PERIODS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
}
REFRESH_SECONDS = 5.0
# CloudWatch has a value every five minutes of what is long past.
STILL_TRUE_FOR = timedelta(minutes=6)
# Beyond these, orders wait longer than the usual second.
LATE_MS = 60_000
BACKLOG = 1_000
CHANNEL_COLOURS = {
    "web": "plot-one",
    "mobile": "plot-accepted",
    "atm": "plot-two",
    NO_CHANNEL: "muted",
}
GOOD, WARN, BAD = "M5 13l4 4L19 7", "M12 4l9 16H3zM12 10v4M12 17h.01", "M6 6l12 12M18 6L6 18"
ICONS = {"good": GOOD, "warn": WARN, "bad": BAD}


class Found(NamedTuple):
    """What the page shows."""

    statistics: Statistics
    sample: int | None
    depth: Depth
    depths: Sequence[Depth]
    health: HealthReport


class Verdict(NamedTuple):
    """How all is, in one line. `href` leads to what to do about it."""

    kind: str
    words: str
    href: str | None = None


def show(view: View) -> None:
    """Build the page."""
    OverviewPage(view).show()


class OverviewPage:
    """The page, which shows itself anew every few seconds."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._name = view.choice("period", list(PERIODS))
        self._period = PERIODS[self._name]
        self._charts: list[tuple[Chart, Callable[[Found], Plot]]] = []

    def show(self) -> None:
        html(
            tag(
                "div",
                tag("h1", self._view.t("overview.title")),
                tag("div", self._periods(), class_="tools"),
                class_="heading",
            )
        )
        self._state = ui.element("div").props('aria-live="polite"')
        loaded(self._view, self._read, self._show_found)

    def _periods(self) -> Markup:
        t = self._view.t
        words = {name: t(f"overview.periods.{name}") for name in PERIODS}
        return segments(self._view, t("overview.period"), "period", words, self._name)

    def _read(self) -> Found:
        console = self._view.console
        now = self._view.now()
        measured = console.throughput.of_last(self._period)
        depth = console.depths.now()
        depths = console.depths.since(now - self._period - STILL_TRUE_FOR)
        return Found(*measured, depth, depths, console.desk.health())

    def _show_found(self, found: Found) -> None:
        self._figures = html(self._head(found))
        plots = [self._throughput, self._ages, self._depths, self._channels]
        with ui.element("div").classes("columns"):
            self._charts = [(Chart(self._view, plot(found)), plot) for plot in plots]
        html(tag("p", self._view.t("overview.depths_note"), class_="muted"))
        ui.timer(REFRESH_SECONDS, self._refresh)

    async def _refresh(self) -> None:
        try:
            found = await self._view.fetch(self._read)
        except FAILURES as error:
            self._state.clear()
            with self._state:
                html(notice(self._view.t("overview.stale", error=str(error)), "bad"))
            return
        self._state.clear()
        self._figures.set_content(self._head(found))
        for chart, plot in self._charts:
            chart.show(plot(found))

    def _head(self, found: Found) -> Markup:
        verdict = verdict_on(self._view, found)
        return join(
            tag(
                "p",
                icon(ICONS[verdict.kind]),
                tag("span", verdict.words),
                tag("a", self._view.t("overview.look"), href=verdict.href)
                if verdict.href
                else None,
                class_=f"verdict {verdict.kind}",
            ),
            self._sample_note(found),
            self._tiles(found),
        )

    def _sample_note(self, found: Found) -> Markup | None:
        if found.sample is None:
            return None
        return notice(self._view.t("overview.sample", count=self._view.f.number(found.sample)))

    def _tiles(self, found: Found) -> Markup:
        t, f, total = self._view.t, self._view.f, found.statistics.total
        minutes = (found.statistics.end - found.statistics.start) / timedelta(minutes=1)
        rate = f.number(total.count / max(minutes, 1 / 60), 1)
        by_status = total.by_status
        p50, p95 = total.ages.percentile(50), total.ages.percentile(95)
        return tag(
            "div",
            _tile(
                t("overview.recorded"),
                f.number(total.count),
                t("overview.rate", rate=rate),
                "one",
                "/orders",
            ),
            self._outcome_tile(
                total, "ACCEPTED", t("overview.corrections", count=f.number(total.corrections))
            ),
            self._outcome_tile(
                total, "DUPLICATE", t("overview.conflicts", count=f.number(total.conflicts))
            ),
            self._outcome_tile(
                total,
                "REJECTED",
                t("overview.share", share=f.percent(by_status["REJECTED"], total.count)),
            ),
            _tile(
                t("overview.age"),
                "—" if p95 is None else f.duration(p95 / 1000),
                t("overview.median", age="—" if p50 is None else f.duration(p50 / 1000)),
                "two",
            ),
            _tile(
                t("overview.on_queue"),
                f.number(found.depth.queue),
                t("overview.in_flight", count=f.number(found.depth.in_flight)),
                "one",
            ),
            _tile(
                t("dead_letters.title"),
                f.number(found.depth.dead_letters),
                t("overview.wait_for_you") if found.depth.dead_letters else t("overview.none"),
                "rejected" if found.depth.dead_letters else "accepted",
                "/dead-letters",
            ),
            class_="tiles",
        )

    def _outcome_tile(self, total: Slice, status: str, note: str) -> Markup:
        name = status.lower()
        count = self._view.f.number(total.by_status[status])
        return _tile(
            self._view.t(f"overview.{name}"), count, note, name, f"/orders?status={status}"
        )

    def _labels(self, found: Found) -> list[str]:
        pattern = "%H:%M:%S" if self._period <= PERIODS["15m"] else "%H:%M"
        return [part.start.strftime(pattern) for part in found.statistics.slices]

    def _throughput(self, found: Found) -> Plot:
        series = [
            Series(
                self._view.t(f"outcome.{status.lower()}"),
                f"plot-{status.lower()}",
                [part.by_status[status] for part in found.statistics.slices],
            )
            for status in ("ACCEPTED", "DUPLICATE", "REJECTED")
        ]
        return Plot(self._view.t("overview.throughput"), "bar", self._labels(found), series)

    def _ages(self, found: Found) -> Plot:
        series = [
            Series(
                f"p{percent}",
                colour,
                [part.ages.percentile(percent) for part in found.statistics.slices],
            )
            for percent, colour in ((50, "plot-one"), (95, "plot-two"))
        ]
        return Plot(self._view.t("overview.ages"), "line", self._labels(found), series, "ms")

    def _channels(self, found: Found) -> Plot:
        series = [
            Series(
                self._view.t(f"channel.{name}"),
                CHANNEL_COLOURS[name],
                [part.by_channel[name] for part in found.statistics.slices],
            )
            for name in (*CHANNELS, NO_CHANNEL)
        ]
        return Plot(self._view.t("overview.by_channel"), "bar", self._labels(found), series)

    def _depths(self, found: Found) -> Plot:
        """The depth at the end of each slice; where none was seen for long, there is a gap."""
        t, slices = self._view.t, found.statistics.slices
        width = self._period / len(slices)
        ends = [part.start + width for part in slices]
        seen = [_last_before(found.depths, end) for end in ends]
        series = [
            Series(t("overview.on_queue"), "plot-one", [each and each.queue for each in seen]),
            Series(
                t("dead_letters.title"),
                "plot-rejected",
                [each and each.dead_letters for each in seen],
            ),
        ]
        return Plot(t("overview.depths"), "line", self._labels(found), series)


def verdict_on(view: View, found: Found) -> Verdict:
    """The worst that there is to say, in one line."""
    t, f, depth = view.t, view.f, found.depth
    failing = [
        name for name, check in found.health.checks.items() if check.status is HealthStatus.FAIL
    ]
    if failing:
        names = ", ".join(t(f"health.{name}") for name in failing)
        return Verdict("bad", t("verdict.failing", names=names), "/health")
    if depth.dead_letters:
        return Verdict(
            "warn", t("verdict.dead_letters", count=f.number(depth.dead_letters)), "/dead-letters"
        )
    p95 = found.statistics.total.ages.percentile(95)
    if depth.queue >= BACKLOG:
        return Verdict("warn", t("verdict.backlog", count=f.number(depth.queue)))
    if p95 is not None and p95 >= LATE_MS:
        return Verdict("warn", t("verdict.late", age=f.duration(p95 / 1000)))
    if not found.statistics.total.count:
        return Verdict("good", t("verdict.idle"))
    return Verdict("good", t("verdict.good", count=f.number(found.statistics.total.count)))


def _last_before(depths: Sequence[Depth], end: datetime) -> Depth | None:
    """The last of the depths before a moment, if it is not from long before."""
    number = bisect_left(depths, end, key=lambda depth: depth.at)
    last = depths[number - 1] if number else None
    return last if last and end - last.at <= STILL_TRUE_FOR else None


def _tile(name: str, value: str, note: str, mark: str, href: str | None = None) -> Markup:
    return tag(
        "a" if href else "div",
        tag("span", name, class_="name"),
        tag("span", value, class_="value"),
        tag("span", note, class_="note"),
        class_=f"tile mark-{mark}",
        href=href,
    )
