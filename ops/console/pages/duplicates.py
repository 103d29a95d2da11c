"""Duplicates and conflicts: what came in more than once, and what was not the same when it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from chalicelib.query_parameters import audit_query
from chalicelib.submissions import Status
from ops.console.bounded import read_newest
from ops.console.components import Column, empty, html, loaded, moment, notice, outcome, table
from ops.console.markup import tag
from ops.console.pages.order import FIELDS
from ops.console.pages.orders import show_records
from ops.console.view import order_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from chalicelib.submissions import Record
    from ops.console.view import View

SHOWN = 100
KINDS = ("conflicts", "all")


class Conflicts(NamedTuple):
    """The newest conflicts among the newest duplicates. `complete` says that all were read."""

    records: Sequence[Record]
    read: int
    complete: bool


def show(view: View) -> None:
    """Build the page."""
    chosen = view.parameters.get("show", "")
    kind = chosen if chosen in KINDS else KINDS[0]
    links = [
        tag(
            "a",
            view.t(f"duplicates.{name}"),
            href=f"/duplicates?show={name}",
            aria_current="true" if name == kind else None,
        )
        for name in KINDS
    ]
    html(
        tag(
            "div",
            tag("h1", view.t("duplicates.title")),
            tag(
                "div",
                tag("nav", *links, class_="segments", aria_label=view.t("duplicates.which")),
                class_="tools",
            ),
            class_="heading",
        ),
        tag("p", view.t(f"duplicates.{kind}_lead"), class_="lead"),
    )
    if kind == "all":
        query = audit_query({"isDuplicate": "true"}, view.now())
        show_records(view, query, view.t("duplicates.none"), view.t("duplicates.none_hint"))
    else:
        with ui.element("div").classes("panel flush"):
            loaded(view, lambda: read_conflicts(view), lambda found: _show_conflicts(view, found))


def read_conflicts(view: View) -> Conflicts:
    """Duplicates that differ from the accepted order, of the last seven days."""
    query = audit_query({"status": Status.DUPLICATE.value}, view.now())
    newest = read_newest(view.console.desk.orders, query)
    conflicts = [record for record in newest.records if record.differs]
    return Conflicts(conflicts[:SHOWN], len(newest.records), newest.complete)


def _show_conflicts(view: View, found: Conflicts) -> None:
    t = view.t
    if not found.complete:
        html(notice(t("duplicates.sample", count=view.f.number(found.read))))
    if not found.records:
        html(empty(t("duplicates.no_conflicts"), t("duplicates.no_conflicts_hint")))
        return
    columns = [
        Column(t("field.id")),
        Column(t("field.outcome")),
        Column(t("duplicates.differs")),
        Column(t("field.amount"), numeric=True),
        Column(t("field.channel")),
        Column(t("field.processed_at")),
        Column(t("field.submission")),
    ]
    html(
        table(t("duplicates.conflicts"), columns, (_row(view, record) for record in found.records))
    )


def _row(view: View, record: Record) -> list[Markup | str]:
    names = ", ".join(view.t(f"field.{FIELDS[name]}") for name in record.differs)
    return [
        tag(
            "a", record.order_id, href=order_address(record.order_id), class_="id", data_row_link=""
        ),
        tag("span", outcome(view, record)),
        tag("strong", names),
        view.f.amount(record.amount),
        view.t.or_else(f"channel.{record.channel}", record.channel or "—"),
        moment(view, record.processed_at),
        tag("code", record.submission_id[:13], title=record.submission_id),
    ]
