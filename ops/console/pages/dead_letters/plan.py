"""Plans: made of chosen letters or of the whole queue, shown, and confirmed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import button, facts, html
from ops.console.dialogs import Dialog
from ops.console.forms import form, text_input
from ops.console.markup import tag
from ops.console.pages.dead_letters.progress import PROGRESS_SECONDS
from ops.console.pages.dead_letters.rows import known_words, reason_words
from ops.desk.dead_letters import DEFAULT_PER_SECOND
from ops.desk.letters import Plan, Selection
from ops.desk.reasons import MAX_REASON_CHARACTERS, BadReason, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ops.console.forms import FormData
    from ops.console.markup import Child
    from ops.console.pages.dead_letters.actions import Action
    from ops.console.view import View
    from ops.desk.letters import DeadLetter


def plan_of(letters: Sequence[DeadLetter]) -> Plan:
    """Make a plan for letters that are known already, without a look through the queue."""
    ids = frozenset(letter.message_id for letter in letters)
    return Plan(
        Selection(ids),
        ids,
        Counter(letter.reason for letter in letters),
        Counter(letter.known.value for letter in letters),
    )


class PlanDialog:
    """Shows a plan, and begins its action once the operator confirms it."""

    def __init__(self, view: View, begin: Callable[[Plan, Action, FormData], None]) -> None:
        self._view = view
        self._begin = begin
        self._dialog = Dialog(view.t("dead_letters.plan"))

    def open(self, plan: Plan, action: Action) -> None:
        self._dialog.open(lambda: self._build(plan, action))

    def _build(self, plan: Plan, action: Action) -> None:
        t = self._view.t
        count = self._view.f.number(plan.count)
        html(
            tag("p", tag("strong", t(f"dead_letters.{action.name}_plan", count=count))),
            tag("p", t(f"dead_letters.{action.name}_hint"), class_="muted"),
            facts(self._counts(plan)),
        )

        def confirmed(data: FormData) -> None:
            try:
                reason_of(data.get("why"), needed=action.needs_reason)
            except BadReason as error:
                ui.notify(t(f"dead_letters.reason_{error.problem}"), type="warning")
                return
            self._dialog.close()
            self._begin(plan, action, data)

        with form(confirmed):
            html(self._reason(action), self._rate() if action.has_rate else None)
            with ui.element("div").classes("actions"):
                words = t(f"dead_letters.{action.name}_now")
                html(tag("button", words, class_=f"button {action.button}"))
                button(t("frame.cancel"), self._dialog.close)

    def _counts(self, plan: Plan) -> list[tuple[str, Child]]:
        view = self._view
        reason, known = view.t("field.reason"), view.t("dead_letters.known")
        by_words = [
            *((f"{reason}: {reason_words(view, name)}", n) for name, n in plan.by_reason.items()),
            *((f"{known}: {known_words(view, name)}", n) for name, n in plan.by_known.items()),
        ]
        return [(words, view.f.number(count)) for words, count in by_words]

    def _reason(self, action: Action) -> Child:
        words = self._view.t("dead_letters.why")
        return text_input(
            "why", words, required=action.needs_reason, maxlength=MAX_REASON_CHARACTERS
        )

    def _rate(self) -> Child:
        words, usual = self._view.t("dead_letters.rate"), f"{DEFAULT_PER_SECOND:g}"
        return text_input("rate", words, usual, type="number", min=1, max=1000)


class PlanningCancelled(Exception):
    """The operator did not wait until the whole queue was looked through."""


class Planning:
    """A dialog that says how far the look through the queue has come, and can break it off."""

    def __init__(self, view: View, dialog: Dialog) -> None:
        self._view = view
        self._found = 0
        self._cancelled = False
        self._client = ui.context.client
        self._dialog = dialog
        self._dialog.open(self._build)
        self._timer = ui.timer(PROGRESS_SECONDS, self._show)

    def count(self, _letter: DeadLetter) -> None:
        """
        Count one more letter.

        Raises:
            PlanningCancelled: the operator broke it off, or closed the page.
        """
        self._found += 1
        if self._cancelled or self._client.is_deleted:
            raise PlanningCancelled

    def end(self) -> None:
        self._timer.cancel()
        self._dialog.close()

    def _build(self) -> None:
        html(tag("p", tag("span", class_="spinner", aria_hidden="true"), self._words("planning")))
        self._line = html(tag("p", self._words("planned")))
        with ui.element("div").classes("actions"):
            button(self._view.t("frame.cancel"), self._cancel)

    def _words(self, key: str) -> str:
        return self._view.t(f"dead_letters.{key}", count=self._view.f.number(self._found))

    def _show(self) -> None:
        self._line.set_content(str(tag("p", self._words("planned"))))

    def _cancel(self) -> None:
        self._cancelled = True
