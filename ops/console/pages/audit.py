"""Audit: who did what to the stage with these tools, when, and why."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from ops.console.components import empty, heading, html, moment, notice, segments
from ops.console.listing import Listing, show_list
from ops.console.markup import tag
from ops.console.tables import Column
from ops.desk.audit_words import action_words, detail_words

if TYPE_CHECKING:
    from ops.console.markup import Child
    from ops.console.view import View
    from ops.desk.audit_trail import Action

DAYS = ("7", "30", "90")
SHOWN = 200
SHOWN_CHARACTERS = 60


def show(view: View) -> None:
    """Build the page."""
    t = view.t
    days = view.choice("days", DAYS)
    words = {name: t("audit.days", days=name) for name in DAYS}
    periods = segments(view, t("overview.period"), "days", words, days)
    seals = tag("a", t("seals.title"), href="/seals", class_="button")
    html(heading(t("audit.title"), t("audit.lead"), periods, seals))
    show_list(view, lambda: _actions(view, int(days)))


def _actions(view: View, days: int) -> Listing:
    t, today = view.t, view.now().date()
    newest = view.console.desk.audit_trail.newest_first(today - timedelta(days=days - 1), today)
    actions = list(islice(newest, SHOWN + 1))
    more = notice(t("state.newest", count=view.f.number(SHOWN))) if len(actions) > SHOWN else None
    return Listing(
        t("audit.title"),
        columns=[
            Column(t("audit.when")),
            Column(t("audit.who")),
            Column(t("audit.what")),
            Column(t("audit.why")),
            Column(t("audit.details")),
        ],
        rows=[_row(view, action) for action in actions[:SHOWN]],
        none=empty(t("audit.none"), t("audit.none_hint")),
        above=more,
    )


def _row(view: View, action: Action) -> list[Child]:
    action = action.masked
    details = [
        tag("li", tag("span", label, class_="muted", title=name), " ", _shortened(value))
        for name, label, value in detail_words(action, view.t)
    ]
    return [
        moment(view, action.at),
        tag("span", action.who.rsplit(":", 1)[-1], title=action.who),
        tag("span", action_words(action.what, view.t), title=action.what),
        tag("span", action.why or "—", class_="reason"),
        tag("ul", *details, class_="trail") if details else "—",
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
