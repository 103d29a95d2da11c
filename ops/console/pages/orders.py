"""Orders: search by id, filters in the address, newest first, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import RedirectResponse
from nicegui import ui

from chalicelib.cursors import InvalidCursor
from chalicelib.orders import CHANNELS, is_order_id
from chalicelib.query_parameters import InvalidParameters, audit_query
from chalicelib.record_items import audit_position
from chalicelib.submissions import Status
from ops.console.components import (
    FAILURES,
    Column,
    empty,
    heading,
    html,
    loaded,
    moment,
    notice,
    outcome,
    select,
    table,
    text_input,
)
from ops.console.markup import join, tag
from ops.console.view import address, order_address
from ops.desk.exports import Format, can_write
from ops.desk.masking import masked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import Response
    from markupsafe import Markup

    from chalicelib.queries import AuditList, AuditQuery
    from chalicelib.submissions import Record
    from ops.console.view import View

FILTERS = ("status", "channel", "isDuplicate", "from", "to")
PAGE_SIZE = "50"
NEWS_SECONDS = 5.0
FORMATS = tuple(Format)


def show(view: View) -> Response | None:
    """Build the page; an id that is searched for leads to its order's own."""
    wanted = view.parameters.get("id", "").strip()
    if is_order_id(wanted):
        return RedirectResponse(order_address(wanted))
    html(
        heading(view.t("orders.title"), view.t("orders.lead"), _exports(view)),
        notice(view.t("orders.bad_id", id=wanted[:80]), "warn") if wanted else None,
        tag("div", _filters(view, wanted), class_="panel"),
    )
    query = query_of(view, view.parameters)
    if query is not None:
        show_records(view, query, view.t("orders.none"), view.t("orders.none_hint"))
    return None


def query_of(view: View, parameters: Mapping[str, str]) -> AuditQuery | None:
    """The query of an address, which has the API's own parameters; None if it can't be used."""
    given = {name: value for name, value in parameters.items() if name in FILTERS}
    try:
        return audit_query({"limit": PAGE_SIZE, **given}, view.now())
    except InvalidParameters as error:
        wrong = [tag("li", tag("code", each.field), " ", each.message) for each in error.errors]
        html(tag("div", view.t("orders.bad_filter"), tag("ul", *wrong), class_="notice warn"))
        return None


def show_records(view: View, query: AuditQuery, none: str, hint: str) -> None:
    """A page of records, read when the page is there, with links to the ones before and after."""

    def read() -> AuditList | None:
        try:
            return view.console.desk.orders.page(query, view.parameters.get("cursor"))
        except InvalidCursor:
            return None

    def show_page(page: AuditList | None) -> None:
        if page is None:
            html(notice(view.t("orders.bad_cursor"), "warn"), _newest(view))
        elif page.records or page.cursor:
            html(tag("div", records_table(view, page.records), _pages(view, page), class_="flush"))
        else:
            html(empty(none, hint))

    news = ui.element("div").props('aria-live="polite"')
    with ui.element("div").classes("panel flush"):
        loaded(view, read, show_page)
    if view.path == "/orders" and not view.parameters:
        _watch_for_news(view, query, news)


def _watch_for_news(view: View, query: AuditQuery, news: ui.element) -> None:
    """Say when there are newer records; the list stays as it is under the reader's eyes."""
    newest_only = query._replace(limit=1)
    shown: list[str] = []

    async def look() -> None:
        try:
            page = await view.fetch(lambda: view.console.desk.orders.page(newest_only))
        except FAILURES:
            # The next look may do better; the list itself says what it could not read.
            return
        position = audit_position(page.records[0]) if page.records else ""
        shown[:] = shown or [position]
        if position != shown[0]:
            timer.deactivate()
            link = tag("a", view.t("orders.show_news"), href=view.path)
            with news:
                html(notice(join(view.t("orders.news"), " ", link)))

    timer = ui.timer(NEWS_SECONDS, look)


def records_table(view: View, records: Sequence[Record]) -> Markup | None:
    """Records, one a row."""
    if not records:
        return None
    t = view.t
    columns = [
        Column(t("field.id")),
        Column(t("field.outcome")),
        Column(t("field.amount"), numeric=True),
        Column(t("field.accounts")),
        Column(t("field.channel")),
        Column(t("field.processed_at")),
        Column(t("field.age"), numeric=True),
    ]
    return table(t("orders.caption"), columns, (_cells(view, record) for record in records))


def _cells(view: View, record: Record) -> list[Markup | str]:
    accounts = f"{masked(record.from_account) or '—'} → {masked(record.to_account) or '—'}"
    age = (record.processed_at - record.received_at).total_seconds()
    return [
        tag(
            "a", record.order_id, href=order_address(record.order_id), class_="id", data_row_link=""
        ),
        tag("span", outcome(view, record)),
        view.f.amount(record.amount),
        tag("span", accounts, class_="nowrap"),
        view.t.or_else(f"channel.{record.channel}", record.channel or "—"),
        moment(view, record.processed_at),
        view.f.duration(age),
    ]


def _filters(view: View, wanted: str) -> Markup:
    t, given = view.t, view.parameters
    return tag(
        "form",
        text_input("id", t("orders.search"), wanted, placeholder="order-001", data_search=""),
        select(
            "status",
            t("field.outcome"),
            [
                ("", t("orders.any")),
                *[(each.value, t(f"outcome.{each.lower()}")) for each in Status],
            ],
            given.get("status", ""),
        ),
        select(
            "channel",
            t("field.channel"),
            [("", t("orders.any")), *[(name, t(f"channel.{name}")) for name in CHANNELS]],
            given.get("channel", ""),
        ),
        select(
            "isDuplicate",
            t("orders.seen_before"),
            [("", t("orders.any")), ("false", t("orders.no")), ("true", t("orders.yes"))],
            given.get("isDuplicate", ""),
        ),
        text_input("from", t("orders.from"), given.get("from", ""), type="date"),
        text_input("to", t("orders.to"), given.get("to", ""), type="date"),
        tag("button", t("orders.apply"), class_="primary"),
        class_="filters",
        role="search",
        action="/orders",
    )


def _exports(view: View) -> list[Markup]:
    given = {name: view.parameters.get(name) for name in FILTERS}
    return [_export_link(view, form, given) for form in FORMATS]


def _export_link(view: View, form: Format, given: Mapping[str, str | None]) -> Markup:
    words = view.t("orders.export", format=form.upper())
    if not can_write(form):
        reason = view.t("orders.no_parquet")
        return tag("button", words, class_="button", disabled=True, title=reason)
    return tag(
        "a",
        words,
        href=address("/export", {"format": form.value, **given}),
        class_="button",
        download="",
    )


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
    return join(tag("a", view.t("orders.newest"), href=view.link(cursor=None), class_="button"))
