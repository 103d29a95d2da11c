"""`health`: the things that a stage depends on."""

from __future__ import annotations

import sys

import click

from chalicelib.http.representation import health_json
from chalicelib.services.health import CheckResult, HealthStatus
from ops.cli.exits import FOUND_WANTING
from ops.cli.pausing import note_pause, pause_json
from ops.cli.refusals import denial_words
from ops.cli.session import Session, desk_command
from ops.cli.tables import show_rows
from ops.roles.denial import denial_in
from ops.terminal.consoles import cell

HEALTH_STYLES = {HealthStatus.PASS: "green", HealthStatus.WARN: "yellow", HealthStatus.FAIL: "red"}


@click.command(epilog="Example: python -m ops health --stage prod")
@desk_command
def health(session: Session) -> None:
    """
    Check each thing that the system depends on.

    Says so if the processing is paused, by whom, and how long what waits is safe.

    Exit code 1: one of them fails. A warning (the DLQ is not empty) is none, nor is a pause.
    """
    report = session.desk.health()
    answers = _answers(report.checks["queue"])
    if session.as_json:
        processing = pause_json(session) if answers else None
        session.print_json({**health_json(report), "processing": processing})
    else:
        show_rows(
            session.out,
            ("dependency", "status", "ms", "remark"),
            (
                (
                    name,
                    cell(check.status.value, HEALTH_STYLES[check.status]),
                    str(check.observed_ms),
                    check.output,
                )
                for name, check in report.checks.items()
            ),
            "Nothing to check.",
        )
        if answers:
            note_pause(session)
        else:
            session.out.print(
                "Whether the processing is paused is not known: the queue does not answer."
            )
    denials = (denial_in(check.failure) for check in report.checks.values())
    for denial in dict.fromkeys(each for each in denials if each):
        session.note(f"{denial_words(denial)}.")
    if report.status is HealthStatus.FAIL:
        sys.exit(FOUND_WANTING)


COMMANDS = (health,)


def _answers(queue: CheckResult) -> bool:
    """Tell whether the queue may be asked more: one that hangs would hold this up a minute."""
    return queue.status is not HealthStatus.FAIL or denial_in(queue.failure) is not None
