"""The overview's plots: orders, ages and depths over time."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING

from chalicelib.orders.terms import CHANNELS
from ops.console.charts import Plot, Series
from ops.console.pages.overview.measured import STILL_TRUE_FOR
from ops.console.terms import value_words
from ops.desk.stats import NO_CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ops.console.depths import Depth
    from ops.console.pages.overview.measured import Found
    from ops.console.view import View

# The colours of CHANNELS, one after the other, and of orders without a channel.
CHANNEL_COLOURS = ("plot-one", "plot-accepted", "plot-two")
NO_CHANNEL_COLOUR = "muted"
SECONDS_SHOWN_UP_TO = timedelta(minutes=15)


def outcomes(view: View, found: Found) -> Plot:
    """Plot how many orders came to each outcome."""
    series = [
        Series(
            view.t(f"outcome.{status.lower()}"),
            f"plot-{status.lower()}",
            [part.by_status[status] for part in found.statistics.slices],
        )
        for status in ("ACCEPTED", "DUPLICATE", "REJECTED")
    ]
    return Plot(view.t("overview.throughput"), "bar", _labels(found), series)


def ages(view: View, found: Found) -> Plot:
    """Plot how old orders were when they were recorded."""
    series = [
        Series(
            f"p{percent}",
            colour,
            [part.ages.percentile(percent) for part in found.statistics.slices],
        )
        for percent, colour in ((50, "plot-one"), (95, "plot-two"))
    ]
    return Plot(view.t("overview.ages"), "line", _labels(found), series, "ms")


def channels(view: View, found: Found) -> Plot:
    """Plot how many orders came by each channel."""
    colours = [*zip(CHANNELS, cycle(CHANNEL_COLOURS)), (NO_CHANNEL, NO_CHANNEL_COLOUR)]
    series = [
        Series(
            value_words(view, "channel", name),
            colour,
            [part.by_channel[name] for part in found.statistics.slices],
        )
        for name, colour in colours
    ]
    return Plot(view.t("overview.by_channel"), "bar", _labels(found), series)


def depths(view: View, found: Found) -> Plot:
    """Plot the depth at the end of each slice; there is a gap where none was seen for long."""
    t, slices = view.t, found.statistics.slices
    width = _period(found) / len(slices)
    seen = [_last_before(found.depths, part.start + width) for part in slices]
    series = [
        Series(t("overview.on_queue"), "plot-one", [each and each.queue for each in seen]),
        Series(
            t("dead_letters.title"), "plot-rejected", [each and each.dead_letters for each in seen]
        ),
    ]
    return Plot(t("overview.depths"), "line", _labels(found), series)


PLOTS: tuple[Callable[[View, Found], Plot], ...] = (outcomes, ages, depths, channels)


def _labels(found: Found) -> list[str]:
    pattern = "%H:%M:%S" if _period(found) <= SECONDS_SHOWN_UP_TO else "%H:%M"
    return [part.start.strftime(pattern) for part in found.statistics.slices]


def _period(found: Found) -> timedelta:
    return found.statistics.end - found.statistics.start


def _last_before(depths: Sequence[Depth], end: datetime) -> Depth | None:
    """Return the last of the depths before a moment, if it is not from long before."""
    number = bisect_left(depths, end, key=lambda depth: depth.at)
    last = depths[number - 1] if number else None
    return last if last and end - last.at <= STILL_TRUE_FOR else None
