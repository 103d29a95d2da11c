"""
Decisions: what operators decided about a submission that is not recorded.

Every recovery tool writes its decision down before it acts, and goes by the earlier ones:

- *handed in again*: a redrive or a repair is about to put the submission on the orders' queue;
- *resubmitted*: its order is handed in as another submission, in place of this one;
- *discarded*: it is not to be processed;
- *found processed*: its sender handed it in again after one of the last two, and it is recorded.

*Resubmitted* and *discarded* put a submission away, for good: no tool hands it in any more. Whoever
changes their mind hands the order in as a new submission, which is a new decision in the open. Only
the sender, whom no tool can stop, may overtake it. Then a replay must take the submission in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from chalicelib.orders.times import iso
from ops.desk.masking import masked_text

if TYPE_CHECKING:
    from datetime import datetime


class Decided(StrEnum):
    """The kinds of decisions."""

    HANDED_IN = "handed in again"
    RESUBMITTED = "resubmitted"
    DISCARDED = "discarded"
    PROCESSED = "found processed"


PUTTING_AWAY = frozenset({Decided.RESUBMITTED, Decided.DISCARDED})


@dataclass(frozen=True, slots=True)
class Decision:
    """
    A decision about one submission.

    `message_id` is the dead letter that it is about, if it is about one; `order_id` and
    `payload_sha256` are the order as which it was resubmitted. `at` is S3's time.
    """

    what: Decided
    who: str
    why: str = ""
    message_id: str = ""
    order_id: str = ""
    payload_sha256: str = ""
    at: datetime | None = None

    @property
    def puts_away(self) -> bool:
        """Tell whether the submission is not to be handed in any more."""
        return self.what in PUTTING_AWAY

    @property
    def masked(self) -> Self:
        """The decision as people see it: a reason may name an account."""
        return replace(self, who=masked_text(self.who), why=masked_text(self.why))

    def __str__(self) -> str:
        as_order = f" as {self.order_id}" if self.order_id else ""
        at = f" at {iso(self.at)}" if self.at else ""
        because = f", because: {self.why}" if self.why else ""
        return f"{self.what}{as_order} by {self.who}{at}{because}"

    def follows(self, earlier: Decision | None) -> bool:
        """
        Tell whether this decision is to be written after an earlier one; if not, it is made.

        Raises:
            DecisionStands: the earlier one forbids this one.
        """
        if self.what is Decided.PROCESSED:
            return earlier is None or earlier.puts_away
        if earlier is None or earlier.what is Decided.HANDED_IN:
            return True
        if earlier.what is Decided.PROCESSED:
            return self._follows_processed(earlier)
        if self.what is Decided.HANDED_IN or self._resubmits_otherwise(earlier):
            raise DecisionStands(
                f"It was {earlier.masked}. This stands: to process the order all the same, hand "
                "it in as a new submission."
            )
        return earlier.what is Decided.RESUBMITTED and self.what is Decided.DISCARDED

    def _follows_processed(self, earlier: Decision) -> bool:
        """To hand it in again makes its record once more. It has its verdict, so that is all."""
        if self.puts_away:
            raise DecisionStands(
                f"It was {earlier.masked}: it has its record, which this table lacks. Replay first."
            )
        return False

    def _resubmits_otherwise(self, earlier: Decision) -> bool:
        """
        Tell whether this resubmits what was resubmitted otherwise, or was discarded.

        The same text is the same submission once more, and counts once.
        """
        if self.what is not Decided.RESUBMITTED:
            return False
        return (self.what, self.order_id, self.payload_sha256) != (
            earlier.what,
            earlier.order_id,
            earlier.payload_sha256,
        )


class DecisionStands(Exception):
    """An earlier decision forbids this one: the message says which, and what to do."""


def to_json(decision: Decision, entry_id: str) -> bytes:
    """Write an entry. It holds ids and a reason, never anything of the order itself."""
    texts = {
        "what": decision.what.value,
        "who": decision.who,
        "why": decision.why,
        "message": decision.message_id,
        "order": decision.order_id,
        "payloadSha256": decision.payload_sha256,
        "id": entry_id,
    }
    return json.dumps({name: text for name, text in texts.items() if text}).encode()


def from_json(content: bytes, at: datetime) -> Decision:
    """Read an entry. One that can't be read puts its submission away: that is the safe side."""
    try:
        found = json.loads(content)
        decision = Decision(
            what=Decided(found["what"]),
            who=str(found["who"]),
            why=str(found.get("why", "")),
            message_id=str(found.get("message", "")),
            order_id=str(found.get("order", "")),
            payload_sha256=str(found.get("payloadSha256", "")),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        decision = Decision(Decided.DISCARDED, "unknown", "the entry can't be read")
    return replace(decision, at=at)
