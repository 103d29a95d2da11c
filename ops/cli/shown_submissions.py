"""`orders show --submission`: what became of one submission, and of no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click

from chalicelib.http.representation import submission_json
from chalicelib.services.submissions import SubmissionAmbiguous, SubmissionNotFound
from ops.cli.decisions import put_away_lines, put_away_of
from ops.cli.language import FILE_TEXTS
from ops.cli.options import options
from ops.cli.parameters import Sha256, SubmissionId
from ops.cli.shown_orders import order_facts, print_payload
from ops.cli.tables import moment, show_facts
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from chalicelib.services.submissions import SubmissionRead
    from ops.cli.session import Session
    from ops.desk.stage import Stage

submission_options = options(
    click.option(
        "--submission", "submission_id", type=SubmissionId(), help="Only this submission."
    ),
    click.option(
        "--sha256", type=Sha256(), help="The SHA-256 of its payload, if its id has several."
    ),
)


class Wanted(NamedTuple):
    """The submission that is asked for: of one payload, or of the only one."""

    order_id: str
    submission_id: str
    payload_sha256: str | None


def show_command(stage: Stage, wanted: Wanted) -> str:
    """Write the command that shows what became of a submission."""
    return stage.command(
        "orders show",
        wanted.order_id,
        submission=wanted.submission_id,
        sha256=wanted.payload_sha256,
    )


def show_submission(
    session: Session, wanted: Wanted, *, payload: bool, show_accounts: bool
) -> None:
    """Show what became of one submission, or print its text."""
    read = read_submission(session, wanted)
    if show_accounts:
        where = f"submission {wanted.submission_id} of order {wanted.order_id}"
        session.desk.record_accounts_shown(where)
    if payload:
        print_payload(session, read.record, show_accounts=show_accounts)
        return
    record = session.shown(read.record, show_accounts=show_accounts)
    shown = read._replace(record=record, s3_url=read.s3_url if show_accounts else None)
    if session.as_json:
        session.print_json(submission_json(shown, FILE_TEXTS))
    else:
        _show(session, shown)


def _show(session: Session, read: SubmissionRead) -> None:
    record = read.record
    show_facts(
        session.out,
        [
            *order_facts(record, session.texts, read.s3_url),
            ("submission", record.submission_id),
            ("SHA-256", record.payload_sha256),
            ("processed", f"{moment(record.processed_at)} UTC"),
            ("differs in", ", ".join(record.differs) or None),
        ],
    )


def read_submission(session: Session, wanted: Wanted) -> SubmissionRead:
    """Read a submission's record, or end with what is known of it."""
    try:
        return session.desk.orders.submission(*wanted)
    except SubmissionNotFound:
        _end_without_record(session, wanted)
    except SubmissionAmbiguous as error:
        commands = "; or ".join(
            f"`{show_command(session.desk.stage, wanted._replace(payload_sha256=payload))}`"
            for payload in error.payloads
        )
        raise click.ClickException(
            f"Submission {masked_text(wanted.submission_id)} of {wanted.order_id} stands for more "
            f"than one payload: {commands}."
        ) from error


def _end_without_record(session: Session, wanted: Wanted) -> NoReturn:
    """Say what is known of a submission that has no record: an operator's decision about it."""
    stage = session.desk.stage
    shown_id = masked_text(wanted.submission_id)
    unrecorded = f"Submission {shown_id} of {wanted.order_id} is not recorded on stage {stage.name}"
    decided = [
        (identity, decision)
        for identity, decision in put_away_of(session, wanted.order_id, show_accounts=False)
        if identity.submission_id == shown_id
        and wanted.payload_sha256 in (None, identity.payload_sha256)
    ]
    if decided:
        raise click.ClickException(" ".join([f"{unrecorded}.", *put_away_lines(decided)]))
    raise click.ClickException(
        f"{unrecorded}: it may still be on the queue, or be a dead letter: "
        f"`{stage.command('dlq list', order=wanted.order_id)}`. To see what else is recorded of "
        f"the order, type `{stage.command('orders show', wanted.order_id)}`."
    )
