"""Audit: who did what to the stage with these tools, when, and why."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from ops.console.components import Column, empty, html, loaded, moment, notice, table
from ops.console.markup import tag
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.console.markup import Child
    from ops.console.view import View
    from ops.desk.audit_trail import Action

DAYS = ("7", "30", "90")
SHOWN = 200
SHOWN_CHARACTERS = 60


class Trail(NamedTuple):
    """The newest actions. `more` says that there are older ones in the period."""

    actions: Sequence[Action]
    more: bool


def show(view: View) -> None:
    """Build the page."""
    chosen = view.parameters.get("days", "")
    days = chosen if chosen in DAYS else DAYS[0]
    links = [
        tag(
            "a",
            view.t("audit.days", days=name),
            href=f"/audit?days={name}",
            aria_current="true" if name == days else None,
        )
        for name in DAYS
    ]
    html(
        tag(
            "div",
            tag("h1", view.t("audit.title")),
            tag(
                "div",
                tag("nav", *links, class_="segments", aria_label=view.t("overview.period")),
                class_="tools",
            ),
            class_="heading",
        ),
        tag("p", view.t("audit.lead"), class_="lead"),
    )
    with ui.element("div").classes("panel flush"):
        loaded(view, lambda: _read(view, int(days)), lambda trail: _show(view, trail))


def _read(view: View, days: int) -> Trail:
    today = view.now().date()
    newest = view.console.desk.audit_trail.newest_first(today - timedelta(days=days - 1), today)
    actions = list(islice(newest, SHOWN + 1))
    return Trail(actions[:SHOWN], len(actions) > SHOWN)


def _show(view: View, trail: Trail) -> None:
    t = view.t
    if not trail.actions:
        html(empty(t("audit.none"), t("audit.none_hint")))
        return
    if trail.more:
        html(notice(t("audit.more", count=view.f.number(SHOWN))))
    columns = [
        Column(t("audit.when")),
        Column(t("audit.who")),
        Column(t("audit.what")),
        Column(t("audit.why")),
        Column(t("audit.details")),
    ]
    html(table(t("audit.title"), columns, (_row(view, action) for action in trail.actions)))


def _row(view: View, action: Action) -> list[Child]:
    details = [
        tag("li", tag("code", name), " ", _shown(name, value))
        for name, value in action.details.items()
    ]
    return [
        moment(view, action.at),
        tag("span", action.who.rsplit(":", 1)[-1], title=action.who),
        tag(
            "span",
            view.t.or_else(f"action.{action.what.replace('.', '_')}", action.what),
            title=action.what,
        ),
        tag("span", action.why or "—", class_="reason"),
        tag("ul", *details, class_="trail") if details else "—",
    ]


def _shown(name: str, value: str) -> str:
    """Short enough for a list. Only the text of an order can hold account numbers."""
    text = masked_text(value) if name == "payload" else value
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
