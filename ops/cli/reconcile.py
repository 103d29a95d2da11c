"""`reconcile`: the archive against the table, both ways."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ops.cli.decisions import decision_json
from ops.cli.exits import FOUND_WANTING
from ops.cli.parameters import Day, Duration, period, show_accounts_option, yes_option
from ops.cli.refusals import denial_words
from ops.cli.session import Session, desk_command
from ops.cli.tables import show_rows
from ops.desk.findings import DAY_COUNTS, Kind, Progress
from ops.desk.reconcile import IN_PROGRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, timedelta

    from ops.desk.findings import Finding
    from ops.roles.denial import Denial

SHOWN = 20


@click.command(
    epilog="""\b
Example: python -m ops reconcile --from 2026-01-01 --to 2026-01-31
Example: python -m ops reconcile --repair --stage prod"""
)
@click.option("--from", "first_day", type=Day(), help="First day, in UTC  [default: all there is]")
@click.option("--to", "last_day", type=Day(), help="Last day, in UTC  [default: today]")
@click.option(
    "--in-progress",
    type=Duration(),
    default=IN_PROGRESS,
    help="An object younger than this may still be on its way  [default: 3h]",
)
@click.option(
    "--deep", is_flag=True, help="Compare the bytes of every object: a call to S3 for each."
)
@click.option("--repair", is_flag=True, help="Mend what can be mended, after showing it.")
@show_accounts_option
@yes_option
@desk_command
def reconcile(
    session: Session,
    *,
    first_day: date | None,
    last_day: date | None,
    in_progress: timedelta,
    deep: bool,
    repair: bool,
    show_accounts: bool,
    yes: bool,
) -> None:
    """
    Compare S3 and the table, both ways, by day.

    \b
    orphan      an object without a record: the order was archived, and not recorded
    missing     a record whose object is gone
    foreign     an object under a key that no order has
    altered     an object whose bytes are not those that its key names (SHA-256)
    unreadable  an object that was to be compared, and that S3 does not give, as one in Glacier
    discarded   an object without a record, which an operator discarded or resubmitted as
                another order: shown with who, when and why, and nothing wrong
    processed   an object with a record, which an operator had discarded or resubmitted: its
                sender handed it in again

    An object's bytes are compared with its key if its key has several versions, or if it was
    written after its record. --deep compares all; of an object that S3 does not give, the SHA-256
    that S3 keeps. The last line says how many were compared.

    --repair hands an orphan in again through the queue, as the submission that its key names: the
    processor finds the object there, and makes its record. It restores a missing or an altered
    object from the version that has the bytes its key names. It deletes no version of anything,
    and leaves foreign, unreadable and discarded objects alone. It writes down what was processed,
    so that a later replay takes it in. An orphan may also be a dead letter:
    redrive it, or repair it here, or both; it is the same submission, and is counted once.

    Exit code 1: something is wrong and was not repaired.
    """
    if show_accounts:
        session.show_accounts("reconcile")
    days = period(first_day, last_day, 1) if first_day or last_day else (None, None)

    def findings(progress: Progress) -> Iterator[Finding]:
        return session.desk.reconciliation.findings(
            progress, *days, in_progress=in_progress, deep=deep
        )

    progress = _find(session, findings, deep=deep)
    if not progress.findings:
        return
    if not repair:
        if not session.as_json:
            session.note("--repair mends what can be mended.")
        sys.exit(FOUND_WANTING)
    session.confirm(f"Repair {progress.findings}?", yes=yes)
    if not _repair(session, findings, progress.findings):
        sys.exit(FOUND_WANTING)


def _find(
    session: Session, findings: Callable[[Progress], Iterator[Finding]], *, deep: bool
) -> Progress:
    progress = Progress()
    first: list[Finding] = []
    with session.progress("objects") as show:
        progress.on_change = lambda: show(progress.objects)
        for found in findings(progress):
            finding = found if session.accounts_shown else found.masked
            if session.as_json:
                session.print_json(_finding_json(finding))
            elif len(first) < SHOWN:
                first.append(finding)
    if session.as_json:
        session.print_json(_summary_json(progress))
        return progress
    _show_days(session, progress)
    _show_findings(session, progress, first)
    _show_comparison(session, progress, deep=deep)
    return progress


def _show_days(session: Session, progress: Progress) -> None:
    rows = (
        (str(day), *(f"{getattr(counts, name):,}" for name in DAY_COUNTS))
        for day, counts in sorted(progress.days.items())
    )
    headings = ("day (UTC)", *(name.replace("_", " ") for name in DAY_COUNTS))
    show_rows(session.out, headings, rows, "Neither objects nor records.")


def _show_findings(session: Session, progress: Progress, first: list[Finding]) -> None:
    if first:
        headings = ("finding", "day", "key", "remark")
        # A remark is rare, and the key is long.
        shown = len(headings) if any(finding.note for finding in first) else len(headings) - 1
        rows = (
            (finding.kind.value, str(finding.day), finding.key, finding.note)[:shown]
            for finding in first
        )
        show_rows(session.out, headings[:shown], rows, "")
    for finding in first:
        if finding.decision:
            session.out.print(f"{finding.key}: {finding.decision}.")
    found = progress.findings + progress.discarded
    if found > len(first):
        session.out.print(f"... and {found - len(first)} more")
    if progress.discarded:
        session.out.print(f"Discarded, and left alone: {progress.discarded}.")


def _show_comparison(session: Session, progress: Progress, *, deep: bool) -> None:
    objects = sum(day.objects for day in progress.days.values())
    if progress.days and not progress.findings and not session.desk.unreadable:
        session.out.print(_agreement(progress, objects))
    # Nothing is said of the bytes of the others. A deep run leaves out what can't be compared.
    more = "; --deep compares all" if progress.compared < objects and not deep else ""
    session.out.print(
        f"{progress.compared:,} of {objects:,} objects compared with their SHA-256{more}."
    )


def _agreement(progress: Progress, objects: int) -> str:
    """Say that all agrees, how closely, and but for what could not be judged yet."""
    how = "byte for byte" if 0 < objects <= progress.compared else "key by key"
    young = sum(counts.in_progress for counts in progress.days.values())
    if not young:
        return f"Archive and table agree, {how}."
    return (
        f"Archive and table agree, {how}, but for {young:,} that may still be on the way "
        "(--in-progress): reconcile again when they are older."
    )


def _repair(
    session: Session,
    findings: Callable[[Progress], Iterator[Finding]],
    count: int,
) -> bool:
    """Find again, and mend each finding as it comes: memory needn't hold them all."""
    mended = left = 0
    denials: dict[Denial, None] = {}
    with session.progress("repaired", count) as show:
        for found in findings(Progress()):
            if found.kind is Kind.DISCARDED:
                continue
            outcome = session.desk.reconciliation.repair(found)
            finding = found
            if not session.accounts_shown:
                finding, outcome = found.masked, outcome.masked
            if outcome.mended:
                mended += 1
            else:
                left += 1
            denials |= {outcome.denial: None} if outcome.denial else {}
            show(mended + left)
            if session.as_json:
                line = _finding_json(finding) | {"type": "repair", "outcome": outcome.text}
                session.print_json(line | {"mended": outcome.mended})
            elif mended + left <= SHOWN:
                session.out.print(f"{finding.kind.value} {finding.key}: {outcome.text}")
    for denial in denials:
        session.note(f"{denial_words(denial)}.")
    if not session.as_json:
        session.out.print(
            f"{mended} repaired, {left} left. What was handed in again is recorded in a moment. To "
            f"see, type {session.desk.stage.command('reconcile')}"
        )
    return not left


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "type": "finding",
        "kind": finding.kind.value,
        "day": str(finding.day),
        "key": finding.key,
        "note": finding.note or None,
        "orderId": finding.identity.order_id if finding.identity else None,
        "submissionId": finding.identity.submission_id if finding.identity else None,
        "decision": decision_json(finding.decision) if finding.decision else None,
    }


def _summary_json(progress: Progress) -> dict[str, Any]:
    return {
        "type": "summary",
        "objects": progress.objects,
        "records": progress.records,
        "findings": progress.findings,
        "compared": progress.compared,
        "discarded": progress.discarded,
        "days": {
            str(day): {_camel(name): getattr(counts, name) for name in DAY_COUNTS}
            for day, counts in sorted(progress.days.items())
        },
    }


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)


COMMANDS = (reconcile,)
