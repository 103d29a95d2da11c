"""`verify-seals`: whether the sealed days are as they were sealed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from chalicelib.orders.times import iso
from ops.cli.exits import FOUND_WANTING, OUT_OF_REACH, FoundWanting
from ops.cli.parameters import Day, Sha256
from ops.cli.public_keys import keys_said, public_key_option, read_public_key
from ops.cli.session import Session, desk_command
from ops.cli.tables import show_facts, show_rows
from ops.desk.seal_findings import SealCounts
from ops.desk.seals import NothingSealed

if TYPE_CHECKING:
    from datetime import date

    from ops.desk.seal_findings import SealFinding
    from ops.desk.seals import SealRun

SHOWN = 100
NOT_READ = "not read: --table does, and names records that no list shows"


@click.command(
    "verify-seals",
    epilog="""\b
Example: python -m ops verify-seals --from 2026-01-01 --to 2026-01-31 --public-key key.pem
Example: python -m ops verify-seals --stage prod --archive --json""",
)
@click.option("--from", "first_day", type=Day(), help="First day, in UTC  [default: the first]")
@click.option("--to", "last_day", type=Day(), help="Last day, in UTC  [default: the newest seal's]")
@public_key_option
@click.option(
    "--expect",
    type=Sha256(),
    help="The digest of a seal that was noted elsewhere: one of these days must have it.",
)
@click.option(
    "--archive",
    is_flag=True,
    help="Compare the bytes of each record's object too: a call to S3 for each.",
)
@click.option(
    "--table",
    is_flag=True,
    help="Read the whole table too, whatever the period: for records that no list shows.",
)
@desk_command
def verify_seals(
    session: Session,
    *,
    first_day: date | None,
    last_day: date | None,
    public_key: str | None,
    expect: str | None,
    archive: bool,
    table: bool,
) -> None:
    """
    Compare the table with its seals, day by day, and name what is not as it was sealed.

    \b
    no_seal     a day has no seal
    bad_seal    its seal can't be read as one
    other_seal  its seal is another day's, or another stage's
    signature   its signature is not the key's
    rewritten   the bucket keeps older versions of its seal: it was made anew
    chain       it is not chained to the seal of the day before
    chunk       a list of its leaves is gone, or another one
    expected    no seal has the digest that was noted elsewhere
    changed     a record or an entry of the audit trail is not as it was sealed
    removed     one that was sealed is gone
    hidden      one is there, but no list shows it (--table: whatever is in the table)
    added       one is in no seal; a seal of the next two days takes in what comes late
    payload     the text of a rejected order is not the one that was recorded
    object      the object of a record is gone, or has other bytes (--archive)
    unread      S3 does not give an object (--archive)

    Without --public-key, the stage says which key it is: its KMS key, or the local stage's key
    file. An auditor has the key from elsewhere. What is wrong with the seals' end nobody can tell
    without knowing the newest: note its digest elsewhere, and give it with --expect.

    Exit code 1: something is wrong. 3: nothing is known to be wrong, and not all could be read.
    """
    if first_day and last_day and first_day > last_day:
        raise click.UsageError(f"--from {first_day} is after --to {last_day}.")
    key = read_public_key(public_key) if public_key else None
    try:
        with keys_said():
            run = session.desk.seals.run(first_day, last_day, key)
    except NothingSealed as error:
        raise FoundWanting(f"On stage {session.desk.stage.name}, {error}.") from error
    counts, shown = SealCounts(), _Shown(session)
    with session.progress("records") as show:
        counts.on_change = lambda: show(counts.records + counts.entries)
        for finding in run.findings(counts, archive=archive, table=table, expected=expect):
            shown.add(finding.masked)
    shown.end(counts)
    _show_end(session, run, counts, archive=archive, table=table)
    if counts.findings:
        sys.exit(FOUND_WANTING)
    if counts.unread:
        sys.exit(OUT_OF_REACH)


class _Shown:
    """The findings, as they come: a JSON object a line, or the first so many in a table."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._first: list[SealFinding] = []

    def add(self, finding: SealFinding) -> None:
        if self._session.as_json:
            self._session.print_json(_finding_json(finding))
        elif len(self._first) < SHOWN:
            self._first.append(finding)

    def end(self, counts: SealCounts) -> None:
        if self._session.as_json:
            return
        headings = ("finding", "day (UTC)", "order", "record", "remark")
        rows = (
            (each.fault.value, str(each.day), each.order_id, each.record_id, each.note)
            for each in self._first
        )
        show_rows(self._session.out, headings, rows, None)
        more = sum(counts.found.values()) - len(self._first)
        if more:
            self._session.out.print(f"... and {more:,} more: --json has all of them")


def _show_end(
    session: Session, run: SealRun, counts: SealCounts, *, archive: bool, table: bool
) -> None:
    if session.as_json:
        session.print_json(_summary_json(run, counts))
        return
    newest = run.newest
    show_facts(
        session.out,
        [
            ("days", f"{run.first} to {run.last}: {counts.days:,}"),
            ("compared", f"{counts.records:,} records, {counts.entries:,} entries"),
            ("texts of rejected orders", f"{counts.payloads:,} compared with their SHA-256"),
            ("objects", _objects(counts, archive=archive)),
            ("whole table", f"{counts.table:,} records" if table else NOT_READ),
            ("verified with key", run.fingerprint),
            ("newest seal", f"{newest.day}, digest {newest.digest}"),
            ("without a seal", ", ".join(map(str, run.unfinished)) or None),
            ("not compared", f"{counts.uncompared:,} items" if counts.uncompared else None),
        ],
    )
    session.out.print(_verdict(counts))


def _objects(counts: SealCounts, *, archive: bool) -> str:
    if archive:
        return f"{counts.objects:,} compared with their SHA-256"
    return "not compared: --archive does, and `reconcile --deep`, whose key names the SHA-256"


def _verdict(counts: SealCounts) -> str:
    if counts.findings:
        return f"{counts.findings:,} {'finding' if counts.findings == 1 else 'findings'}."
    if counts.unread:
        return f"{counts.unread:,} could not be read; the rest is as it was sealed."
    return "All is as it was sealed."


def _finding_json(finding: SealFinding) -> dict[str, Any]:
    return {
        "type": "finding",
        "kind": finding.fault.value,
        "day": str(finding.day),
        "orderId": finding.order_id or None,
        "recordId": finding.record_id or None,
        "note": finding.note,
    }


def _summary_json(run: SealRun, counts: SealCounts) -> dict[str, Any]:
    statement = run.newest.statement
    return {
        "type": "summary",
        "firstDay": str(run.first),
        "lastDay": str(run.last),
        "days": counts.days,
        "records": counts.records,
        "entries": counts.entries,
        "payloads": counts.payloads,
        "objects": counts.objects,
        "table": counts.table,
        "uncompared": counts.uncompared,
        "findings": {fault.value: count for fault, count in counts.found.items()},
        "key": run.fingerprint,
        "newest": {
            "day": str(run.newest.day),
            "digest": run.newest.digest,
            "sealedAt": iso(statement.sealed_at) if statement else None,
        },
    }


COMMANDS = (verify_seals,)
