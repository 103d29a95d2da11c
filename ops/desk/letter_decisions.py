"""The decisions about dead letters, which are decisions about the submissions that they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.desk.decisions import Decided, Decision, DecisionStands
from ops.desk.letters import Known

if TYPE_CHECKING:
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

    def allow(self, letter: DeadLetter, what: Decided, order_id: str = "") -> None:
        """
        Check that a letter may be discarded, or resubmitted as this order. Writes nothing.

        Raises:
            DecisionStands: it is decided otherwise, or may be on the orders' queue.
        """
        if what is Decided.RESUBMITTED and letter.known is Known.THIS_SUBMISSION:
            raise DecisionStands(
                f"This submission is recorded as {letter.status}: a resubmission would be a second "
                "one. The letter can be discarded."
            )
        if identity := _undecided(letter):
            self._decisions.allow(identity, letter.message, what, order_id)

    def put_away(self, letter: DeadLetter, what: Decided, why: str, order_id: str = "") -> None:
        """
        Write down that a letter is discarded, or resubmitted as this order.

        Raises:
            DecisionStands: as `allow`.
        """
        if identity := _undecided(letter):
            self._decisions.put_away(identity, letter.message, what, why=why, order_id=order_id)


def _undecided(letter: DeadLetter) -> Identity | None:
    return None if letter.known is Known.THIS_SUBMISSION else letter.identity
