"""Seals: the days that are sealed, and whether they are still as they were."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from nicegui import ui

from chalicelib.http.parameters import is_date
from ops.console.components import copy_button, empty, facts, heading, html, moment, notice
from ops.console.jobs import JobRunning
from ops.console.listing import Listing, show_list
from ops.console.loading import FAILURES, failure_words
from ops.console.markup import tag
from ops.console.pages.seals.job import SealJob
from ops.console.pages.seals.progress import Progress
from ops.console.tables import Column
from ops.desk.key_file import KeyFileUnusable
from ops.desk.seal_findings import SealFault
from ops.desk.seal_keys import BadKey
from ops.desk.seals import NothingSealed
from ops.desk.stage_key import NoKey

if TYPE_CHECKING:
    from markupsafe import Markup

    from ops.console.forms import FormData
    from ops.console.markup import Child
    from ops.console.view import View
    from ops.desk.seal_chain import SealRead
    from ops.desk.seals import Newest

SHOWN = 31
ALL = "all"
HASH_CHARACTERS = 12
KEY_FAILURES = (NoKey, BadKey, KeyFileUnusable)


def show(view: View) -> None:
    """Build the page."""
    SealsPage(view).show()


class SealsPage:
    """The page: how verifying goes, and the newest days with their seals."""

    def __init__(self, view: View) -> None:
        self._view = view

    def show(self) -> None:
        t = self._view.t
        html(heading(t("seals.title"), t("seals.lead")))
        self._progress = Progress(self._view)
        show_list(self._view, self._read, self._verify)

    def _read(self) -> Listing:
        t = self._view.t
        columns = [
            Column(t("seals.day")),
            Column(t("seals.state")),
            Column(t("seals.sealed_at")),
            Column(t("seals.records"), numeric=True),
            Column(t("seals.entries"), numeric=True),
            Column(t("seals.late"), numeric=True),
            Column(t("seals.root")),
            Column(t("seals.verify"), hidden_heading=True),
        ]
        try:
            newest = self._view.console.desk.seals.newest(SHOWN)
        except NothingSealed:
            none = empty(t("seals.none"), t("seals.none_hint", command=self._command("seal")))
            return Listing(t("seals.title"), columns, [], none)
        except KEY_FAILURES as error:
            none = notice(t("seals.no_key", why=str(error)), "warn")
            return Listing(t("seals.title"), columns, [], none)
        return Listing(
            t("seals.title"),
            columns,
            [self._row(read) for read in newest.reads],
            none=None,
            above=self._above(newest),
            below=self._below(newest),
        )

    def _row(self, read: SealRead) -> list[Child]:
        t, f, statement, day = self._view.t, self._view.f, read.statement, str(read.day)
        figures: list[Child] = ["—", "—", "—", "—", "—"]
        if statement:
            figures = [
                moment(self._view, statement.sealed_at),
                f.number(statement.records),
                f.number(statement.entries),
                f.number(statement.late),
                tag("code", f"{statement.root[:HASH_CHARACTERS]}…", title=statement.root),
            ]
        verify = tag(
            "button",
            t("seals.verify"),
            name="day",
            value=day,
            class_="button",
            aria_label=t("seals.verify_day", day=day),
        )
        return [day, self._state(read), *figures, verify]

    def _state(self, read: SealRead) -> Markup:
        if read.is_trusted:
            return tag("span", self._view.t("seals.signed"), class_="badge pass")
        fault = read.fault.fault if read.fault else SealFault.NO_SEAL
        return tag("span", self._view.t(f"seals.fault_{fault}"), class_="badge fail")

    def _above(self, newest: Newest) -> Markup:
        """Say what an auditor notes elsewhere, and offer to verify all days."""
        t, digest = self._view.t, newest.reads[0].digest or "—"
        noted = facts(
            [
                (t("seals.newest", day=newest.reads[0].day), tag("code", digest)),
                (t("seals.key"), tag("code", newest.fingerprint)),
            ]
        )
        every = tag("button", t("seals.verify_all"), name="day", value=ALL, class_="button primary")
        copy = copy_button(t("seals.copy"), digest, t("seals.copied"))
        buttons = tag("span", copy, every, class_="row")
        return tag("div", noted, buttons, class_="pages spread")

    def _below(self, newest: Newest) -> Markup:
        t = self._view.t
        more = tag("p", t("seals.more", count=len(newest.reads))) if newest.has_more else None
        audit = tag("a", t("audit.title"), href="/audit")
        command = tag("code", self._command("verify-seals", public_key="KEY.pem"))
        hint = tag("p", t("seals.elsewhere"), " ", command, " · ", audit)
        return tag("div", more, hint, class_="pages muted")

    def _command(self, typed: str, **options: str) -> str:
        return self._view.console.desk.stage.command(typed, **options)

    async def _verify(self, data: FormData) -> None:
        view, t, wanted = self._view, self._view.t, data.get("day")
        day = date.fromisoformat(wanted) if is_date(wanted) else None
        try:
            run = await view.fetch(lambda: view.console.desk.seals.run(day, day))
        except NothingSealed:
            ui.notify(t("seals.none"), type="warning")
        except KEY_FAILURES as error:
            ui.notify(t("seals.no_key", why=str(error)), type="negative")
        except FAILURES as error:
            ui.notify(t("seals.failed", error=failure_words(view, error)), type="negative")
        else:
            self._begin(SealJob(run))

    def _begin(self, job: SealJob) -> None:
        try:
            self._view.console.seal_jobs.start(job)
        except JobRunning:
            ui.notify(self._view.t("seals.job_busy"), type="warning")
        self._progress.watch()
