"""Submissions of an order that operators put away: they have no record, and here is why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.console.components import notice
from ops.console.decisions import decision_words
from ops.console.markup import join
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from ops.console.view import View
    from ops.desk.decisions import Decision
    from ops.desk.order_table import Identity


def put_away(view: View, decisions: Sequence[tuple[Identity, Decision]]) -> Markup | None:
    """Say of each submission that was put away who decided it, when and why."""
    if not decisions:
        return None
    return join(
        *(
            notice(
                view.t(
                    "decision.of",
                    submission=masked_text(identity.submission_id),
                    decision=decision_words(view, decision),
                ),
                "info",
            )
            for identity, decision in decisions
        )
    )
