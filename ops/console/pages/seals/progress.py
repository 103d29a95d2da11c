"""How far verifying is, and what it has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from chalicelib.orders.order import is_order_id
from ops.console.components import button, html
from ops.console.denials import denial_words
from ops.console.markup import tag
from ops.console.records import order_link
from ops.console.tables import Column, table
from ops.console.unexpected import unexpected_parts
from ops.desk.seal_findings import SealFault

if TYPE_CHECKING:
    from ops.console.markup import Child
    from ops.console.pages.seals.job import SealJob
    from ops.console.view import View
    from ops.desk.seal_findings import SealFinding

PROGRESS_SECONDS = 0.4
# Their notes say no more than the page's own words. Other notes name what a command or a log has.
SAID_WHOLE = (SealFault.CHANGED, SealFault.REMOVED, SealFault.ADDED, SealFault.PAYLOAD)


class Progress:
    """A notice about the job that runs, or ran last, with its findings in a table."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._area = ui.element("div").props('aria-live="polite"')
        self._timer = ui.timer(PROGRESS_SECONDS, self._show, active=False)
        if view.console.seal_jobs.latest:
            self.watch()

    def watch(self) -> None:
        self._timer.activate()

    def _show(self) -> None:
        job = self._view.console.seal_jobs.latest
        if job is None:
            return
        self._area.clear()
        with self._area:
            self._show_job(job)
        if job.ended:
            self._timer.deactivate()

    def _show_job(self, job: SealJob) -> None:
        t, f, counts = self._view.t, self._view.f, job.counts
        compared = t(
            "seals.compared", records=f.number(counts.records), entries=f.number(counts.entries)
        )
        command = self._view.console.desk.stage.command("verify-seals", archive=True, table=True)
        with ui.element("div").classes(f"notice {_kind(job)}"):
            html(
                tag("p", tag("strong", self._words(job))),
                tag("p", compared, " ", t("seals.not_objects"), " ", tag("code", command)),
                tag("p", self._why(job)) if job.error else None,
                unexpected_parts(t, job.unexpected) if job.unexpected else None,
            )
            if not job.ended:
                progress = tag(
                    "progress", value=counts.days, max=job.planned, aria_label=t("seals.progress")
                )
                html(progress)
                button(t("frame.cancel"), job.cancel)
        if job.findings:
            html(tag("div", self._findings(job), class_="panel flush"))

    def _words(self, job: SealJob) -> str:
        f = self._view.f
        state = "running"
        if job.ended:
            state = "cancelled" if job.cancelled else "found" if job.counts.findings else "well"
        if job.error or job.unexpected:
            state = "stopped"
        return self._view.t(
            f"seals.job_{state}",
            first=job.seals.first,
            last=job.seals.last,
            count=f.number(job.counts.findings),
        )

    def _why(self, job: SealJob) -> str | None:
        return denial_words(self._view, job.denial) if job.denial else job.error

    def _findings(self, job: SealJob) -> Child:
        t = self._view.t
        columns = [
            Column(t("seals.day")),
            Column(t("seals.finding")),
            Column(t("field.id")),
            Column(t("seals.record")),
            Column(t("seals.remark")),
        ]
        rows = [self._row(finding) for finding in job.findings]
        return table(t("seals.findings"), columns, rows)

    def _row(self, finding: SealFinding) -> list[Child]:
        order_id = finding.order_id
        return [
            tag("span", str(finding.day), class_="nowrap"),
            tag("strong", self._view.t(f"seals.fault_{finding.fault}")),
            order_link(order_id) if is_order_id(order_id) else order_id or "—",
            tag("code", finding.record_id) if finding.record_id else "—",
            self._remark(finding),
        ]

    def _remark(self, finding: SealFinding) -> Child:
        words = self._view.t(f"seals.remark_{finding.fault}")
        detail = None if finding.fault in SAID_WHOLE else tag("code", finding.note)
        return tag("span", words, " ", detail, class_="reason")


def _kind(job: SealJob) -> str:
    if job.counts.findings or job.error or job.unexpected:
        return "bad"
    return "good" if job.ended and not job.cancelled else "info"
