"""`health`: the things that a stage depends on."""

from __future__ import annotations

import sys

import click

from chalicelib.http.representation import health_json
from chalicelib.services.health import HealthStatus
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
    if session.as_json:
        session.print_json({**health_json(report), "processing": pause_json(session)})
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
        note_pause(session)
    denials = (denial_in(check.failure) for check in report.checks.values())
    for denial in dict.fromkeys(each for each in denials if each):
        session.note(f"{denial_words(denial)}.")
    if report.status is HealthStatus.FAIL:
        sys.exit(FOUND_WANTING)


COMMANDS = (health,)
