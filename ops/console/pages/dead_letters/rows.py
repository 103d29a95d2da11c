"""Dead letters as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.console.components import moment
from ops.console.markup import tag
from ops.console.records import order_link
from ops.console.tables import Column

if TYPE_CHECKING:
    from datetime import datetime

    from markupsafe import Markup

    from ops.console.markup import Child
    from ops.console.view import View
    from ops.desk.letters import DeadLetter


def columns(view: View) -> list[Column]:
    """Make the headings."""
    t = view.t
    return [
        Column(t("dead_letters.choose"), hidden_heading=True),
        Column(t("field.id")),
        Column(t("field.reason")),
        Column(t("dead_letters.known")),
        Column(t("field.first_seen")),
        Column(t("field.last_seen")),
        Column(t("field.receive_count"), numeric=True),
        Column(t("dead_letters.actions"), hidden_heading=True),
    ]


def row(view: View, letter: DeadLetter) -> list[Child]:
    """Make a letter's row: with a box to choose it, and a button to look at it."""
    t = view.t
    name = letter.order_id or letter.message_id
    return [
        tag(
            "input",
            type="checkbox",
            name="letter",
            value=letter.message_id,
            aria_label=t("dead_letters.choose_one", name=name),
        ),
        order_link(letter.order_id)
        if letter.order_id
        else tag("span", t("dead_letters.no_id"), class_="muted"),
        tag("span", reason_words(view, letter.reason)),
        known(view, letter),
        _moment(view, letter.first_seen_at),
        _moment(view, letter.last_seen_at),
        view.f.number(letter.message.receive_count),
        tag(
            "button",
            t("dead_letters.look"),
            name="look",
            value=letter.message_id,
            class_="button",
            aria_label=t("dead_letters.look_at", name=name),
        ),
    ]


def reason_words(view: View, reason: str) -> str:
    """Say why a letter is in the queue."""
    return view.t.or_else(f"reason.{reason}", reason)


def known_words(view: View, known: str) -> str:
    """Write what the records know of a letter."""
    return view.t(f"known.{known.replace(' ', '_')}")


def known(view: View, letter: DeadLetter) -> Markup:
    """Show what the records know of a letter, and the outcome if there is one."""
    words = known_words(view, letter.known)
    if letter.status is None:
        return tag("span", words, class_="muted")
    status = letter.status.value.lower()
    badge = tag("span", view.t(f"outcome.{status}"), class_=f"badge {status}")
    return tag("span", words, " ", badge)


def _moment(view: View, when: datetime | None) -> Child:
    return moment(view, when) if when else "—"
