"""
The search on the page of orders: by account, amount and caller, within the page's filter.

It comes by the page's own connection and not in its address: a browser keeps addresses, and an
account must not be among them.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from ops.console.accounts import record_search
from ops.console.components import button, empty, html
from ops.console.forms import FormData, form, text_input
from ops.console.listing import unreadable_notices
from ops.console.loading import show_loaded
from ops.console.markup import tag
from ops.console.record_list import record_columns, record_row
from ops.console.searching import MOST_READS, Searching
from ops.console.tables import table
from ops.desk.search import BadSearch, read_wanted, search_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from markupsafe import Markup

    from chalicelib.orders.errors import FieldError
    from chalicelib.orders.record import Record
    from chalicelib.services.queries import AuditQuery
    from ops.console.view import View
    from ops.desk.newest_first import NewestFirst
    from ops.desk.search import Wanted

SHOWN = 50


class Search:
    """The fields of a search, and what it finds, in the place of the page's list."""

    def __init__(self, view: View, query: AuditQuery) -> None:
        self._view = view
        self._query = query
        t = view.t
        with ui.element("section").classes("panel search"):
            html(tag("h2", t("search.title")), tag("p", t("search.lead"), class_="muted"))
            with form(self._begin):
                fields = [text_input(name, _label(view, name)) for name in search_names()]
                apply = tag("button", t("search.apply"), class_="button primary")
                html(tag("div", *fields, apply, class_="filters"))
        self._searching: Searching | None = None
        self._found = ui.element("div").props('aria-live="polite"')
        # What a search takes the place of: the page puts its list here.
        self.listed = ui.element("div")

    async def _begin(self, data: FormData) -> None:
        given = {name: data.get(name) for name in search_names() if data.get(name)}
        try:
            wanted = read_wanted(given)
        except BadSearch as bad:
            errors = bad.errors
            self._answer(lambda: _show_errors(self._view, errors))
            return
        if not given:
            self._answer(lambda: None)
        elif await record_search(self._view, wanted, "orders (page)"):
            found = _Found(self._view, self._query, wanted)
            self._answer(lambda: self._show(found), found=True)

    def _answer(self, build: Callable[[], None], *, found: bool = False) -> None:
        """Show this and nothing of an earlier search; and the page's list, unless it is found."""
        if self._searching:
            self._searching.stop()
        self.listed.set_visibility(not found)
        self._found.clear()
        with self._found:
            build()

    def _show(self, found: _Found) -> None:
        with ui.element("div").classes("panel flush"):
            self._searching = found.searching
            show_piece = partial(self._show_piece, found)
            show_loaded(self._view, found.read_on, show_piece, found.searching.show)

    def _show_piece(self, found: _Found, piece: _Piece) -> None:
        view = self._view
        html(*unreadable_notices(view), _rows(view, piece))
        if piece.records:
            html(tag("p", view.t("search.export_hint"), class_="pages muted"))

        def go_on() -> None:
            self._answer(lambda: self._show(found), found=True)

        with ui.element("div").classes("pages"):
            words = view.t("orders.end") if piece.is_last else _how_far(view, piece)
            html(tag("span", words, class_="muted"))
            with ui.element("div").classes("row"):
                button(view.t("search.back"), lambda: self._answer(lambda: None))
                if not piece.is_last:
                    button(view.t("orders.older" if piece.records else "orders.search_on"), go_on)


class _Piece(NamedTuple):
    """Records that were found; the walk, if it has stopped; and whether these are the last."""

    records: Sequence[Record]
    stopped: NewestFirst | None
    is_last: bool


class _Found:
    """The records that are found, a piece at a time. Each piece is bounded in its reads."""

    def __init__(self, view: View, query: AuditQuery, wanted: Wanted) -> None:
        self._orders = view.console.desk.orders
        self._query = query
        self._wanted = wanted
        self.searching = Searching(view)
        self._begin()

    def read_on(self) -> _Piece:
        if self._walk.stopped_at:
            self._begin(self._walk.stopped_at)
        records = list(islice(self._records, SHOWN))
        stopped = self._walk if self._walk.stopped_at else None
        return _Piece(records, stopped, is_last=len(records) < SHOWN and stopped is None)

    def _begin(self, before: datetime | None = None) -> None:
        bounds = self.searching.bounds(before, MOST_READS)
        self._walk = self.searching.walk = self._orders.search(self._query, self._wanted, bounds)
        self._records: Iterator[Record] = iter(self._walk)


def _label(view: View, name: str) -> str:
    return view.t.or_else(f"search.{name}", view.t.label(name))


def _show_errors(view: View, errors: Iterable[FieldError]) -> None:
    wrong = [
        tag("li", _label(view, error.field), ": ", view.t.error(error)["message"])
        for error in errors
    ]
    html(tag("div", view.t("search.bad"), tag("ul", *wrong), class_="notice warn", role="alert"))


def _rows(view: View, piece: _Piece) -> Markup:
    if not piece.records:
        none = view.t("orders.none" if piece.is_last else "orders.none_yet")
        return empty(none, view.t("search.none_hint"))
    rows = [record_row(view, record) for record in piece.records]
    return table(view.t("search.found"), record_columns(view), rows)


def _how_far(view: View, piece: _Piece) -> str:
    if piece.stopped is None or piece.stopped.stopped_at is None:
        return view.t("orders.shown", count=view.f.number(len(piece.records)))
    moment = view.f.moment(piece.stopped.stopped_at)
    return view.t("search.read_to", moment=moment, reads=view.f.number(piece.stopped.reads))
