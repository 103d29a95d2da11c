"""The timeline of an order: its submissions, oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.console.components import moment
from ops.console.markup import join, tag
from ops.console.records import error_sentence, outcome
from ops.console.terms import differing_terms, value_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup

    from chalicelib.orders.record import Record
    from chalicelib.services.queries import OrderHistory
    from ops.console.view import View


def timeline(view: View, history: OrderHistory, shown: Callable[[Record], Record]) -> Markup:
    """Show a page of an order's history, with a link to the next one. `shown` masks a record."""
    t = view.t
    later = tag("a", t("order.later"), href=view.link(cursor=history.cursor))
    return join(
        tag("h2", t("order.timeline"), class_="panel-title"),
        tag("ol", *[_entry(view, shown(record)) for record in history.records], class_="timeline"),
        tag("p", later, class_="actions") if history.cursor else None,
    )


def _entry(view: View, record: Record) -> Markup:
    t, f = view.t, view.f
    age = (record.processed_at - record.received_at).total_seconds()
    took = t("order.took", duration=f.duration(age), count=record.receive_count)
    submission = join(t("field.submission"), " ", tag("code", record.submission_id))
    by = t("order.by", who=record.submitted_by) if record.submitted_by else None
    notes = _notes(view, record)
    return tag(
        "li",
        tag("div", outcome(view, record), " ", moment(view, record.processed_at)),
        tag("div", took, class_="muted"),
        tag("div", submission, class_="muted"),
        tag("div", by, class_="muted") if by else None,
        tag("ul", *notes) if notes else None,
        class_=f"mark-{record.status.lower()}",
    )


def _notes(view: View, record: Record) -> list[Markup]:
    notes = [tag("li", error_sentence(view, each)) for each in record.errors]
    if record.differs:
        words = view.t("order.differs", fields=differing_terms(view, record))
        notes.append(tag("li", words))
    if record.message_channel:
        name = value_words(view, "channel", record.message_channel)
        notes.append(tag("li", view.t("order.message_channel", channel=name)))
    if record.sent_by:
        notes.append(tag("li", view.t("order.sent_by", who=record.sent_by)))
    if record.ignored_attributes:
        names = ", ".join(record.ignored_attributes)
        notes.append(tag("li", view.t("order.ignored", names=names)))
    return notes
