"""Verifying sealed days while pages come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.console.jobs import Work
from ops.desk.seal_findings import SealCounts

if TYPE_CHECKING:
    from ops.desk.seal_findings import SealFinding
    from ops.desk.seals import SealRun

KEPT = 200


class Cancelled(Exception):
    """Nobody wants to know the rest."""


class SealJob(Work):
    """Verifies the days of a run. The first findings are kept, and all are counted."""

    def __init__(self, run: SealRun) -> None:
        super().__init__("verify-seals")
        self.seals = run
        self.planned = (run.last - run.first).days + 1
        self.counts = SealCounts(on_change=self._go_on)
        self.findings: list[SealFinding] = []

    def _work(self) -> None:
        try:
            for finding in self.seals.findings(self.counts):
                if len(self.findings) < KEPT:
                    self.findings.append(finding.masked)
                self._go_on()
        except Cancelled:
            return

    def _go_on(self) -> None:
        if self.cancelled:
            raise Cancelled
