"""The tools of an order's page. Each shows account numbers, so each is audited first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.accounts import record_accounts_shown
from ops.console.components import button, copy_button, html
from ops.console.dialogs import Dialog
from ops.console.markup import tag
from ops.console.pages.order.curl import curl_command, read_command

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from markupsafe import Markup

    from chalicelib.orders.record import Record
    from ops.console.view import View


class Tools:
    """Buttons that show the accounts on the page, a command to copy, or the archived object."""

    def __init__(
        self, view: View, order_id: str, show_accounts: Callable[[], Awaitable[None]]
    ) -> None:
        self._view = view
        self._order_id = order_id
        self._show_accounts = show_accounts
        self._dialog = Dialog(view.t("order.json"))

    def show(
        self, record: Record, *, masked: bool, payload: str | None, s3_url: str | None
    ) -> None:
        """Show the buttons that apply. `masked` says that the page hides the accounts."""
        t = self._view.t
        if masked:
            button(t("order.show_accounts"), self._unmask)
        if payload is not None:
            button(t("order.curl"), lambda: self._show_curl(payload, record))
        if s3_url:
            button(t("order.s3"), lambda: self._show_object(s3_url))

    async def _unmask(self) -> None:
        if await self._record("page"):
            await self._show_accounts()

    async def _show_curl(self, payload: str, record: Record) -> None:
        if await self._record("curl"):
            self._dialog.open(lambda: self._build_curl(payload, record))

    async def _show_object(self, url: str) -> None:
        if await self._record("s3"):
            self._dialog.open(lambda: self._build_object(url))

    async def _record(self, how: str) -> bool:
        return await record_accounts_shown(self._view, f"order {self._order_id} ({how})")

    def _build_curl(self, payload: str, record: Record) -> None:
        t = self._view.t
        command = curl_command(self._view, payload)
        html(tag("p", t("order.curl_hint"), class_="muted"), tag("pre", command, tabindex="0"))
        read = read_command(self._view, record)
        html(tag("p", t("order.curl_read"), class_="muted"), tag("pre", read, tabindex="0"))
        self._add_actions(copy_button(t("order.copy"), command, t("order.copied")))

    def _build_object(self, url: str) -> None:
        t = self._view.t
        link = tag(
            "a",
            t("order.s3_open"),
            href=url,
            target="_blank",
            rel="noopener",
            class_="button primary",
        )
        html(tag("p", t("order.s3_hint")))
        self._add_actions(link)

    def _add_actions(self, first: Markup) -> None:
        with ui.element("div").classes("actions"):
            html(first)
            button(self._view.t("frame.close"), self._dialog.close)
