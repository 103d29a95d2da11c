"""A dead letter that a command names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ops.cli.hidden_letters import note_hidden
from ops.desk.hidden_letters import LettersHidden
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from ops.cli.session import Session
    from ops.desk.letters import DeadLetter


def found_letter(session: Session, message_id: str) -> DeadLetter:
    """
    Find a dead letter by its message id.

    Raises:
        click.ClickException: it can't be received just now. If some are hidden, that is said too.
    """
    try:
        letter = session.desk.dead_letters.find(message_id)
    except LettersHidden as some:
        note_hidden(session, some.hidden)
        letter = None
    if letter is None:
        raise click.ClickException(
            f"There is no dead letter {masked_text(message_id)} that can be received just now: "
            "someone else may be handling it."
        )
    return letter
