"""Edit a dead letter's text and hand it in as a new submission; the letter stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.order import parse_order
from ops.console.accounts import record_accounts_shown
from ops.console.components import button, html, notice
from ops.console.dialogs import Dialog
from ops.console.forms import FormData, form
from ops.console.loading import FAILURES, failure_words
from ops.console.markup import tag
from ops.console.records import error_sentence
from ops.console.view import order_address
from ops.desk.decisions import DecisionStands
from ops.desk.masked_records import unreadable_words

if TYPE_CHECKING:
    from chalicelib.orders.order import Order
    from chalicelib.services.intake import Receipt
    from ops.console.view import View
    from ops.desk.letters import DeadLetter


class Resubmit:
    """The dialog to do it in."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._dialog = Dialog(view.t("resubmit.title"))

    async def open(self, letter: DeadLetter) -> None:
        """Open it with the letter's whole text, account numbers included."""
        if await record_accounts_shown(self._view, f"dead letter {letter.message_id} (edit)"):
            self._dialog.open(lambda: self._build(letter))

    def _build(self, letter: DeadLetter) -> None:
        t = self._view.t
        html(tag("p", t("resubmit.hint"), class_="muted"))

        async def submitted(data: FormData) -> None:
            await self._submit(letter, data, findings)

        with form(submitted):
            html(
                tag(
                    "label",
                    tag("span", t("resubmit.text")),
                    tag("textarea", letter.message.body, name="text", spellcheck="false"),
                )
            )
            findings = ui.element("div").props('aria-live="polite"')
            with ui.element("div").classes("actions"):
                html(
                    tag(
                        "button",
                        t("resubmit.submit"),
                        name="do",
                        value="check",
                        class_="button primary",
                    )
                )
                button(t("frame.close"), self._dialog.close)

    async def _submit(self, letter: DeadLetter, data: FormData, findings: ui.element) -> None:
        text = data.raw("text").replace("\r\n", "\n")
        body, resubmissions = text.encode(), self._view.console.desk.resubmissions
        findings.clear()
        with findings:
            try:
                order = parse_order(text)
            except UnreadableOrder as error:
                html(notice(unreadable_words(error, self._view.t), "bad"))
                return
            if order.errors and data.get("do") != "anyway":
                self._show_errors(order)
                return
            try:
                receipt = await self._view.fetch(lambda: resubmissions.hand_in(letter, body))
            except DecisionStands as error:
                html(notice(self._view.t("resubmit.refused", error=str(error)), "bad"))
                return
            except FAILURES as error:
                html(
                    notice(
                        self._view.t("resubmit.failed", error=failure_words(self._view, error)),
                        "bad",
                    )
                )
                return
            self._show_receipt(receipt)

    def _show_errors(self, order: Order) -> None:
        t = self._view.t
        items = [tag("li", error_sentence(self._view, each)) for each in order.errors]
        html(tag("div", tag("p", t("resubmit.invalid")), tag("ul", *items), class_="notice warn"))
        html(tag("button", t("resubmit.anyway"), name="do", value="anyway", class_="button danger"))

    def _show_receipt(self, receipt: Receipt) -> None:
        t = self._view.t
        link = tag("a", receipt.order.id, href=order_address(receipt.order.id))
        html(
            tag(
                "div",
                tag("p", tag("strong", t("resubmit.done")), " ", link),
                tag("p", t("resubmit.stays")),
                class_="notice good",
            )
        )
