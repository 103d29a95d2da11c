"""The page of the dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import empty, heading, html
from ops.console.dialogs import Dialog
from ops.console.forms import filters, select, text_input
from ops.console.jobs import Job, JobRunning
from ops.console.listing import Listing, show_list
from ops.console.loading import FAILURES, failure_words, notify_failure
from ops.console.markup import join, tag
from ops.console.pages.dead_letters.actions import ACTIONS, DISCARD, REDRIVE
from ops.console.pages.dead_letters.look import SHOWN, SINCE_HOURS, look, selection_of
from ops.console.pages.dead_letters.plan import PlanDialog, Planning, PlanningCancelled, plan_of
from ops.console.pages.dead_letters.preview import Preview
from ops.console.pages.dead_letters.progress import Progress
from ops.console.pages.dead_letters.rows import columns, reason_words, row
from ops.desk.letter_reasons import REASONS
from ops.desk.letters import DeadLetter, Plan, Selection

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.forms import FormData
    from ops.console.pages.dead_letters.actions import Action
    from ops.console.pages.dead_letters.look import Seen
    from ops.console.view import View

REDRIVE_ALL = "redrive-all"


def show(view: View) -> None:
    """Build the page."""
    DeadLettersPage(view).show()


class DeadLettersPage:
    """The page, and the letters that it shows at the moment."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._selection = selection_of(view)
        self._filtered = self._selection != Selection()
        self._letters: dict[str, DeadLetter] = {}
        self._client = ui.context.client

    def show(self) -> None:
        t = self._view.t
        html(
            heading(t("dead_letters.title"), t("dead_letters.lead")),
            tag("div", self._filters(), class_="panel"),
        )
        self._progress = Progress(self._view, self._after_job)
        self._plan_dialog = PlanDialog(self._view, self._begin)
        self._planning_dialog = Dialog(t("dead_letters.plan"))
        self._preview = Preview(self._view)
        self._reload = show_list(self._view, self._read, self._act)

    async def _after_job(self) -> None:
        await self._reload()

    def _filters(self) -> Markup:
        view, t = self._view, self._view.t
        return filters(
            view,
            text_input(
                "order",
                t("field.id"),
                view.parameters.get("order", ""),
                placeholder="order-001",
                data_search="",
            ),
            select(
                view,
                "reason",
                t("field.reason"),
                [(name, reason_words(view, name)) for name in REASONS],
            ),
            select(
                view,
                "since",
                t("field.last_seen"),
                [(name, t(f"dead_letters.since_{name}")) for name in SINCE_HOURS],
            ),
        )

    def _read(self) -> Listing:
        view, t = self._view, self._view.t
        thorough = "thorough" in view.parameters
        seen = look(
            view.console.desk.dead_letters,
            self._selection,
            thorough=thorough,
            wanted=lambda: not self._client.is_deleted,
        )
        self._letters = {letter.message_id: letter for letter in seen.letters}
        none = "none_match" if self._filtered or seen.depth or seen.hidden.count else "none"
        return Listing(
            t("dead_letters.title"),
            columns(view),
            [row(view, letter) for letter in seen.letters],
            none=empty(t(f"dead_letters.{none}"), t(f"dead_letters.{none}_hint")),
            above=self._tools(seen) if seen.letters else None,
            below=join(self._rest(seen) if seen.more else None, self._hidden(seen)) or None,
        )

    def _tools(self, seen: Seen) -> Markup:
        t, f = self._view.t, self._view.f
        shown = t(
            "dead_letters.shown", shown=f.number(len(seen.letters)), depth=f.number(seen.depth)
        )
        every = "dead_letters.redrive_matching" if self._filtered else "dead_letters.redrive_all"
        buttons = tag(
            "span",
            self._button(REDRIVE),
            self._button(DISCARD),
            tag("button", t(every), name="do", value=REDRIVE_ALL, class_="button"),
            class_="row",
        )
        chooser = tag(
            "label",
            tag("input", type="checkbox", data_chooses="letter"),
            tag("span", t("dead_letters.choose_all")),
            class_="check pages",
        )
        return join(tag("div", tag("strong", shown), buttons, class_="pages spread"), chooser)

    def _button(self, action: Action) -> Markup:
        words = self._view.t(f"dead_letters.{action.name}")
        classes = f"button {action.button}"
        return tag("button", words, name="do", value=action.name, class_=classes)

    def _rest(self, seen: Seen) -> Markup | None:
        """Say that only a part of a long queue was looked through: all of it takes minutes."""
        t, f = self._view.t, self._view.f
        if not self._filtered:
            words = t("dead_letters.more", count=f.number(SHOWN))
            return tag("p", words, class_="pages muted") if seen.letters else None
        if len(seen.letters) == SHOWN:
            return None
        words = t("dead_letters.part", looked=f.number(seen.looked), depth=f.number(seen.depth))
        thorough = self._view.link(thorough="yes")
        link = tag("a", t("dead_letters.thorough"), href=thorough, class_="button")
        return tag("div", tag("span", words), link, class_="pages")

    def _hidden(self, seen: Seen) -> Markup | None:
        """Say how many letters could not be looked at: without it, a part would pass for all."""
        t, f = self._view.t, self._view.f
        if not seen.hidden.count:
            return None
        count, until = f.number(seen.hidden.count), f.moment(seen.hidden.until)
        return tag("p", t("dead_letters.hidden", count=count, until=until), class_="pages")

    async def _act(self, data: FormData) -> None:
        looked_at = self._letters.get(data.get("look"))
        if looked_at:
            await self._preview.open(looked_at)
        elif data.get("do") == REDRIVE_ALL:
            await self._redrive_all()
        elif chosen := [self._letters[it] for it in data.all("letter") if it in self._letters]:
            self._plan_dialog.open(plan_of(chosen), ACTIONS[data.get("do")])
        else:
            ui.notify(self._view.t("dead_letters.none_chosen"), type="warning")

    async def _redrive_all(self) -> None:
        """Plan to redrive all that the filter takes: the whole queue is looked through first."""
        letters = self._view.console.desk.dead_letters
        planning = Planning(self._view, self._planning_dialog)
        try:
            plan = await self._view.fetch(lambda: letters.plan(self._selection, planning.count))
        except PlanningCancelled:
            return
        except FAILURES as error:
            why = failure_words(self._view, error)
            notify_failure(self._view, self._view.t("dead_letters.planning_failed", error=why))
            return
        finally:
            planning.end()
        self._plan_dialog.open(plan, REDRIVE)

    def _begin(self, plan: Plan, action: Action, confirmed: FormData) -> None:
        letters = self._view.console.desk.dead_letters
        job = Job(action.name, plan.count, lambda: action.handle(letters, plan, confirmed))
        try:
            self._view.console.jobs.start(job)
        except JobRunning:
            ui.notify(self._view.t("dead_letters.job_running"), type="warning")
        self._progress.watch()
