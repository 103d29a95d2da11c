"""The page of one order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from chalicelib.orders.order import is_order_id
from chalicelib.services.cursors import InvalidCursor
from chalicelib.services.queries import OrderHistory, OrderNotFound
from ops.console.components import empty, html, notice
from ops.console.json_text import pretty
from ops.console.loading import show_loaded
from ops.console.markup import join, tag
from ops.console.pages.order.comparison import comparison
from ops.console.pages.order.put_away import put_away
from ops.console.pages.order.summary import summary
from ops.console.pages.order.timeline import timeline
from ops.console.pages.order.tools import Tools
from ops.desk.masked_records import masked_record
from ops.desk.masking import masked_payload, masked_text
from ops.desk.object_failures import ObjectMissing, ObjectUnreadable, PayloadAltered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from chalicelib.orders.record import Record
    from ops.console.view import View
    from ops.desk.decisions import Decision
    from ops.desk.order_table import Identity

PAGE_SIZE = 20


class Found(NamedTuple):
    """An order, and the text of the submission that it stands for, or why it is not shown."""

    history: OrderHistory
    payload: str | None
    trouble: str = ""


class Known(NamedTuple):
    """All that is known of an order: what is recorded, and what was put away instead."""

    found: Found | None
    put_away: Sequence[tuple[Identity, Decision]]


def show(view: View) -> None:
    """Build the page of the order that the address names."""
    order_id = view.path_parameters["order_id"]
    OrderPage(view, order_id).show()


class OrderPage:
    """The page, which knows whether its reader has asked to see the accounts."""

    def __init__(self, view: View, order_id: str) -> None:
        self._view = view
        self._order_id = order_id
        self._accounts_shown = False

    def show(self) -> None:
        t = self._view.t
        with ui.element("div").classes("heading"):
            html(tag("h1", t("order.title"), " ", tag("code", self._order_id)))
            self._tools_area = ui.element("div").classes("tools")
        if not is_order_id(self._order_id):
            html(notice(t("orders.bad_id", id=self._order_id[:80]), "warn"))
            return
        self._tools = Tools(self._view, self._order_id, self._show_accounts)
        self._reload = show_loaded(self._view, self._read, self._show_known)

    async def _show_accounts(self) -> None:
        self._accounts_shown = True
        await self._reload()

    def _read(self) -> Known:
        decisions = self._view.console.desk.decisions
        return Known(self._recorded(), decisions.of_order(self._order_id))

    def _recorded(self) -> Found | None:
        orders = self._view.console.desk.orders
        cursor = self._view.parameters.get("cursor")
        try:
            history = orders.show(self._order_id, cursor, PAGE_SIZE)
        except InvalidCursor:
            history = orders.show(self._order_id, None, PAGE_SIZE)
        except OrderNotFound:
            return None
        try:
            return Found(history, orders.payload(history.order))
        except ObjectMissing:
            command = self._view.console.desk.stage.command("reconcile")
            return Found(history, None, self._view.t("order.object_missing", command=command))
        except ObjectUnreadable as error:
            unreadable = self._view.t("order.object_unreadable", reason=masked_text(str(error)))
            return Found(history, None, unreadable)
        except PayloadAltered as error:
            fact = masked_text(str(error))
            command = self._view.console.desk.stage.command("reconcile", repair=True)
            altered = self._view.t("order.altered", fact=fact, command=command)
            return Found(history, None, altered)

    def _show_known(self, known: Known) -> None:
        html(put_away(self._view, known.put_away))
        self._show_found(known.found)

    def _show_found(self, found: Found | None) -> None:
        self._tools_area.clear()
        if found is None:
            t = self._view.t
            unknown = empty(t("order.unknown", id=self._order_id), t("order.unknown_hint"))
            html(tag("div", unknown, class_="panel"))
            return
        with self._tools_area:
            self._tools.show(
                found.history.order,
                masked=not self._accounts_shown,
                payload=found.payload,
                # Not to what is no order's text.
                s3_url=found.history.s3_url if found.payload is not None else None,
            )
        self._show_order(found)

    def _show_order(self, found: Found) -> None:
        order = found.history.order
        html(summary(self._view, self._shown(order)))
        if found.payload is None:
            html(notice(found.trouble, "bad"))
        others = [each for each in found.history.records if each.record_id != order.record_id]
        if others:
            html(comparison(self._view, order, others, self._shown))
        with ui.element("div").classes("columns"):
            html(timeline(self._view, found.history, self._shown)).classes("panel")
            html(self._json(found)).classes("panel")

    def _shown(self, record: Record) -> Record:
        return record if self._accounts_shown else masked_record(record)

    def _json(self, found: Found) -> Markup:
        t, payload = self._view.t, found.payload
        if payload is None:
            return tag("p", found.trouble)
        shown = payload if self._accounts_shown else masked_payload(payload)
        return join(
            tag("h2", t("order.json"), class_="panel-title"),
            tag("pre", pretty(shown), tabindex="0"),
            tag("p", t("order.masked"), class_="muted") if not self._accounts_shown else None,
        )
