"""Decisions about submissions, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ops.console.view import View
    from ops.desk.decisions import Decision


def decision_words(view: View, decision: Decision) -> str:
    """Say what was decided, by whom, when and why."""
    t, decision = view.t, decision.masked
    words = t(
        f"decision.{decision.what.name.lower()}",
        order=decision.order_id,
        who=decision.who,
        at=view.f.moment(decision.at) if decision.at else "—",
    )
    return f"{words} {t('decision.why', why=decision.why)}" if decision.why else words
