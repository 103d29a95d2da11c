"""The summary of an order: what became of it, and its terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.orders.terms import TERMS
from ops.console.components import facts, moment
from ops.console.markup import Child, tag
from ops.console.records import outcome
from ops.console.terms import term_value

if TYPE_CHECKING:
    from markupsafe import Markup

    from chalicelib.orders.record import Record
    from ops.console.view import View


def summary(view: View, order: Record) -> Markup:
    """Show the order that stands, as its record is to be shown."""
    t = view.t
    age = (order.processed_at - order.received_at).total_seconds()
    pairs: list[tuple[str, Child]] = [
        (t("field.outcome"), outcome(view, order)),
        *((t.label(name), term_value(view, order.terms, name)) for name in TERMS),
        (t("field.received_at"), moment(view, order.received_at)),
        (t("field.processed_at"), moment(view, order.processed_at)),
        (t("field.age"), view.f.duration(age)),
    ]
    if order.trace_id:
        pairs.append((t("field.trace"), tag("code", order.trace_id)))
    return tag("section", tag("h2", t("order.summary")), facts(pairs), class_="panel")
