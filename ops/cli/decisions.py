"""Decisions about submissions, as the commands show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.orders.times import iso
from chalicelib.services.unavailable import StoreUnavailable
from ops.cli.refusals import failure_words
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ops.cli.session import Session
    from ops.desk.decisions import Decision
    from ops.desk.letters import DeadLetter
    from ops.desk.order_table import Identity

UNKNOWN = "What was decided about it is not known:"


def decision_on(session: Session, letter: DeadLetter, *, show_accounts: bool) -> Decision | None:
    """Read the decision about a letter. It is shown all the same while S3 is out of reach."""
    try:
        decision = session.desk.dead_letters.decision_on(letter)
    except StoreUnavailable as error:
        session.note(f"{UNKNOWN} {failure_words(error)}")
        return None
    return decision if show_accounts or decision is None else decision.masked


def put_away_of(
    session: Session, order_id: str, *, show_accounts: bool
) -> list[tuple[Identity, Decision]]:
    """Read what was put away of an order. It is shown all the same while S3 is out of reach."""
    try:
        put_away = session.desk.decisions.of_order(order_id)
    except StoreUnavailable as error:
        session.note(f"{UNKNOWN} {failure_words(error)}")
        return []
    return put_away if show_accounts else list(map(_masked, put_away))


def _masked(put_away: tuple[Identity, Decision]) -> tuple[Identity, Decision]:
    identity, decision = put_away
    shown_id = masked_text(identity.submission_id)
    return identity._replace(submission_id=shown_id), decision.masked


def decision_json(decision: Decision) -> dict[str, Any]:
    """Make a decision's JSON."""
    return {
        "what": decision.what.value,
        "resubmittedAs": decision.order_id or None,
        "who": decision.who,
        "at": iso(decision.at) if decision.at else None,
        "why": decision.why or None,
    }


def put_away_json(put_away: Iterable[tuple[Identity, Decision]]) -> list[dict[str, Any]]:
    """Make the JSON of the submissions of an order that were put away."""
    return [
        {
            "submissionId": identity.submission_id,
            "payloadSha256": identity.payload_sha256,
            **decision_json(decision),
        }
        for identity, decision in put_away
    ]


def put_away_lines(put_away: Iterable[tuple[Identity, Decision]]) -> list[str]:
    """Write a line for each submission of an order that was put away."""
    return [
        f"Submission {identity.submission_id} was {decision}." for identity, decision in put_away
    ]
