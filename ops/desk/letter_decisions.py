"""The decisions about dead letters, which are decisions about the submissions that they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.desk.decisions import Decision, DecisionStands
from ops.desk.letters import Known

if TYPE_CHECKING:
    from chalicelib.orders.order import Order
    from ops.desk.decision_log import Decisions
    from ops.desk.letters import DeadLetter
    from ops.desk.order_table import Identity


class LetterDecisions:
    """
    Writes decisions about letters.

    A letter that holds no order has no submission to decide about; one whose submission is recorded
    has its verdict. Of neither anything is written: to take it off the queue changes no order.
    """

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    def last(self, letter: DeadLetter) -> Decision | None:
        """Read the decision that stands about a letter's submission, if there is one."""
        return self._decisions.last(letter.identity) if letter.identity else None

    def hand_in(self, letter: DeadLetter, why: str) -> None:
        """
        Write down that a letter is about to be sent to the orders' queue.

        Raises:
            DecisionStands: its submission was put away: don't send it.
        """
        if identity := _undecided(letter):
            self._decisions.hand_in(identity, letter.message, why=why)

    def allow_discard(self, letter: DeadLetter) -> None:
        """
        Check that a letter may be discarded, and write nothing.

        Raises:
            DecisionStands: it may be on the orders' queue.
        """
        if identity := _undecided(letter):
            self._decisions.allow_discard(identity, letter.message)

    def discard(self, letter: DeadLetter, why: str) -> None:
        """Write down that a letter is discarded. Raises `DecisionStands` as the check does."""
        if identity := _undecided(letter):
            self._decisions.discard(identity, letter.message, why)

    def allow_resubmission(self, letter: DeadLetter, order: Order) -> None:
        """
        Check that this order may be handed in in place of a letter's, and write nothing.

        Raises:
            DecisionStands: the letter's is recorded, discarded, or resubmitted otherwise; or it may
                be on the orders' queue.
        """
        if letter.known is Known.THIS_SUBMISSION:
            raise DecisionStands(
                f"This submission is recorded as {letter.status}: a resubmission would be a second "
                "one. The letter can be discarded."
            )
        if identity := _undecided(letter):
            self._decisions.allow_resubmission(identity, letter.message, order)

    def resubmit(self, letter: DeadLetter, order: Order, why: str) -> None:
        """Write a resubmission down. Raises `DecisionStands` as the check does."""
        if identity := _undecided(letter):
            self._decisions.resubmit(identity, letter.message, order, why)


def _undecided(letter: DeadLetter) -> Identity | None:
    return None if letter.known is Known.THIS_SUBMISSION else letter.identity
