"""The parts of a page that show a record, or a field of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.console.markup import join, tag
from ops.console.view import order_address

if TYPE_CHECKING:
    from markupsafe import Markup

    from chalicelib.orders.errors import FieldError
    from chalicelib.orders.record import Record
    from ops.console.view import View


def order_link(order_id: str) -> Markup:
    """Make the link to an order's page that the key Enter opens from its row."""
    return tag("a", order_id, href=order_address(order_id), class_="id", data_row_link="")


def outcome_kind(record: Record) -> str:
    """Name the outcome of a submission, as the texts and the colours do."""
    return "conflict" if record.differs else record.status.value.lower()


def outcome(view: View, record: Record) -> Markup:
    """Show the outcome of a submission: a word in a colour, and marks beside it."""
    kind = outcome_kind(record)
    corrected = record.is_duplicate and record.status.value == "ACCEPTED"
    return join(
        tag("span", view.t(f"outcome.{kind}"), class_=f"badge {kind}"),
        tag("span", view.t("outcome.correction"), class_="badge also") if corrected else None,
        tag("span", view.t("outcome.id_seen"), class_="badge also")
        if record.is_duplicate and record.status.value == "REJECTED"
        else None,
    )


def error_sentence(view: View, error: FieldError) -> Markup:
    """Show a broken rule of an order: the field, and what is wrong with it."""
    return join(tag("code", error.field), " ", view.t.error(error)["message"])
