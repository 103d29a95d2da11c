"""The overview's verdict: the worst that there is to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.services.health import HealthStatus
from ops.console.verdict import Verdict

if TYPE_CHECKING:
    from ops.console.pages.overview.measured import Found
    from ops.console.view import View

# Beyond these, orders wait longer than the usual second.
LATE_MS = 60_000
BACKLOG = 1_000


def verdict_on(view: View, found: Found) -> Verdict:
    """Name the worst finding, in one line."""
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
