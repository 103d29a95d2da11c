"""A list of records, newest first, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.services.cursors import InvalidCursor
from ops.console.components import empty, moment, notice
from ops.console.listing import Listing, show_list
from ops.console.markup import join, tag
from ops.console.records import order_link, outcome
from ops.console.tables import Column
from ops.console.terms import term_cells, term_columns
from ops.desk.listed_terms import listed_terms
from ops.desk.masked_records import masked_record

if TYPE_CHECKING:
    from markupsafe import Markup

    from chalicelib.orders.record import Record
    from chalicelib.services.queries import AuditList, AuditQuery
    from ops.console.markup import Child
    from ops.console.view import View


def show_records(view: View, query: AuditQuery, none: str, hint: str) -> None:
    """Show a page of a query's records. The page's address has the cursor of the ones after it."""
    show_list(view, lambda: _read(view, query, empty(none, hint)))


def _read(view: View, query: AuditQuery, none: Markup) -> Listing:
    try:
        page = view.console.desk.orders.page(query, view.parameters.get("cursor"))
    except InvalidCursor:
        bad = join(notice(view.t("orders.bad_cursor"), "warn"), _newest(view))
        return Listing(view.t("orders.caption"), [], [], none=bad)
    return Listing(
        view.t("orders.caption"),
        record_columns(view),
        [record_row(view, record) for record in page.records],
        none=None if page.cursor else none,
        below=_pages(view, page) if page.records or page.cursor else None,
    )


def record_columns(view: View) -> list[Column]:
    """Make the columns of a list of records."""
    t = view.t
    return [
        Column(t("field.id")),
        Column(t("field.outcome")),
        *term_columns(view),
        Column(t("field.processed_at")),
        Column(t("field.age"), numeric=True),
    ]


def record_row(view: View, record: Record) -> list[Child]:
    """Make the cells of `record_columns`, with the accounts masked."""
    record = masked_record(record)
    age = (record.processed_at - record.received_at).total_seconds()
    return [
        order_link(record.order_id),
        tag("span", outcome(view, record)),
        *term_cells(view, listed_terms(record)),
        moment(view, record.processed_at),
        view.f.duration(age),
    ]


def _pages(view: View, page: AuditList) -> Markup:
    words = view.t("orders.shown", count=view.f.number(len(page.records)))
    more = view.t("orders.older") if page.records else view.t("orders.search_on")
    return tag(
        "nav",
        tag("span", words if page.records else view.t("orders.none_yet"), class_="muted"),
        tag(
            "span",
            _newest(view) if "cursor" in view.parameters else None,
            tag("a", more, href=view.link(cursor=page.cursor), class_="button", rel="next")
            if page.cursor
            else tag("span", view.t("orders.end"), class_="muted"),
            class_="row",
        ),
        class_="pages",
        aria_label=view.t("orders.paging"),
    )


def _newest(view: View) -> Markup:
    return tag("a", view.t("orders.newest"), href=view.link(cursor=None), class_="button")
