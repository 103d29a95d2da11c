"""Rejected orders by the rule that they break: how often, when last, and examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.http.parameters import audit_query
from chalicelib.orders.record import Status
from ops.console.bounded import read_newest
from ops.console.components import empty, heading, html, moment, notice
from ops.console.listing import Listing, show_list
from ops.console.markup import join, tag
from ops.console.tables import Column
from ops.console.view import order_address
from ops.desk.stats import ErrorGroup, grouped_by_error

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.view import View


def show(view: View) -> None:
    """Build the page."""
    t = view.t
    all_of_them = tag("a", t("rejected.list"), href="/orders?status=REJECTED", class_="button")
    html(heading(t("rejected.title"), t("rejected.lead"), all_of_them))
    show_list(view, lambda: _errors(view))


def _errors(view: View) -> Listing:
    t = view.t
    query = audit_query({"status": Status.REJECTED.value}, view.now())
    rejected, complete = read_newest(view.console.desk.orders, query)
    read = len(rejected)
    return Listing(
        t("rejected.title"),
        columns=[
            Column(t("rejected.error")),
            Column(t("rejected.count"), numeric=True),
            Column(t("rejected.share"), numeric=True),
            Column(t("rejected.last")),
            Column(t("rejected.examples")),
        ],
        rows=[_row(view, group, read) for group in grouped_by_error(rejected)],
        none=empty(t("rejected.none"), t("rejected.none_hint"))
        if complete
        else empty(t("state.none_so_far")),
        above=None if complete else notice(t("rejected.sample", count=view.f.number(read))),
    )


def _row(view: View, group: ErrorGroup, read: int) -> list[Markup | str]:
    words = view.t.or_else(f"error.{group.code}", group.code)
    examples = [tag("a", name, href=order_address(name), class_="id") for name in group.orders]
    return [
        tag("span", tag("code", group.field_name), " ", words),
        view.f.number(group.count),
        view.f.percent(group.count, read),
        moment(view, group.last_at),
        tag("span", *[join(" " if number else None, link) for number, link in enumerate(examples)]),
    ]
