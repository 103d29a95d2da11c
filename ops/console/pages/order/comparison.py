"""The comparison of an order with its other submissions, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chalicelib.orders.terms import TERMS
from ops.console.components import moment
from ops.console.markup import Child, tag
from ops.console.records import outcome
from ops.console.tables import Column, table
from ops.console.terms import term_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from chalicelib.orders.record import Record
    from ops.console.view import View

COMPARED = 4


class Row(NamedTuple):
    """A row: its heading, what it shows of a record, and what it compares, if it does."""

    heading: str
    show: Callable[[Record], Child]
    compared: Callable[[Record], object] = lambda _: None


def comparison(
    view: View, order: Record, others: Sequence[Record], shown: Callable[[Record], Record]
) -> Markup:
    """Compare an order with its other submissions. `shown` masks a record, or lets it be."""
    t = view.t
    compared = others[:COMPARED]
    columns = [
        Column(t("order.field")),
        Column(t("order.this_one")),
        *[Column(t("order.other", number=number)) for number, _ in enumerate(compared, 1)],
    ]
    rows = [_cells(view, row, order, compared, shown) for row in _rows(view)]
    more = len(others) - len(compared)
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


def _rows(view: View) -> list[Row]:
    t = view.t
    return [
        Row(t("field.outcome"), lambda record: tag("span", outcome(view, record))),
        *(_term_row(view, name) for name in TERMS),
        Row(t("field.received_at"), lambda record: moment(view, record.received_at)),
        Row(
            t("field.sha256"),
            lambda record: tag("code", f"{record.payload_sha256[:12]}…"),
            lambda record: record.payload_sha256,
        ),
    ]


def _term_row(view: View, name: str) -> Row:
    return Row(
        view.t.label(name),
        lambda record: term_value(view, record.terms, name),
        lambda record: record.terms[name],
    )


def _cells(
    view: View,
    row: Row,
    order: Record,
    others: Sequence[Record],
    shown: Callable[[Record], Record],
) -> list[Child]:
    mark = tag("span", view.t("order.differs_here"), class_="unseen")
    cells: list[Child] = [row.heading, row.show(shown(order))]
    for other in others:
        cell = row.show(shown(other))
        # Compared as they are: two accounts that differ may look the same once they are masked.
        differ = row.compared(other) != row.compared(order)
        cells.append(tag("span", cell, mark, class_="changed") if differ else cell)
    return cells
