"""The progress of the running job, which may be anyone's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from ops.console.components import button, html
from ops.console.denials import denial_words
from ops.console.markup import tag
from ops.console.unexpected import unexpected_parts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ops.console.jobs import Job
    from ops.console.view import View

PROGRESS_SECONDS = 0.4


class Progress:
    """A line that says how far the job is, with a button to cancel it. `on_end` is called once."""

    def __init__(self, view: View, on_end: Callable[[], Awaitable[None]]) -> None:
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
            await self._on_end()

    def _show_job(self, job: Job) -> None:
        t, f = self._view.t, self._view.f
        wrong = job.failed or job.error or job.unexpected
        kind = "bad" if wrong else "good" if job.ended else "info"
        failed = t("dead_letters.failed", count=f.number(job.failed))
        with ui.element("div").classes(f"notice {kind}"):
            html(
                tag("p", tag("strong", self._words(job))),
                tag("p", failed, " ", self._why(job)) if job.error else None,
                unexpected_parts(t, job.unexpected) if job.unexpected else None,
            )
            if not job.ended:
                self._show_bar(job)

    def _why(self, job: Job) -> str | None:
        return denial_words(self._view, job.denial) if job.denial else job.error

    def _words(self, job: Job) -> str:
        f = self._view.f
        state = "running"
        if job.ended:
            state = "cancelled" if job.cancelled else "ended"
        return self._view.t(
            f"dead_letters.{job.what}_{state}",
            done=f.number(job.done),
            planned=f.number(job.planned),
        )

    def _show_bar(self, job: Job) -> None:
        t = self._view.t
        html(
            tag(
                "progress",
                value=job.done + job.failed,
                max=max(1, job.planned),
                aria_label=t("dead_letters.progress"),
            )
        )
        button(t("frame.cancel"), job.cancel)
