"""One order: what became of every submission of it, how they differ, and its JSON."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from chalicelib.cursors import InvalidCursor
from chalicelib.orders import is_order_id
from chalicelib.queries import OrderHistory, OrderNotFound
from ops.console.components import (
    FAILURES,
    Column,
    Dialog,
    button,
    copy_button,
    empty,
    error_words,
    facts,
    html,
    loaded,
    moment,
    notice,
    outcome,
    table,
)
from ops.console.markup import Child, join, tag
from ops.desk.masking import masked, masked_text
from ops.desk.order_bucket import ObjectMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from chalicelib.submissions import Record
    from ops.console.view import View

PAGE_SIZE = 20
COMPARED = 4


class Found(NamedTuple):
    """An order, and the text of the submission that it stands for."""

    history: OrderHistory
    payload: str | None


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
            self._tools = ui.element("div").classes("tools")
        if not is_order_id(self._order_id):
            html(notice(t("orders.bad_id", id=self._order_id[:80]), "warn"))
            return
        self._dialog = Dialog(t("order.json"))
        self._reload = loaded(self._view, self._read, self._show_found)

    def _read(self) -> Found | None:
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
            return Found(history, None)

    def _show_found(self, found: Found | None) -> None:
        t = self._view.t
        self._tools.clear()
        if found is None:
            html(
                tag(
                    "div",
                    empty(t("order.unknown", id=self._order_id), t("order.unknown_hint")),
                    class_="panel",
                )
            )
            return
        with self._tools:
            self._show_tools(found)
        order = found.history.order
        html(self._summary(order))
        if found.payload is None:
            html(notice(t("order.object_missing"), "bad"))
        others = [each for each in found.history.records if each.record_id != order.record_id]
        if others:
            html(self._comparison(order, others))
        with ui.element("div").classes("columns"):
            html(self._timeline(found.history)).classes("panel")
            html(self._json(found.payload)).classes("panel")

    def _show_tools(self, found: Found) -> None:
        t = self._view.t
        if not self._accounts_shown:
            button(t("order.show_accounts"), self._show_accounts)
        if found.payload is not None:
            payload = found.payload
            button(t("order.curl"), lambda: self._show_curl(payload))
        if found.history.s3_url:
            url = found.history.s3_url
            button(t("order.s3"), lambda: self._show_object(url))

    async def _show_accounts(self) -> None:
        if await self._audited("page"):
            self._accounts_shown = True
            await self._reload()

    async def _show_curl(self, payload: str) -> None:
        if await self._audited("curl"):
            self._dialog.open(lambda: self._build_curl(payload))

    def _build_curl(self, payload: str) -> None:
        command = curl_command(self._view, payload)
        html(
            tag("p", self._view.t("order.curl_hint"), class_="muted"),
            tag("pre", command, tabindex="0"),
        )
        self._close_dialog(
            copy_button(self._view.t("order.copy"), command, self._view.t("order.copied"))
        )

    async def _show_object(self, url: str) -> None:
        if await self._audited("s3"):
            link = tag(
                "a",
                self._view.t("order.s3_open"),
                href=url,
                target="_blank",
                rel="noopener",
                class_="button primary",
            )
            self._dialog.open(lambda: self._build_object(link))

    def _build_object(self, link: Markup) -> None:
        html(tag("p", self._view.t("order.s3_hint")))
        self._close_dialog(link)

    def _close_dialog(self, first: Markup) -> None:
        with ui.element("div").classes("actions"):
            html(first)
            button(self._view.t("frame.close"), self._dialog.close)

    async def _audited(self, how: str) -> bool:
        """Write down that accounts are shown, before they are."""
        desk, where = self._view.console.desk, f"order {self._order_id} ({how})"
        try:
            await self._view.fetch(lambda: desk.accounts_shown(where))
        except FAILURES as error:
            ui.notify(self._view.t("order.not_audited", error=str(error)), type="negative")
            return False
        return True

    def _account(self, account: str | None) -> str:
        shown = account if self._accounts_shown else masked(account)
        return shown or "—"

    def _summary(self, order: Record) -> Markup:
        t, f = self._view.t, self._view.f
        age = (order.processed_at - order.received_at).total_seconds()
        pairs: list[tuple[str, Child]] = [
            (t("field.outcome"), outcome(self._view, order)),
            (t("field.amount"), f.amount(order.amount)),
            (t("field.from"), self._account(order.from_account)),
            (t("field.to"), self._account(order.to_account)),
            (t("field.channel"), t.or_else(f"channel.{order.channel}", order.channel or "—")),
            (t("field.received_at"), moment(self._view, order.received_at)),
            (t("field.processed_at"), moment(self._view, order.processed_at)),
            (t("field.age"), f.duration(age)),
        ]
        return tag("section", tag("h2", t("order.summary")), facts(pairs), class_="panel")

    def _timeline(self, history: OrderHistory) -> Markup:
        t = self._view.t
        return join(
            tag("h2", t("order.timeline"), class_="panel-title"),
            tag("ol", *[self._entry(record) for record in history.records], class_="timeline"),
            tag(
                "p",
                tag("a", t("order.later"), href=self._view.link(cursor=history.cursor)),
                class_="actions",
            )
            if history.cursor
            else None,
        )

    def _entry(self, record: Record) -> Markup:
        t, f = self._view.t, self._view.f
        age = (record.processed_at - record.received_at).total_seconds()
        notes = [
            tag("li", error_words(self._view, each.field, each.code)) for each in record.errors
        ]
        if record.differs:
            names = ", ".join(t(f"field.{FIELDS[name]}") for name in record.differs)
            notes.append(tag("li", t("order.differs", fields=names)))
        return tag(
            "li",
            tag("div", outcome(self._view, record), " ", moment(self._view, record.processed_at)),
            tag(
                "div",
                t("order.took", duration=f.duration(age), count=record.receive_count),
                class_="muted",
            ),
            tag(
                "div", t("field.submission"), " ", tag("code", record.submission_id), class_="muted"
            ),
            tag("div", t("order.by", who=record.submitted_by), class_="muted")
            if record.submitted_by
            else None,
            tag("ul", *notes) if notes else None,
            class_=f"mark-{record.status.lower()}",
        )

    def _json(self, payload: str | None) -> Markup:
        t = self._view.t
        if payload is None:
            return tag("p", t("order.object_missing"))
        shown = payload if self._accounts_shown else masked_text(payload)
        return join(
            tag("h2", t("order.json"), class_="panel-title"),
            tag("pre", pretty(shown), tabindex="0"),
            tag("p", t("order.masked"), class_="muted") if not self._accounts_shown else None,
        )

    def _comparison(self, order: Record, others: Sequence[Record]) -> Markup:
        """Field by field: the order, and its other submissions, with what differs marked."""
        t = self._view.t
        shown = others[:COMPARED]
        columns = [
            Column(t("order.field")),
            Column(t("order.this_one")),
            *[Column(t("order.other", number=number)) for number, _ in enumerate(shown, 1)],
        ]
        rows = [self._compared(name, value, order, shown) for name, value in self._values()]
        more = len(others) - len(shown)
        return tag(
            "section",
            tag("h2", t("order.comparison")),
            tag(
                "div",
                table(t("order.comparison"), columns, rows, "tight"),
                class_="scroll",
                tabindex="0",
                role="region",
                aria_label=t("order.comparison"),
            ),
            tag("p", t("order.more_others", count=more), class_="muted") if more else None,
            class_="panel",
        )

    def _values(self) -> list[tuple[str, Callable[[Record], Child]]]:
        view = self._view
        return [
            ("outcome", lambda record: tag("span", outcome(view, record))),
            ("amount", lambda record: view.f.amount(record.amount)),
            ("from", lambda record: self._account(record.from_account)),
            ("to", lambda record: self._account(record.to_account)),
            ("channel", lambda record: record.channel or "—"),
            ("received_at", lambda record: moment(view, record.received_at)),
            ("sha256", lambda record: tag("code", f"{record.payload_sha256[:12]}…")),
        ]

    def _compared(
        self, name: str, value: Callable[[Record], Child], order: Record, others: Sequence[Record]
    ) -> list[Child]:
        raw = RAW.get(name)
        cells: list[Child] = [self._view.t(f"field.{name}"), value(order)]
        for other in others:
            differs = raw is not None and getattr(other, raw) != getattr(order, raw)
            words = self._view.t("order.differs_here")
            mark = tag("span", words, class_="unseen")
            cells.append(
                tag("span", value(other), mark, class_="changed") if differs else value(other)
            )
        return cells


# The fields that can differ from the accepted submission: their names in a record's `differs`.
FIELDS = {"amount": "amount", "fromAccount": "from", "toAccount": "to", "channel": "channel"}
RAW = {
    "amount": "amount",
    "from": "from_account",
    "to": "to_account",
    "channel": "channel",
    "sha256": "payload_sha256",
}


def pretty(text: str) -> str:
    """JSON with a field a line, as it is where it is no JSON."""
    try:
        fields = json.loads(text, parse_float=_Number, parse_int=_Number)
    except ValueError:
        return text
    if not isinstance(fields, dict):
        return text
    lines = [
        f"  {json.dumps(name, ensure_ascii=False)}: {_json(value)}"
        for name, value in fields.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}"


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def _json(value: object) -> str:
    return value if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)


def curl_command(view: View, payload: str) -> str:
    """A command that hands the same order in once more, as a new submission."""
    api = view.console.api_url or '"$ORDERS_API"'
    lines = [
        f"curl -i {api}/orders",
        "-H 'Content-Type: application/json'",
        *([] if view.console.is_local else [_signing(view)]),
        f"--data-binary {shlex.quote(payload)}",
    ]
    return " \\\n     ".join(lines)


def _signing(view: View) -> str:
    region = view.console.region or "us-east-1"
    return (
        f"--aws-sigv4 aws:amz:{region}:execute-api "
        '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
        '-H "X-Amz-Security-Token: $AWS_SESSION_TOKEN"'
    )
