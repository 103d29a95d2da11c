"""A list of records, newest first, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.cursors import InvalidCursor
from ops.console.components import empty, moment, notice
from ops.console.listing import Listing, show_list
from ops.console.markup import join, tag
from ops.console.records import order_link, outcome
from ops.console.tables import Column
from ops.desk.masking import masked

if TYPE_CHECKING:
    from markupsafe import Markup

    from chalicelib.queries import AuditList, AuditQuery
    from chalicelib.submissions import Record
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
        _columns(view),
        [_row(view, record) for record in page.records],
        none=None if page.cursor else none,
        below=_pages(view, page) if page.records or page.cursor else None,
    )


def _columns(view: View) -> list[Column]:
    t = view.t
    return [
        Column(t("field.id")),
        Column(t("field.outcome")),
        Column(t("field.amount"), numeric=True),
        Column(t("field.accounts")),
        Column(t("field.channel")),
        Column(t("field.processed_at")),
        Column(t("field.age"), numeric=True),
    ]


def _row(view: View, record: Record) -> list[Markup | str]:
    accounts = f"{masked(record.from_account) or '—'} → {masked(record.to_account) or '—'}"
    age = (record.processed_at - record.received_at).total_seconds()
    return [
        order_link(record.order_id),
        tag("span", outcome(view, record)),
        view.f.amount(record.amount),
        tag("span", accounts, class_="nowrap"),
        view.t.or_else(f"channel.{record.channel}", record.channel or "—"),
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
