"""The lines of what was handed in: what it was, and the verdict on it as far as it is known."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chalicelib.orders.record import Record, Status
from ops.console.markup import join, tag
from ops.console.pages.dead_letters.rows import reason_words
from ops.console.records import error_sentence, order_link, outcome, outcome_kind
from ops.console.terms import differing_terms
from ops.console.view import address
from ops.desk.letters import DeadLetter
from ops.desk.masked_records import masked_record

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.pages.try_it.made_up import Handed
    from ops.console.view import View

# A queue that is read hands an order on within a second.
LONG_SECONDS = 10.0


def line(view: View, handed: Handed) -> Markup:
    """Show what was handed in, with a link to it, and the verdict."""
    words = view.t(f"try_it.did_{handed.kind}")
    link = order_link(handed.order_id) if handed.order_id else None
    return join(
        tag(
            "div",
            tag("span", _badges(view, handed), class_="state"),
            tag("span", words, " ", link),
            tag("span", _remark(view, handed), class_="muted"),
            class_="row",
        ),
        _reasons(view, handed),
    )


def verdict_words(view: View, handed: Handed) -> str | None:
    """Name the verdict; None while it is not known."""
    found = handed.followed
    if found is None:
        return view.t("try_it.refused")
    match found.outcome:
        case Record() as record:
            return view.t(f"outcome.{outcome_kind(record)}")
        case DeadLetter():
            return view.t("try_it.dead_letter")
        case _:
            return None


def _badges(view: View, handed: Handed) -> Markup:
    found = handed.followed
    if found and isinstance(found.outcome, Record):
        return outcome(view, found.outcome)
    if words := verdict_words(view, handed):
        return tag("span", words, class_="badge fail")
    if found and time.monotonic() - found.since > LONG_SECONDS:
        return tag("span", view.t("try_it.waiting"), class_="badge warn")
    return tag("span", view.t("try_it.queued"), class_="badge")


def _remark(view: View, handed: Handed) -> Markup | str | None:
    """Say how long it took; of a dead letter, why it is one, with a link to it."""
    found = handed.followed.outcome if handed.followed else None
    if isinstance(found, Record):
        age = (found.processed_at - found.received_at).total_seconds()
        return view.t("order.took", duration=view.f.duration(age), count=found.receive_count)
    if isinstance(found, DeadLetter):
        to = address("/dead-letters", {"order": found.order_id, "reason": found.reason})
        return join(
            reason_words(view, found.reason), ". ", tag("a", view.t("try_it.look"), href=to)
        )
    return None


def _reasons(view: View, handed: Handed) -> Markup | None:
    """List the rules that it broke, or where it differs from the accepted order."""
    found = handed.followed.outcome if handed.followed else None
    if not isinstance(found, Record):
        return None
    record = masked_record(found)
    reasons = [tag("li", error_sentence(view, each)) for each in record.errors]
    if record.differs:
        reasons.append(tag("li", view.t("order.differs", fields=differing_terms(view, record))))
    elif record.status is Status.DUPLICATE:
        reasons.append(tag("li", view.t("try_it.same")))
    return tag("ul", *reasons) if reasons else None
