"""Orders: search by id, filters in the address, newest first, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.responses import RedirectResponse
from nicegui import ui

from chalicelib.http.parameters import InvalidParameters, audit_query
from chalicelib.orders.order import is_order_id
from chalicelib.orders.record import Status
from chalicelib.orders.terms import CHANNELS
from ops.console.components import heading, html, notice
from ops.console.forms import filters, select, text_input
from ops.console.guard import EXPORT_PATH
from ops.console.loading import FAILURES
from ops.console.markup import join, tag
from ops.console.pages.orders_search import Search
from ops.console.record_list import show_records
from ops.console.records import error_sentence
from ops.console.terms import value_words
from ops.console.view import address, order_address
from ops.desk.exports import Format, can_write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Response
    from markupsafe import Markup

    from chalicelib.services.queries import AuditQuery
    from ops.console.view import View

FILTERS = ("status", "channel", "isDuplicate", "from", "to")
PAGE_SIZE = "50"
NEWS_SECONDS = 5.0
FORMATS = tuple(Format)


def show(view: View) -> Response | None:
    """Build the page; a search for an id leads to that order's page."""
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
        with Search(view, query).listed:
            news = ui.element("div").props('aria-live="polite"')
            show_records(view, query, view.t("orders.none"), view.t("orders.none_hint"))
            if not view.parameters:
                _watch_for_news(view, query, news)
    return None


def query_of(view: View, parameters: Mapping[str, str]) -> AuditQuery | None:
    """Make the query of an address, which has the API's parameters; show why if it is none."""
    given = {name: value for name, value in parameters.items() if name in FILTERS}
    try:
        return audit_query({"limit": PAGE_SIZE, **given}, view.now())
    except InvalidParameters as error:
        wrong = [tag("li", error_sentence(view, each)) for each in error.errors]
        html(tag("div", view.t("orders.bad_filter"), tag("ul", *wrong), class_="notice warn"))
        return None


def _watch_for_news(view: View, query: AuditQuery, news: ui.element) -> None:
    """Say when there are newer records; the list itself stays unchanged meanwhile."""
    newest_only = query._replace(limit=1)
    shown: list[str] = []

    async def look() -> None:
        try:
            page = await view.fetch(lambda: view.console.desk.orders.page(newest_only))
        except FAILURES:
            # The next look may succeed; the list itself reports a failure.
            return
        position = page.records[0].audit_position if page.records else ""
        shown[:] = shown or [position]
        if position != shown[0]:
            timer.deactivate()
            link = tag("a", view.t("orders.show_news"), href=view.path)
            with news:
                html(notice(join(view.t("orders.news"), " ", link)))

    timer = ui.timer(NEWS_SECONDS, look)


def _filters(view: View, wanted: str) -> Markup:
    t, given = view.t, view.parameters
    return filters(
        view,
        text_input("id", t("orders.search"), wanted, placeholder="order-001", data_search=""),
        select(
            view,
            "status",
            t("field.outcome"),
            [(each.value, t(f"outcome.{each.lower()}")) for each in Status],
        ),
        select(
            view,
            "channel",
            t.label("channel"),
            [(name, value_words(view, "channel", name)) for name in CHANNELS],
        ),
        select(
            view,
            "isDuplicate",
            t("orders.seen_before"),
            [("false", t("orders.no")), ("true", t("orders.yes"))],
        ),
        text_input("from", t("orders.from"), given.get("from", ""), type="date"),
        text_input("to", t("orders.to"), given.get("to", ""), type="date"),
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
        # Not marked as a download: an export that is refused says why, as a page.
        href=address(EXPORT_PATH, {"format": form.value, **given}),
        class_="button",
    )
