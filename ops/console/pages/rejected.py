"""Rejected orders by what is wrong with them: which rule is broken, how often, by whom lately."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from chalicelib.query_parameters import audit_query
from chalicelib.submissions import Status
from ops.console.bounded import read_newest
from ops.console.components import (
    Column,
    empty,
    error_words,
    html,
    loaded,
    moment,
    notice,
    table,
)
from ops.console.markup import join, tag
from ops.console.view import order_address
from ops.desk.stats import ErrorGroup, grouped_by_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from ops.console.view import View


class Rejected(NamedTuple):
    """The errors of the newest rejected orders. `complete` says that all were read."""

    groups: Sequence[ErrorGroup]
    read: int
    complete: bool


def show(view: View) -> None:
    """Build the page."""
    html(
        tag(
            "div",
            tag("h1", view.t("rejected.title")),
            tag(
                "div",
                tag("a", view.t("rejected.list"), href="/orders?status=REJECTED", class_="button"),
                class_="tools",
            ),
            class_="heading",
        ),
        tag("p", view.t("rejected.lead"), class_="lead"),
    )
    with ui.element("div").classes("panel flush"):
        loaded(view, lambda: _read(view), lambda found: _show(view, found))


def _read(view: View) -> Rejected:
    query = audit_query({"status": Status.REJECTED.value}, view.now())
    newest = read_newest(view.console.desk.orders, query)
    return Rejected(grouped_by_error(newest.records), len(newest.records), newest.complete)


def _show(view: View, found: Rejected) -> None:
    t = view.t
    if not found.complete:
        html(notice(t("rejected.sample", count=view.f.number(found.read))))
    if not found.groups:
        html(empty(t("rejected.none"), t("rejected.none_hint")))
        return
    columns = [
        Column(t("rejected.error")),
        Column(t("rejected.count"), numeric=True),
        Column(t("rejected.share"), numeric=True),
        Column(t("rejected.last")),
        Column(t("rejected.examples")),
    ]
    rows = (_row(view, group, found.read) for group in found.groups)
    html(table(t("rejected.title"), columns, rows))


def _row(view: View, group: ErrorGroup, read: int) -> list[Markup | str]:
    examples = [tag("a", name, href=order_address(name), class_="id") for name in group.orders]
    return [
        tag("span", error_words(view, group.field_name, group.code)),
        view.f.number(group.count),
        view.f.percent(group.count, read),
        moment(view, group.last_at),
        tag("span", *[join(" " if number else None, link) for number, link in enumerate(examples)]),
    ]
