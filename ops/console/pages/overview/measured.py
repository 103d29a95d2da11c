"""The figures that the overview shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.services.health import HealthReport
    from ops.console.depths import Depth
    from ops.console.view import View
    from ops.desk.stats import Statistics

# CloudWatch keeps a value every five minutes for the distant past.
STILL_TRUE_FOR = timedelta(minutes=6)


class Found(NamedTuple):
    """The figures. `sample` is how many records they are estimated from; None: they are exact."""

    statistics: Statistics
    sample: int | None
    depth: Depth
    depths: Sequence[Depth]
    health: HealthReport


def measure(view: View, period: timedelta) -> Found:
    """Measure the stage over the last `period`."""
    console = view.console
    now = view.now()
    measured = console.throughput.of_last(period)
    depth = console.depths.look()
    depths = console.depths.since(now - period - STILL_TRUE_FOR)
    return Found(*measured, depth, depths, console.desk.health())
