"""Plots, each with its numbers as a table for those who don't look at plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nicegui import ui

from ops.console.components import html
from ops.console.markup import tag
from ops.console.tables import Column, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.console.view import View


class Series(NamedTuple):
    """A line, or bars, of a plot. `colour` is a variable of console.css; None is a gap."""

    name: str
    colour: str
    values: Sequence[float | None]


class Plot(NamedTuple):
    """A plot: `kind` is `bar` (stacked) or `line`; `unit` is said with every number."""

    title: str
    kind: str
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str = ""


class Chart:
    """A plot on the page, which can be shown anew with other numbers."""

    def __init__(self, view: View, plot: Plot) -> None:
        self._view = view
        with ui.element("section").classes("panel"):
            html(tag("h2", plot.title))
            self._chart = ui.echart(self._options(plot)).classes("plot")
            self._chart.props["role"] = "img"
            self._chart.props["aria-label"] = plot.title
            with ui.element("details").classes("more"):
                html_summary(view.t("overview.as_table"))
                self._table = html(self._rows(plot))

    def show(self, plot: Plot) -> None:
        self._chart.options.clear()
        self._chart.options.update(self._options(plot))
        self._chart.update()
        self._table.set_content(self._rows(plot))

    def _options(self, plot: Plot) -> dict[str, Any]:
        return _options(plot, number_writer(self._view.t.language))

    def _rows(self, plot: Plot) -> Any:
        columns = [
            Column(self._view.t("overview.time")),
            *[Column(_with_unit(each.name, plot.unit), numeric=True) for each in plot.series],
        ]
        cells = [
            [label, *[self._figure(each.values[number]) for each in plot.series]]
            for number, label in enumerate(plot.labels)
        ]
        return tag(
            "div",
            table(plot.title, columns, reversed(cells), "tight"),
            class_="scroll tall",
            tabindex="0",
            role="region",
            aria_label=plot.title,
        )

    def _figure(self, value: float | None) -> str:
        return "—" if value is None else self._view.f.number(value)


def html_summary(words: str) -> None:
    """Make the words that open a `details` element."""
    html(tag("span", words), element="summary")


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def number_writer(language: str) -> str:
    """Write the JavaScript that writes a number in a language; "—" for a gap."""
    return f'it => it?.toLocaleString("{language}", {{useGrouping: "always"}}) ?? "—"'


def _options(plot: Plot, write_number: str) -> dict[str, Any]:
    """Make ECharts' options. The browser evaluates a key that begins with ":"."""
    muted, line = _colour("muted"), _colour("line")
    label = {":color": muted, "fontFamily": "Roboto, sans-serif", "fontSize": 12}
    return {
        "animation": False,
        "grid": {"left": 4, "right": 8, "top": 12, "bottom": 34, "containLabel": True},
        "tooltip": {
            "trigger": "axis",
            # Drawn, not written as HTML: its styles would be inline, which the policy forbids.
            "renderMode": "richText",
            ":valueFormatter": write_number,
            ":backgroundColor": _colour("surface"),
            ":borderColor": line,
            "textStyle": {":color": _colour("ink"), "fontFamily": "Roboto, sans-serif"},
        },
        "legend": {
            "bottom": 0,
            "left": 0,
            "icon": "roundRect",
            "itemWidth": 12,
            "itemHeight": 8,
            "textStyle": label,
        },
        "xAxis": {
            "type": "category",
            "data": list(plot.labels),
            "axisLabel": {**label, "hideOverlap": True},
            "axisTick": {"show": False},
            "axisLine": {"lineStyle": {":color": line}},
        },
        "yAxis": {
            "type": "value",
            "minInterval": 1,
            "axisLabel": {**label, ":formatter": write_number},
            "splitLine": {"lineStyle": {":color": line}},
        },
        "series": [_series(plot, each) for each in plot.series],
    }


def _series(plot: Plot, series: Series) -> dict[str, Any]:
    shared = {
        "name": _with_unit(series.name, plot.unit),
        "type": plot.kind,
        "data": list(series.values),
        "itemStyle": {":color": _colour(series.colour)},
    }
    if plot.kind == "bar":
        return shared | {"stack": "all", "barCategoryGap": "25%"}
    return shared | {
        "symbol": "circle",
        "symbolSize": 5,
        "lineStyle": {":color": _colour(series.colour), "width": 2},
        "connectNulls": False,
    }


def _colour(name: str) -> str:
    """Write the JavaScript that finds a colour of console.css, in light and in dark."""
    return f'getComputedStyle(document.documentElement).getPropertyValue("--{name}").trim()'
