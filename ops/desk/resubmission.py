"""Resubmitting: a dead letter's order handed in, edited, as a new submission in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from chalicelib.orders.order import parse_order
from chalicelib.orders.submission import well_formed_submission_id
from chalicelib.services.claims import read_claims
from ops.desk.letter_decisions import LetterDecisions
from ops.desk.order_table import Identity
from ops.desk.reasons import reason_of

if TYPE_CHECKING:
    from chalicelib.services.claims import Claims
    from chalicelib.services.intake import Receipt
    from ops.desk.audit_trail import AuditTrail
    from ops.desk.decision_log import Decisions
    from ops.desk.letters import DeadLetter


class Submit(Protocol):
    """Hands an order in under a submission id that is known before."""

    def __call__(self, body: bytes, submission_id: str, claims: Claims, /) -> Receipt: ...


class Resubmissions:
    """
    Resubmits dead letters.

    A letter is resubmitted once: whoever was broken off begins again with the same text, which is
    the same submission then, and counts once.
    """

    def __init__(self, submit: Submit, trail: AuditTrail, decisions: Decisions) -> None:
        self._submit = submit
        self._trail = trail
        self._decisions = decisions
        self._letters = LetterDecisions(decisions)

    def hand_in(self, letter: DeadLetter, body: bytes, *, why: str = "") -> Receipt:
        """
        Hand an order in, in place of a letter's. The letter stays, and can only be discarded then.

        Raises:
            UnreadableOrder: no order can be read from the body; nothing is decided.
            BadReason: the reason can't be kept; nothing is decided.
            DecisionStands: the letter's is recorded, discarded, or resubmitted otherwise; or it may
                be on the orders' queue.
            SubmissionUnconfirmed: the queue did not answer; hand the same text in again.
        """
        why = reason_of(why)
        order = parse_order(body)
        submission_id = _new_id_for(letter)
        self._letters.allow_resubmission(letter, order)
        self._trail.write("dlq.resubmit", why=why, message=letter.message_id, order=order.id)
        self._letters.resubmit(letter, order, why)
        # It may become a dead letter itself: then its log says how many copies there may be.
        self._decisions.hand_in(
            Identity(order.id, submission_id, order.payload_sha256), letter.message, why=why
        )
        # Else the channel that handed the letter in could not read what became of it, nor follow
        # it in its traces.
        return self._submit(body, submission_id, read_claims(letter.message))


def _new_id_for(letter: DeadLetter) -> str:
    name = letter.identity or (letter.message_id,)
    return well_formed_submission_id(f"resubmission of {'/'.join(name)}")
