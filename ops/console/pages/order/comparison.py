"""The comparison of an order with its other submissions, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.console.components import moment
from ops.console.markup import Child, tag
from ops.console.records import outcome
from ops.console.tables import Column, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from chalicelib.submissions import Record
    from ops.console.view import View

COMPARED = 4
# The fields that are compared, and the record's attribute of each.
RAW = {
    "amount": "amount",
    "from": "from_account",
    "to": "to_account",
    "channel": "channel",
    "sha256": "payload_sha256",
}


def comparison(
    view: View, order: Record, others: Sequence[Record], account: Callable[[str | None], str]
) -> Markup:
    """Compare an order with its other submissions. `account` masks an account, or shows it."""
    t = view.t
    shown = others[:COMPARED]
    columns = [
        Column(t("order.field")),
        Column(t("order.this_one")),
        *[Column(t("order.other", number=number)) for number, _ in enumerate(shown, 1)],
    ]
    rows = [_row(view, name, show, order, shown) for name, show in _fields(view, account)]
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


def _fields(
    view: View, account: Callable[[str | None], str]
) -> list[tuple[str, Callable[[Record], Child]]]:
    return [
        ("outcome", lambda record: tag("span", outcome(view, record))),
        ("amount", lambda record: view.f.amount(record.amount)),
        ("from", lambda record: account(record.from_account)),
        ("to", lambda record: account(record.to_account)),
        ("channel", lambda record: record.channel or "—"),
        ("received_at", lambda record: moment(view, record.received_at)),
        ("sha256", lambda record: tag("code", f"{record.payload_sha256[:12]}…")),
    ]


def _row(
    view: View,
    name: str,
    show: Callable[[Record], Child],
    order: Record,
    others: Sequence[Record],
) -> list[Child]:
    mark = tag("span", view.t("order.differs_here"), class_="unseen")
    cells: list[Child] = [view.t(f"field.{name}"), show(order)]
    for other in others:
        changed = _differ(name, order, other)
        cells.append(tag("span", show(other), mark, class_="changed") if changed else show(other))
    return cells


def _differ(name: str, order: Record, other: Record) -> bool:
    raw = RAW.get(name)
    return raw is not None and getattr(other, raw) != getattr(order, raw)
