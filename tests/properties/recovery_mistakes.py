"""Mistakes in keeping decisions, which the model of the recovery tools must find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.desk.decision_log import Decisions, Entry
from ops.desk.decisions import Decided, Decision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.services.message import Message
    from ops.desk.order_table import Identity


class DiscardsWithoutAWord(Decisions):
    """A discard only deletes the letter: so it was once."""

    def discard(self, identity: Identity, letter: Message, why: str) -> None:
        """Write nothing."""


class HandsInWhatWasPutAway(Decisions):
    """Repair and redrive look at no earlier decision."""

    def hand_in(self, identity: Identity, letter: Message | None = None, *, why: str = "") -> None:
        """Write nothing, and refuse nothing."""


class ForgetsWhatItHandsIn(Decisions):
    """A redrive leaves no trace: killed before its delete, it leaves the letter in two queues."""

    def hand_in(self, identity: Identity, letter: Message | None = None, *, why: str = "") -> None:
        message_id = letter.message_id if letter else ""
        Decision(Decided.HANDED_IN, "ana", why, message_id).follows(self.last(identity))


class PutsAwayWhatIsOnTheQueue(Decisions):
    """A discard does not ask whether a redrive or a repair sent the submission just now."""

    def _refuse_if_on_queue(
        self, last: Decision, entries: list[Entry], letter: Message | None
    ) -> None:
        pass


class LooksAtTheLastHandInOnly(Decisions):
    """Two redrives, the first of them killed, leave two copies: one letter proves one of them."""

    def _refuse_if_on_queue(
        self, last: Decision, entries: list[Entry], letter: Message | None
    ) -> None:
        super()._refuse_if_on_queue(last, entries[-1:], letter)


class ReplaysWhatWasPutAway(Decisions):
    """A replay reads the objects alone."""

    def ends(self) -> Iterator[Entry]:
        return iter(())


class ResubmitsAsAnyOrder(Decisions):
    """A letter that was resubmitted is resubmitted again, as another order."""

    def _is_new(self, decision: Decision, entries: list[Entry], letter: Message | None) -> bool:
        return decision.what is Decided.RESUBMITTED or super()._is_new(decision, entries, letter)


class ForgetsWhatWasProcessed(Decisions):
    """A repair does not write down that a sender handed in again what was put away."""

    def find_processed(self, identity: Identity) -> None:
        """Write nothing."""


MISTAKES = (
    DiscardsWithoutAWord,
    HandsInWhatWasPutAway,
    ForgetsWhatItHandsIn,
    PutsAwayWhatIsOnTheQueue,
    ReplaysWhatWasPutAway,
    ResubmitsAsAnyOrder,
    ForgetsWhatWasProcessed,
)
