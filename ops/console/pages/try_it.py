"""Try it: hand in orders of every kind and watch. Not on a stage with customers' orders."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from nicegui import ui

from chalicelib.orders.terms import CHANNELS
from chalicelib.services.intake import IdempotencyKeyReused
from ops.console.components import html, notice
from ops.console.forms import FormData, form, text_input
from ops.console.loading import FAILURES, failure_words
from ops.console.markup import join, tag
from ops.console.view import order_address

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.view import View

KINDS = (
    *("valid", "invalid", "duplicate", "conflict", "replay", "reused_key", "unreadable"),
    "burst",
)
# These hand the last order in once more. Only a replay has its key.
AGAIN = ("duplicate", "conflict", "replay")
LARGEST_BURST = 1000
DEFAULT_BURST = 50


def show(view: View) -> None:
    """Build the page, unless the stage has customers' orders."""
    html(
        tag("div", tag("h1", view.t("try_it.title")), class_="heading"),
    )
    if not view.console.may_try:
        html(notice(view.t("try_it.not_here", stage=view.console.stage), "warn"))
        return
    html(tag("p", view.t("try_it.lead"), class_="lead"))
    TryItPage(view).show()


class TryItPage:
    """The page, which knows the last order that it handed in, to do it again."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._last: dict[str, Any] | None = None

    def show(self) -> None:
        t = self._view.t
        with form(self._hand_in, "tries"):
            html(
                tag(
                    "div",
                    *[self._kind(kind) for kind in KINDS if kind != "burst"],
                    class_="choices",
                ),
                tag(
                    "div",
                    text_input(
                        "count",
                        t("try_it.count", most=self._view.f.number(LARGEST_BURST)),
                        str(DEFAULT_BURST),
                        type="number",
                        min=1,
                        max=LARGEST_BURST,
                    ),
                    tag("button", t("try_it.burst"), name="do", value="burst", class_="button"),
                    tag("span", t("try_it.burst_hint"), class_="muted"),
                    class_="panel row burst",
                ),
            )
        with ui.element("section").classes("panel"):
            html(tag("h2", t("try_it.results")))
            self._results = ui.element("ol").classes("results").props('aria-live="polite"')
            self._none = html(tag("p", t("try_it.none"), class_="muted"))

    def _kind(self, kind: str) -> Markup:
        return tag(
            "button",
            tag("strong", self._view.t(f"try_it.{kind}")),
            tag("span", self._view.t(f"try_it.{kind}_hint"), class_="muted"),
            name="do",
            value=kind,
            class_="choice",
        )

    async def _hand_in(self, data: FormData) -> None:
        kind = data.get("do")
        try:
            words = await self._result(kind, data.get("count"))
        except FAILURES as error:
            words = tag(
                "span", self._view.t("try_it.failed", error=failure_words(self._view, error))
            )
        self._none.set_visibility(False)
        with self._results:
            line = html(words, element="li")
        line.move(self._results, 0)

    async def _result(self, kind: str, count: str) -> Markup:
        if kind == "burst":
            wanted = min(max(1, int(count) if count.isdigit() else DEFAULT_BURST), LARGEST_BURST)
            await self._view.fetch(lambda: self._burst(wanted))
            return tag("span", self._view.t("try_it.did_burst", count=self._view.f.number(wanted)))
        if kind == "unreadable":
            await self._view.fetch(self._put_unreadable)
            link = tag("a", self._view.t("dead_letters.title"), href="/dead-letters")
            return join(self._view.t("try_it.did_unreadable"), " ", link)
        if kind == "reused_key":
            return await self._reuse_key()
        order = self._order(kind)
        key = None if kind in ("duplicate", "conflict") else order["id"]
        await self._view.fetch(lambda: self._submit(order, key))
        return self._did(kind, order["id"])

    async def _reuse_key(self) -> Markup:
        """Hand another order in under the last one's key: it is refused, unless nobody can tell."""
        first, other = self._first(), self._made_up()
        try:
            await self._view.fetch(lambda: self._submit(other, first["id"]))
        except IdempotencyKeyReused as refused:
            return self._did("reused_key", refused.order_id)
        return self._did("valid", other["id"])

    def _did(self, kind: str, order_id: str) -> Markup:
        link = tag("a", order_id, href=order_address(order_id), class_="id")
        return join(self._view.t(f"try_it.did_{kind}"), " ", link)

    def _first(self) -> dict[str, Any]:
        """Return the last order that was handed in; if there is none, hand one in."""
        if self._last is None:
            self._last = self._made_up()
            self._submit(self._last, self._last["id"])
        return self._last

    def _order(self, kind: str) -> dict[str, Any]:
        if kind in AGAIN:
            first = self._first()
            return {**first, "amount": first["amount"] + 1} if kind == "conflict" else first
        order = self._made_up()
        if kind == "invalid":
            return {**order, "amount": -1, "toAccount": order["fromAccount"], "channel": "fax"}
        self._last = order
        return order

    def _made_up(self) -> dict[str, Any]:
        return {
            "id": f"try-{secrets.token_hex(4)}",
            "amount": secrets.randbelow(500_000) / 100 + 1,
            "fromAccount": str(10_000_000 + secrets.randbelow(10_000_000)),
            "toAccount": str(20_000_000 + secrets.randbelow(10_000_000)),
            "channel": secrets.choice(CHANNELS),
        }

    def _burst(self, count: int) -> None:
        """Hand in mostly valid orders, and every so often one of the others."""
        for number in range(count):
            order = self._made_up()
            if number % 9 == 8:  # noqa: PLR2004
                order["amount"] = 0
            self._submit(order)
            if number % 11 == 10:  # noqa: PLR2004
                self._submit({**order, "amount": 7})

    def _submit(self, order: dict[str, Any], key: str | None = None) -> None:
        """Hand an order in. The id of a made-up order serves as its key, too."""
        body = json.dumps(order).encode()
        self._view.console.desk.orders.submit(body, idempotency_key=key)

    def _put_unreadable(self) -> None:
        """Put a message straight on the queue, as a channel could: the API would refuse it."""
        stage = self._view.console.desk.stage
        stage.sqs.send_message(
            QueueUrl=stage.settings.queue_url, MessageBody='{"id": "try-broken", "amount": 12'
        )
