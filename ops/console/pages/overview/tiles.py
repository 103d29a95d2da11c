"""The overview's tiles: a figure each."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ops.console.markup import tag

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.pages.overview.measured import Found
    from ops.console.view import View
    from ops.desk.stats import Slice


def tiles(view: View, found: Found) -> Markup:
    """Make all tiles."""
    return tag(
        "div",
        _recorded(view, found),
        *_outcomes(view, found.statistics.total),
        _age(view, found.statistics.total),
        *_depths(view, found),
        class_="tiles",
    )


def _recorded(view: View, found: Found) -> Markup:
    t, f, total = view.t, view.f, found.statistics.total
    minutes = (found.statistics.end - found.statistics.start) / timedelta(minutes=1)
    rate = t("overview.rate", rate=f.number(total.count / max(minutes, 1 / 60), 1))
    return _tile(t("overview.recorded"), f.number(total.count), rate, "one", "/orders")


def _outcomes(view: View, total: Slice) -> list[Markup]:
    t, f = view.t, view.f
    notes = {
        "ACCEPTED": t("overview.corrections", count=f.number(total.corrections)),
        "DUPLICATE": t("overview.conflicts", count=f.number(total.conflicts)),
        "REJECTED": t("overview.share", share=f.percent(total.by_status["REJECTED"], total.count)),
    }
    return [
        _tile(
            t(f"overview.{status.lower()}"),
            f.number(total.by_status[status]),
            note,
            status.lower(),
            f"/orders?status={status}",
        )
        for status, note in notes.items()
    ]


def _age(view: View, total: Slice) -> Markup:
    t, f = view.t, view.f
    p50, p95 = (
        "—" if age is None else f.duration(age / 1000)
        for age in (total.ages.percentile(50), total.ages.percentile(95))
    )
    return _tile(t("overview.age"), p95, t("overview.median", age=p50), "two")


def _depths(view: View, found: Found) -> list[Markup]:
    t, f, depth = view.t, view.f, found.depth
    return [
        _tile(
            t("overview.on_queue"),
            f.number(depth.queue),
            t("overview.in_flight", count=f.number(depth.in_flight)),
            "one",
        ),
        _tile(
            t("dead_letters.title"),
            f.number(depth.dead_letters),
            t("overview.wait_for_you") if depth.dead_letters else t("overview.none"),
            "rejected" if depth.dead_letters else "accepted",
            "/dead-letters",
        ),
    ]


def _tile(name: str, value: str, note: str, mark: str, href: str | None = None) -> Markup:
    return tag(
        "a" if href else "div",
        tag("span", name, class_="name"),
        tag("span", value, class_="value"),
        tag("span", note, class_="note"),
        class_=f"tile mark-{mark}",
        href=href,
    )
