"""`dlq`: look at dead letters, send them back, or put them away."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from chalicelib.orders.times import iso
from ops.cli.decisions import decision_json, decision_on
from ops.cli.exits import FOUND_WANTING
from ops.cli.found_letter import found_letter
from ops.cli.hidden_letters import LOOKED, none_words, note_hidden, note_look
from ops.cli.language import FILE_TEXTS
from ops.cli.letter_actions import discard, redrive
from ops.cli.letter_resubmission import resubmit
from ops.cli.letter_selection import selection_of, selection_options
from ops.cli.parameters import limit_option, show_accounts_option
from ops.cli.session import MASKED_RENDERING, Session, desk_command
from ops.cli.tables import (
    LETTER_COLUMNS,
    letter_row,
    limited,
    moment,
    show_facts,
    show_rows,
    what_is_recorded,
)
from ops.desk.masking import masked_payload
from ops.terminal.consoles import lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops.desk.decisions import Decision
    from ops.desk.letters import DeadLetter


@click.group(epilog="Example: python -m ops dlq list --stage prod")
def dlq() -> None:
    """
    Look at the dead letters, redrive them, resubmit one mended, or discard them.

    SQS has no way to look into a queue without receiving from it. What is looked at is hidden from
    others until the command ends, and its receive count rises by 1. Should the command be killed,
    SQS returns the messages by itself after 5 minutes.
    """


@dlq.command(
    "list",
    epilog="""\b
Example: python -m ops dlq list --reason not_json
Example: python -m ops dlq list --limit 0 --json | python -m json.tool --json-lines""",
)
@selection_options
@limit_option
@desk_command
def list_letters(session: Session, limit: int, **chosen: Any) -> None:
    """
    List dead letters: which order, why, since when, and what is recorded of it now.

    Each message listed is received, which hides it from others until the list ends and raises its
    receive count by 1; then it is returned. SQS gives them in no order. Exit code 1: some could
    not be looked at, since someone else holds them.
    """
    with closing(session.desk.dead_letters.look(selection_of(**chosen))) as letters:
        count = _list(session, limited(letters, limit))
    hidden = letters.hidden
    if not session.as_json:
        if not count:
            session.out.print(none_words(hidden))
        else:
            note_look(session, letters.unreturned)
        if count and count == limit:
            session.note(f"The first {limit} that SQS gave; --limit 0 shows all.")
    note_hidden(session, hidden)
    if hidden.count:
        sys.exit(FOUND_WANTING)


def _list(session: Session, letters: Iterable[DeadLetter]) -> int:
    if not session.as_json:
        return show_rows(session.out, LETTER_COLUMNS, map(letter_row, letters), None)
    count = 0
    for count, letter in enumerate(letters, 1):  # noqa: B007 (it is what is returned)
        session.print_json(letter_json(letter.masked))
    return count


@dlq.command(epilog="Example: python -m ops dlq show 0f6a1c6e-2d5b-4c1e-9a4e-3f1f0f1b2c3d")
@click.argument("message_id")
@show_accounts_option
@desk_command
def show(session: Session, message_id: str, show_accounts: bool) -> None:
    """
    Show one dead letter, with its text and its attributes.

    It is received and returned, as by `dlq list`. Exit code 1: it isn't there.
    """
    letter = found_letter(session, message_id)
    if show_accounts:
        session.desk.record_accounts_shown(f"dead letter {message_id}")
    decision = decision_on(session, letter, show_accounts=show_accounts)
    body = letter.message.body if show_accounts else masked_payload(letter.message.body)
    if session.as_json:
        session.print_json(
            {
                **letter_json(letter if show_accounts else letter.masked),
                "decision": decision_json(decision) if decision else None,
                "detail": letter.written_detail(FILE_TEXTS, show_accounts=show_accounts),
                "attributes": letter.attributes(show_accounts=show_accounts),
                "sentBy": letter.sent_by(show_accounts=show_accounts),
                "body": body,
            }
        )
        return
    _show_letter(session, letter, decision, show_accounts=show_accounts)
    session.out.print()
    session.out.print(lines(body))
    session.note(LOOKED)
    if not show_accounts:
        session.note(MASKED_RENDERING)


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """Make a dead letter's JSON, without its text."""
    return {
        "messageId": letter.message_id,
        "orderId": letter.order_id,
        "submissionId": letter.submission_id,
        "reason": letter.reason,
        "firstSeenAt": iso(letter.first_seen_at) if letter.first_seen_at else None,
        "lastSeenAt": iso(letter.last_seen_at) if letter.last_seen_at else None,
        "receiveCount": letter.message.receive_count,
        "recorded": letter.known.value,
        "recordedStatus": letter.status.value if letter.status else None,
    }


def _show_letter(
    session: Session, letter: DeadLetter, decision: Decision | None, *, show_accounts: bool
) -> None:
    show_facts(
        session.out,
        [
            ("message", letter.message_id),
            ("order", letter.order_id),
            ("submission", (letter if show_accounts else letter.masked).submission_id),
            ("reason", letter.reason),
            ("detail", letter.written_detail(session.texts, show_accounts=show_accounts)),
            ("first seen", f"{moment(letter.first_seen_at)} UTC"),
            ("last seen", f"{moment(letter.last_seen_at)} UTC"),
            ("receives", str(letter.message.receive_count)),
            ("sent by", letter.sent_by(show_accounts=show_accounts)),
            ("record store says", what_is_recorded(letter)),
            ("decision", str(decision) if decision else None),
            *(
                (name, value)
                for name, value in sorted(letter.attributes(show_accounts=show_accounts).items())
                if not name.startswith("unreadable")
            ),
        ],
    )


for command in (redrive, resubmit, discard):
    dlq.add_command(command)

COMMANDS = (dlq,)
