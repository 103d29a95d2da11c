"""Dead letters: what is in the queue and why, and what can be done about it."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from nicegui import ui

from chalicelib.orders import is_order_id
from ops.console.components import (
    FAILURES,
    Column,
    Dialog,
    FormData,
    button,
    empty,
    facts,
    form,
    html,
    loaded,
    moment,
    select,
    table,
    text_input,
)
from ops.console.jobs import Job, JobRunning
from ops.console.markup import Child, join, tag
from ops.console.pages.order import pretty
from ops.console.pages.resubmit import Resubmit
from ops.console.view import order_address
from ops.desk.dead_letters import DEFAULT_PER_SECOND, REASONS, DeadLetter, Plan, Selection
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from markupsafe import Markup

    from ops.console.view import View
    from ops.desk.dead_letters import Handled

SHOWN = 100
# A filter that hardly any letter meets would otherwise go through the whole queue.
LOOKED_AT = 1000
SINCE_HOURS = ("1", "24", "168")
PROGRESS_SECONDS = 0.4


class Seen(NamedTuple):
    """What a look at the queue found, going through so many of about `depth` letters."""

    letters: Sequence[DeadLetter]
    looked: int
    depth: int

    @property
    def more(self) -> bool:
        return self.looked < self.depth


def show(view: View) -> None:
    """Build the page."""
    DeadLettersPage(view).show()


def selection_of(view: View) -> Selection:
    """The filter that an address has; what can't be used of it is left out."""
    given = view.parameters
    hours = given.get("since", "")
    order_id = given.get("order", "").strip()
    return Selection(
        reason=given.get("reason"),
        order_id=order_id if is_order_id(order_id) else None,
        since=view.now() - timedelta(hours=int(hours)) if hours in SINCE_HOURS else None,
    )


class DeadLettersPage:
    """The page, and the letters that it shows at the moment."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._selection = selection_of(view)
        self._thorough = "thorough" in view.parameters
        self._letters: dict[str, DeadLetter] = {}

    def show(self) -> None:
        t = self._view.t
        html(
            tag("div", tag("h1", t("dead_letters.title")), class_="heading"),
            tag("p", t("dead_letters.lead"), class_="lead"),
            tag("div", self._filters(), class_="panel"),
        )
        self._progress = Progress(self._view, self._after_job)
        self._plan_dialog = Dialog(t("dead_letters.plan"))
        self._planning_dialog = Dialog(t("dead_letters.plan"))
        self._preview_dialog = Dialog(t("dead_letters.preview"))
        self._resubmit = Resubmit(self._view)
        with ui.element("div").classes("panel flush"):
            self._reload = loaded(self._view, self._look, self._show_seen)

    async def _after_job(self) -> None:
        await self._reload()

    def _filters(self) -> Markup:
        t, given = self._view.t, self._view.parameters
        reasons = [(name, t.or_else(f"reason.{name}", name)) for name in REASONS]
        hours = [(name, t(f"dead_letters.since_{name}")) for name in SINCE_HOURS]
        return tag(
            "form",
            text_input(
                "order",
                t("field.id"),
                given.get("order", ""),
                placeholder="order-001",
                data_search="",
            ),
            select(
                "reason",
                t("field.reason"),
                [("", t("orders.any")), *reasons],
                given.get("reason", ""),
            ),
            select(
                "since",
                t("field.last_seen"),
                [("", t("orders.any")), *hours],
                given.get("since", ""),
            ),
            tag("button", t("orders.apply"), class_="primary"),
            class_="filters",
            role="search",
            action="/dead-letters",
        )

    def _look(self) -> Seen:
        letters = self._view.console.desk.dead_letters
        depth = letters.depths()["deadLetters"]
        found: list[DeadLetter] = []
        looked = 0
        # All are looked at, and those that the filter leaves out are counted too: a look must end.
        with closing(letters.look()) as looking:
            for letter in looking:
                looked += 1
                if self._selection.takes(letter):
                    found.append(letter)
                if len(found) == SHOWN or (looked == LOOKED_AT and not self._thorough):
                    break
        found.sort(key=_last_seen, reverse=True)
        return Seen(found, looked, max(depth, looked))

    def _show_seen(self, seen: Seen) -> None:
        t, f = self._view.t, self._view.f
        self._letters = {letter.message_id: letter for letter in seen.letters}
        filtered = self._selection != Selection()
        if not seen.letters:
            words = "none_match" if filtered or seen.depth else "none"
            html(empty(t(f"dead_letters.{words}"), t(f"dead_letters.{words}_hint")))
            html(self._search_on(seen) if filtered and seen.more else None)
            return
        with form(self._act):
            html(
                tag(
                    "div",
                    tag(
                        "strong",
                        t(
                            "dead_letters.shown",
                            shown=f.number(len(seen.letters)),
                            depth=f.number(seen.depth),
                        ),
                    ),
                    self._actions(seen, filtered=filtered),
                    class_="pages spread",
                ),
                self._table(seen.letters),
            )
        if seen.more and filtered:
            html(self._search_on(seen))
        elif seen.more:
            html(tag("p", t("dead_letters.more", count=f.number(SHOWN)), class_="pages muted"))

    def _search_on(self, seen: Seen) -> Markup | None:
        """Part of a long queue was looked through; all of it takes a minute or two."""
        if len(seen.letters) == SHOWN:
            return None
        t, f = self._view.t, self._view.f
        words = t("dead_letters.part", looked=f.number(seen.looked), depth=f.number(seen.depth))
        link = tag(
            "a", t("dead_letters.thorough"), href=self._view.link(thorough="yes"), class_="button"
        )
        return tag("div", tag("span", words), link, class_="pages")

    def _actions(self, seen: Seen, *, filtered: bool) -> Markup:
        t = self._view.t
        every = "dead_letters.redrive_matching" if filtered else "dead_letters.redrive_all"
        return tag(
            "span",
            tag(
                "button",
                t("dead_letters.redrive"),
                name="do",
                value="redrive",
                class_="button primary",
            ),
            tag(
                "button",
                t("dead_letters.discard"),
                name="do",
                value="discard",
                class_="button danger",
            ),
            tag("button", t(every), name="do", value="redrive-all", class_="button")
            if seen.letters
            else None,
            class_="row",
        )

    def _table(self, letters: Sequence[DeadLetter]) -> Markup:
        t = self._view.t
        columns = [
            Column(t("dead_letters.choose"), hidden_heading=True),
            Column(t("field.id")),
            Column(t("field.reason")),
            Column(t("dead_letters.known")),
            Column(t("field.first_seen")),
            Column(t("field.last_seen")),
            Column(t("field.receive_count"), numeric=True),
            Column(t("dead_letters.actions"), hidden_heading=True),
        ]
        chooser = tag(
            "label",
            tag("input", type="checkbox", data_chooses="letter"),
            tag("span", t("dead_letters.choose_all")),
            class_="check pages",
        )
        return join(chooser, table(t("dead_letters.title"), columns, map(self._row, letters)))

    def _row(self, letter: DeadLetter) -> list[Child]:
        t, view = self._view.t, self._view
        name = letter.order_id or letter.message_id
        return [
            tag(
                "input",
                type="checkbox",
                name="letter",
                value=letter.message_id,
                aria_label=t("dead_letters.choose_one", name=name),
            ),
            tag(
                "a",
                letter.order_id,
                href=order_address(letter.order_id),
                class_="id",
                data_row_link="",
            )
            if letter.order_id
            else tag("span", t("dead_letters.no_id"), class_="muted"),
            tag("span", t.or_else(f"reason.{letter.reason}", letter.reason)),
            self._known(letter),
            moment(view, letter.first_seen_at) if letter.first_seen_at else "—",
            moment(view, letter.last_seen_at) if letter.last_seen_at else "—",
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

    def _known_words(self, known: str) -> str:
        return self._view.t(f"known.{known.replace(' ', '_')}")

    def _known(self, letter: DeadLetter) -> Markup:
        words = self._known_words(letter.known)
        if letter.status is None:
            return tag("span", words, class_="muted")
        status = letter.status.value.lower()
        return tag(
            "span",
            words,
            " ",
            tag("span", self._view.t(f"outcome.{status}"), class_=f"badge {status}"),
        )

    async def _act(self, data: FormData) -> None:
        looked_at = self._letters.get(data.get("look"))
        if looked_at:
            self._preview_dialog.open(lambda: self._build_preview(looked_at))
            return
        if data.get("do") == "redrive-all":
            await self._plan_all()
            return
        chosen = [self._letters[name] for name in data.all("letter") if name in self._letters]
        if not chosen:
            ui.notify(self._view.t("dead_letters.none_chosen"), type="warning")
            return
        self._confirm(plan_of(chosen), data.get("do"))

    async def _plan_all(self) -> None:
        """Everything that the filter takes: the whole queue is looked through first."""
        letters = self._view.console.desk.dead_letters
        planning = Planning(self._view, self._planning_dialog)
        try:
            plan = await self._view.fetch(lambda: letters.plan(self._selection, planning.count))
        except PlanningCancelled:
            return
        except FAILURES as error:
            ui.notify(self._view.t("dead_letters.planning_failed", error=str(error)))
            return
        finally:
            planning.end()
        self._confirm(plan, "redrive")

    def _confirm(self, plan: Plan, what: str) -> None:
        self._plan_dialog.open(lambda: self._build_plan(plan, what))

    def _build_plan(self, plan: Plan, what: str) -> None:
        t, f = self._view.t, self._view.f
        by_reason = [
            (f"{t('field.reason')}: {t.or_else(f'reason.{name}', name)}", f.number(count))
            for name, count in plan.by_reason.items()
        ]
        by_known = [
            (f"{t('dead_letters.known')}: {self._known_words(name)}", f.number(count))
            for name, count in plan.by_known.items()
        ]
        html(
            tag("p", tag("strong", t(f"dead_letters.{what}_plan", count=f.number(plan.count)))),
            tag("p", t(f"dead_letters.{what}_hint"), class_="muted"),
            facts([*by_reason, *by_known]),
        )

        def confirmed(data: FormData) -> None:
            self._plan_dialog.close()
            self._begin(plan, what, data)

        with form(confirmed):
            html(
                text_input("why", t("dead_letters.why"), required=what == "discard", maxlength=500),
                text_input(
                    "rate",
                    t("dead_letters.rate"),
                    f"{DEFAULT_PER_SECOND:g}",
                    type="number",
                    min=1,
                    max=1000,
                )
                if what == "redrive"
                else None,
            )
            with ui.element("div").classes("actions"):
                kind = "primary" if what == "redrive" else "danger"
                html(tag("button", t(f"dead_letters.{what}_now"), class_=f"button {kind}"))
                button(t("frame.cancel"), self._plan_dialog.close)

    def _begin(self, plan: Plan, what: str, data: FormData) -> None:
        letters = self._view.console.desk.dead_letters
        why, rate = data.get("why"), data.get("rate")
        per_second = float(rate) if rate.isdigit() and int(rate) else DEFAULT_PER_SECOND

        def handle() -> Generator[Handled]:
            if what == "redrive":
                return letters.redrive(plan, why=why, per_second=per_second)
            return letters.discard(plan, why=why)

        try:
            self._view.console.jobs.start(Job(what, plan.count, handle))
        except JobRunning:
            ui.notify(self._view.t("dead_letters.job_running"), type="warning")
        self._progress.watch()

    def _build_preview(self, letter: DeadLetter) -> None:
        t, view = self._view.t, self._view
        attributes = [
            (name, tag("code", letter.message.attribute(name) or "—"))
            for name in letter.message.message_attributes
        ]
        html(
            facts(
                [
                    (t("field.reason"), t.or_else(f"reason.{letter.reason}", letter.reason)),
                    (t("dead_letters.known"), self._known(letter)),
                    (t("field.receive_count"), view.f.number(letter.message.receive_count)),
                    (t("field.submission"), tag("code", letter.submission_id)),
                    *attributes,
                ]
            ),
            tag("pre", pretty(masked_text(letter.message.body)), tabindex="0"),
            tag("p", t("order.masked"), class_="muted"),
        )
        with ui.element("div").classes("actions"):
            button(t("dead_letters.edit"), lambda: self._edit(letter), "button primary")
            button(t("frame.close"), self._preview_dialog.close)

    async def _edit(self, letter: DeadLetter) -> None:
        self._preview_dialog.close()
        await self._resubmit.open(letter)


class PlanningCancelled(Exception):
    """The operator did not want to wait until the whole queue was looked through."""


class Planning:
    """Says how far the look through the queue has come, with a button to break it off."""

    def __init__(self, view: View, dialog: Dialog) -> None:
        self._view = view
        self._found = 0
        self._cancelled = False
        self._dialog = dialog
        self._dialog.open(self._build)
        self._timer = ui.timer(PROGRESS_SECONDS, self._show)

    def count(self, _letter: DeadLetter) -> None:
        """
        Count one more letter.

        Raises:
            PlanningCancelled: that was enough.
        """
        self._found += 1
        if self._cancelled:
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


class Progress:
    """What the running job has done, with a button to cancel it; anyone's, on any page of it."""

    def __init__(self, view: View, on_end: Callable[[], object]) -> None:
        self._view = view
        self._on_end = on_end
        self._area = ui.element("div").props('aria-live="polite"')
        self._timer = ui.timer(PROGRESS_SECONDS, self._show, active=False)
        if view.console.jobs.running:
            self.watch()

    def watch(self) -> None:
        self._timer.activate()

    async def _show(self) -> None:
        job = self._view.console.jobs.latest
        self._area.clear()
        if job is None:
            return
        with self._area:
            self._show_job(job)
        if job.ended:
            self._timer.deactivate()
            result = self._on_end()
            if hasattr(result, "__await__"):
                await result

    def _show_job(self, job: Job) -> None:
        t, f = self._view.t, self._view.f
        state = "ended" if job.ended else "running"
        if job.ended and job.cancelled:
            state = "cancelled"
        words = t(
            f"dead_letters.{job.what}_{state}",
            done=f.number(job.done),
            planned=f.number(job.planned),
        )
        kind = "bad" if job.failed or job.error else "good" if job.ended else "info"
        with ui.element("div").classes(f"notice {kind}"):
            html(
                tag("p", tag("strong", words)),
                tag("p", t("dead_letters.failed", count=f.number(job.failed)), " ", job.error)
                if job.error
                else None,
            )
            if not job.ended:
                html(
                    tag(
                        "progress",
                        value=job.done + job.failed,
                        max=max(1, job.planned),
                        aria_label=t("dead_letters.progress"),
                    )
                )
                button(t("frame.cancel"), job.cancel)


def plan_of(letters: Sequence[DeadLetter]) -> Plan:
    """A plan for letters that are known already: the queue need not be looked through for it."""
    ids = frozenset(letter.message_id for letter in letters)
    return Plan(
        Selection(ids),
        ids,
        Counter(letter.reason for letter in letters),
        Counter(letter.known.value for letter in letters),
    )


def _last_seen(letter: DeadLetter) -> datetime:
    return letter.last_seen_at or datetime.min.replace(tzinfo=UTC)
