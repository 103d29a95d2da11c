"""`reconcile` and `replay`: the archive against the table, and the table from the archive."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ops.cli.exits import FOUND_WANTING
from ops.cli.session import (
    Day,
    Duration,
    Session,
    desk_command,
    period,
    yes_option,
)
from ops.cli.tables import show_rows
from ops.desk import reconcile as reconciling
from ops.desk import replay as replaying
from ops.desk.replay import Difference, TableNotEmpty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, timedelta

    from ops.desk.reconcile import Finding
    from ops.desk.replay import Unequal

SHOWN = 20
WHAT_IT_MEANS = {
    Difference.MISSING: "recorded, but not rebuilt",
    Difference.EXTRA: "rebuilt, but not recorded",
    Difference.CONTENT: "not the same content",
    Difference.CHANNEL: "the channel came with the message, not in the JSON",
    Difference.VERDICT: "another verdict: S3 does not tell which submission was recorded first",
    Difference.UNREADABLE: "the object is not what its key says",
}


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
    default=reconciling.IN_PROGRESS,
    help="An object younger than this may still be on its way  [default: 30m]",
)
@click.option("--repair", is_flag=True, help="Mend what can be mended, after showing it.")
@yes_option
@desk_command
def reconcile(
    session: Session,
    *,
    first_day: date | None,
    last_day: date | None,
    in_progress: timedelta,
    repair: bool,
    yes: bool,
) -> None:
    r"""
    Compare S3 and the table, both ways, by day.

    \b
    orphan   an object without a record: the order was archived, and not recorded
    missing  a record whose object is gone
    foreign  an object under a key that no order has

    --repair hands an orphan in again through the queue, as the submission that its key names: the
    processor finds the object there, and makes its record. It restores a missing object from the
    version that the bucket keeps of it. It never deletes anything, and leaves foreign objects
    alone. An orphan may also be a dead letter: redrive it, or repair it here, or both; it is the
    same submission, and is counted once.

    Exit code 1: something is wrong and was not repaired.
    """
    days = period(first_day, last_day, 1) if first_day or last_day else (None, None)

    def findings(progress: reconciling.Progress) -> Iterator[Finding]:
        return session.desk.reconciliation.findings(progress, *days, in_progress=in_progress)

    progress = _find(session, findings)
    if not progress.findings:
        return
    if not repair:
        if not session.as_json:
            session.note("--repair mends what can be mended.")
        sys.exit(FOUND_WANTING)
    session.confirm(f"Repair {progress.findings}?", yes=yes)
    if not _repair(session, findings, progress.findings):
        sys.exit(FOUND_WANTING)


@click.command(
    epilog="""\b
Example: python -m ops replay --into orders-rebuilt --create
Example: python -m ops replay --into orders-prod --stage prod"""
)
@click.option("--into", required=True, help="The table to rebuild into. It must be empty.")
@click.option("--create", is_flag=True, help="Create it, with the keys of the stage's own table.")
@click.option("--resume", is_flag=True, help="Go on with a replay that was broken off.")
@click.option("--prove-only", is_flag=True, help="Rebuild nothing, only compare.")
@click.option("--why", default="", help="For the audit trail.")
@yes_option
@desk_command
def replay(
    session: Session,
    *,
    into: str,
    create: bool,
    resume: bool,
    prove_only: bool,
    why: str,
    yes: bool,
) -> None:
    r"""
    Rebuild the table's records from S3.

    They go into an empty table, and are proven equal. Every object is read, checked against the
    SHA-256 in its key, and settled as the processor does. Then the rebuilt table is compared,
    over all records that have an object, with the stage's own table; or with the objects
    themselves, if it is the stage's own that was rebuilt.

    \b
    What S3 does not hold can't come back:
    - rejected orders, and that a correction came after one;
    - times (a rebuilt record has its object's), receive counts (0), who handed it in;
    - a channel that came as a message attribute;
    - which of several submissions of an order was recorded first, if that is not the one that was
      archived first.
    Equality is proven over the rest. Verdicts and channels that came out otherwise are counted.

    Exit code 1: not equal.
    """
    desk = session.desk
    own = desk.stage.settings.table
    target = desk.table(into)
    if not target.exists():
        if not create:
            raise click.UsageError(f"There is no table {into}: --create makes it.")
        session.confirm(f"Create table {into}?", yes=yes)
        target.create_like(own)
    progress = replaying.Progress()
    unequal: list[Unequal] = []
    if not prove_only:
        live = f", the live table of stage {desk.stage.name}" if into == own else ""
        session.confirm(f"Rebuild records from S3 into table {into}{live}?", yes=yes)
        take = desk.record_store(into).take
        rebuilding = desk.replay.rebuild(progress, target, take, resume=resume, why=why)
        try:
            with session.progress("objects") as show:
                progress.on_change = lambda: show(progress.objects)
                _collect(session, rebuilding, unequal)
        except TableNotEmpty as error:
            raise click.ClickException(str(error)) from error
    proof = (
        desk.replay.prove_against_archive(progress, target)
        if into == own
        else desk.replay.prove(progress, desk.table(own), target)
    )
    with session.progress("records compared") as show:
        progress.on_change = lambda: show(progress.compared)
        _collect(session, proof, unequal)
    _show_proof(session, into, own, progress, unequal)
    if not progress.is_equal:
        sys.exit(FOUND_WANTING)


def _find(
    session: Session, findings: Callable[[reconciling.Progress], Iterator[Finding]]
) -> reconciling.Progress:
    progress = reconciling.Progress()
    first: list[Finding] = []
    with session.progress("objects") as show:
        progress.on_change = lambda: show(progress.objects)
        for finding in findings(progress):
            if session.as_json:
                session.line(_finding_json(finding))
            elif len(first) < SHOWN:
                first.append(finding)
    if session.as_json:
        session.line(_summary_json(progress))
        return progress
    show_rows(
        session.out,
        ("day (UTC)", "objects", "records", "orphans", "missing", "foreign", "in progress"),
        (
            (
                str(day),
                *(
                    f"{number:,}"
                    for number in (
                        counts.objects,
                        counts.records,
                        counts.orphans,
                        counts.missing,
                        counts.foreign,
                        counts.in_progress,
                    )
                ),
            )
            for day, counts in sorted(progress.days.items())
        ),
        "Neither objects nor records.",
    )
    if first:
        rows = ((finding.kind.value, str(finding.day), finding.key) for finding in first)
        show_rows(session.out, ("finding", "day", "key"), rows, "")
    if progress.findings > len(first):
        session.out.print(f"... and {progress.findings - len(first)} more")
    if not progress.findings:
        session.out.print("Archive and table agree.")
    return progress


def _repair(
    session: Session,
    findings: Callable[[reconciling.Progress], Iterator[Finding]],
    count: int,
) -> bool:
    """Find once more and mend each as it comes: what was found needn't be held in memory."""
    mended = left = 0
    with session.progress("repaired", count) as show:
        for finding in findings(reconciling.Progress()):
            outcome = session.desk.reconciliation.repair(finding)
            if outcome.mended:
                mended += 1
            else:
                left += 1
            show(mended + left)
            if session.as_json:
                line = _finding_json(finding) | {"type": "repair", "outcome": outcome.text}
                session.line(line | {"mended": outcome.mended})
            elif mended + left <= SHOWN:
                session.out.print(
                    f"{finding.kind.value} {finding.key}: {outcome.text}", markup=False
                )
    if not session.as_json:
        session.out.print(
            f"{mended} repaired, {left} left. What was handed in again is recorded in a moment: "
            "run reconcile once more to see."
        )
    return not left


def _collect(session: Session, source: Iterator[Unequal], unequal: list[Unequal]) -> None:
    for each in source:
        if session.as_json:
            session.line({"type": "difference", "kind": each.kind.value, "key": each.key})
        elif len(unequal) < SHOWN:
            unequal.append(each)


def _show_proof(
    session: Session, into: str, own: str, progress: replaying.Progress, unequal: list[Unequal]
) -> None:
    against = "the archive" if into == own else own
    if session.as_json:
        session.line(
            {
                "type": "summary",
                "into": into,
                "against": against,
                "objects": progress.objects,
                "rebuilt": progress.rebuilt,
                "compared": progress.compared,
                "equal": progress.equal,
                "differences": {kind.value: n for kind, n in progress.differences.items()},
                "isEqual": progress.is_equal,
            }
        )
        return
    session.out.print(
        f"{progress.objects:,} objects read, {progress.rebuilt:,} submissions settled into {into}."
    )
    rows = ((each.kind.value, each.key, WHAT_IT_MEANS[each.kind]) for each in unequal)
    if unequal:
        show_rows(session.out, ("difference", "key", "what it means"), rows, "")
    verdict = "Equal" if progress.is_equal else "NOT EQUAL"
    told = ", ".join(f"{n:,} {kind.value}" for kind, n in sorted(progress.differences.items()))
    session.out.print(
        f"{verdict} in all that S3 holds: {progress.compared:,} compared with {against}, "
        f"{progress.equal:,} the same{f', {told}' if told else ''}."
    )


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "type": "finding",
        "kind": finding.kind.value,
        "day": str(finding.day),
        "key": finding.key,
        "orderId": finding.identity.order_id if finding.identity else None,
        "submissionId": finding.identity.submission_id if finding.identity else None,
    }


def _summary_json(progress: reconciling.Progress) -> dict[str, Any]:
    return {
        "type": "summary",
        "objects": progress.objects,
        "records": progress.records,
        "findings": progress.findings,
        "days": {
            str(day): {
                "objects": counts.objects,
                "records": counts.records,
                "orphans": counts.orphans,
                "missing": counts.missing,
                "foreign": counts.foreign,
                "inProgress": counts.in_progress,
            }
            for day, counts in sorted(progress.days.items())
        },
    }


COMMANDS = (reconcile, replay)
