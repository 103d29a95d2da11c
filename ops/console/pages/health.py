"""Health: each thing that the system depends on, by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import button, facts, html
from ops.console.denials import denial_words
from ops.console.loading import show_loaded
from ops.console.markup import tag
from ops.console.tables import Column, table
from ops.console.verdict import Verdict, verdict_line
from ops.roles.denial import denial_in

if TYPE_CHECKING:
    from chalicelib.services.health import CheckResult, HealthReport
    from ops.console.markup import Child
    from ops.console.view import View

KINDS = {"pass": "good", "warn": "warn", "fail": "bad"}


def show(view: View) -> None:
    """Build the page."""
    with ui.element("div").classes("heading"):
        html(tag("h1", view.t("health.title")))
        tools = ui.element("div").classes("tools")
    html(tag("p", view.t("health.lead"), class_="lead"))
    reload = show_loaded(view, view.console.desk.health, lambda report: _show(view, report))
    with tools:
        button(view.t("health.again"), reload)
    html(tag("section", tag("h2", view.t("health.where")), _where(view), class_="panel"))


def _show(view: View, report: HealthReport) -> None:
    t, status = view.t, report.status.value
    html(
        verdict_line(view, Verdict(KINDS[status], t(f"health.verdict_{status}"))),
        tag(
            "div",
            table(
                t("health.title"),
                [
                    Column(t("health.dependency")),
                    Column(t("health.state")),
                    Column(t("health.time"), numeric=True),
                    Column(t("health.means")),
                ],
                (_row(view, name, check) for name, check in report.checks.items()),
            ),
            class_="panel flush",
        ),
    )


def _row(view: View, name: str, check: CheckResult) -> list[Child]:
    t, status = view.t, check.status.value
    means = (
        "means_dead_letters"
        if name == "deadLetterQueue" and status == "warn"
        else f"means_{status}"
    )
    return [
        tag("strong", t(f"health.{name}")),
        tag("span", t(f"health.status_{status}"), class_=f"badge {status}"),
        f"{view.f.number(check.observed_ms)} ms",
        denial_words(view, denial)
        if (denial := denial_in(check.failure))
        else t(f"health.{means}"),
    ]


def _where(view: View) -> Child:
    """Name the resources: an operator may know what GET /health tells nobody."""
    stage = view.console.desk.stage
    return facts(
        [
            (view.t("health.stage"), stage.name),
            (view.t("health.queue"), tag("code", stage.settings.queue_url)),
            (view.t("health.deadLetterQueue"), tag("code", stage.settings.dead_letter_queue_url)),
            (view.t("health.bucket"), tag("code", stage.settings.bucket)),
            (view.t("health.table"), tag("code", stage.settings.table)),
        ]
    )
