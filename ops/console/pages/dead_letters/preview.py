"""The dialog that shows one dead letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import button, facts, html
from ops.console.decisions import decision_words
from ops.console.dialogs import Dialog
from ops.console.json_text import pretty
from ops.console.loading import FAILURES, failure_words
from ops.console.markup import tag
from ops.console.pages.dead_letters.resubmit import Resubmit
from ops.console.pages.dead_letters.rows import known, reason_words
from ops.desk.letters import DETAIL_ATTRIBUTE
from ops.desk.masking import masked_payload

if TYPE_CHECKING:
    from ops.console.markup import Child
    from ops.console.view import View
    from ops.desk.letters import DeadLetter


class Preview:
    """A letter with its text, accounts masked, and the way to edit and resubmit it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._dialog = Dialog(view.t("dead_letters.preview"))
        self._resubmit = Resubmit(view)

    async def open(self, letter: DeadLetter) -> None:
        decision = await self._decision(letter)
        self._dialog.open(lambda: self._build(letter, decision))

    async def _decision(self, letter: DeadLetter) -> str:
        letters = self._view.console.desk.dead_letters
        try:
            decision = await self._view.fetch(lambda: letters.decision_on(letter))
        except FAILURES as error:
            return self._view.t("decision.unknown", error=failure_words(self._view, error))
        return decision_words(self._view, decision) if decision else "—"

    def _build(self, letter: DeadLetter, decision: str) -> None:
        t = self._view.t
        html(
            facts([*self._facts(letter), (t("decision.title"), decision)]),
            tag("pre", pretty(masked_payload(letter.message.body)), tabindex="0"),
            tag("p", t("order.masked"), class_="muted"),
        )
        with ui.element("div").classes("actions"):
            button(t("dead_letters.edit"), lambda: self._edit(letter), "button primary")
            button(t("frame.close"), self._dialog.close)

    def _facts(self, letter: DeadLetter) -> list[tuple[str, Child]]:
        t, view = self._view.t, self._view
        return [
            (t("field.reason"), reason_words(view, letter.reason)),
            (t("dead_letters.detail"), letter.written_detail(t) or "—"),
            (t("dead_letters.known"), known(view, letter)),
            (t("field.receive_count"), view.f.number(letter.message.receive_count)),
            (t("field.submission"), tag("code", letter.masked.submission_id)),
            (t("dead_letters.sent_by"), tag("code", letter.sent_by() or "—")),
            *(
                (name, tag("code", value or "—"))
                for name, value in letter.attributes().items()
                if name != DETAIL_ATTRIBUTE
            ),
        ]

    async def _edit(self, letter: DeadLetter) -> None:
        self._dialog.close()
        await self._resubmit.open(letter)
