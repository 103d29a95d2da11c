"""The dialog that shows one dead letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import button, facts, html
from ops.console.dialogs import Dialog
from ops.console.json_text import pretty
from ops.console.markup import tag
from ops.console.pages.dead_letters.resubmit import Resubmit
from ops.console.pages.dead_letters.rows import known, reason_words
from ops.desk.letters import DETAIL_ATTRIBUTE
from ops.desk.masking import masked_text

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

    def open(self, letter: DeadLetter) -> None:
        self._dialog.open(lambda: self._build(letter))

    def _build(self, letter: DeadLetter) -> None:
        t = self._view.t
        html(
            facts(self._facts(letter)),
            tag("pre", pretty(masked_text(letter.message.body)), tabindex="0"),
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
            (t("field.submission"), tag("code", letter.submission_id)),
            *(
                (name, tag("code", value or "—"))
                for name, value in letter.attributes().items()
                if name != DETAIL_ATTRIBUTE
            ),
        ]

    async def _edit(self, letter: DeadLetter) -> None:
        self._dialog.close()
        await self._resubmit.open(letter)
