"""Dead letters, the choice of some of them, and the outcome of an action on each."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from chalicelib.orders.errors import Sentence
from chalicelib.orders.order import sha256_of
from chalicelib.orders.times import iso
from ops.desk.masked_records import masked_sentence
from ops.desk.masking import masked_text
from ops.desk.order_table import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from chalicelib.orders.record import Status
    from chalicelib.services.message import Message
    from chalicelib.texts import Texts
    from ops.desk.hidden_letters import Hidden
    from ops.roles.denial import Denial

DETAIL_ATTRIBUTE = "unreadableDetail"
"""The attribute of a message that holds the processor's sentence, as JSON."""


class Known(StrEnum):
    """The record store's answer about a letter's order."""

    UNREADABLE = "unreadable"
    NOTHING = "nothing"
    OTHER_SUBMISSION = "other submission"
    THIS_SUBMISSION = "this submission"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """
    A dead letter, decoded.

    `order_id` is None if no order can be read from it. `reason` is an unreadable order's code, or
    `receives_exhausted`. `detail` is the processor's sentence, or text of another origin as it is.
    `last_seen_at` is when it was last known to be handled before this look.
    `known` and `status` are what the record store says now.
    """

    message: Message
    order_id: str | None
    submission_id: str
    reason: str
    detail: Sentence | str | None
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    known: Known
    status: Status | None = None

    @property
    def message_id(self) -> str:
        return self.message.message_id

    @property
    def identity(self) -> Identity | None:
        """The submission that this letter is a copy of; None if no order can be read from it."""
        if self.order_id is None:
            return None
        return Identity(self.order_id, self.submission_id, sha256_of(self.message.body))

    @property
    def masked(self) -> Self:
        """The letter as a list shows it: a sender chooses the submission's id."""
        return replace(self, submission_id=masked_text(self.submission_id))

    def sent_by(self, *, show_accounts: bool = False) -> str | None:
        """Return who put the message on its queue, by SQS's own word: after a redrive, another."""
        sender = self.message.sender_id
        return sender if show_accounts or sender is None else masked_text(sender)

    def attributes(self, *, show_accounts: bool = False) -> dict[str, str | None]:
        """
        Return the message's attributes: names and values may hold an account, as a text may.

        Of bytes only their number is shown, and with the accounts their base64.
        """
        return {
            name if show_accounts else masked_text(name): self._shown(name, show_accounts)
            for name in self.message.message_attributes
        }

    def _shown(self, name: str, show_accounts: bool) -> str | None:
        base64 = self.message.message_attributes[name].get("binaryValue")
        if base64:
            return f"binary, {len(b64decode(base64)):,} bytes" + (
                f", in base64: {base64}" if show_accounts else ""
            )
        value = self.message.attribute(name)
        return value if value is None or show_accounts else masked_text(value)

    def written_detail(self, texts: Texts, *, show_accounts: bool = False) -> str | None:
        """Write the detail in the language of the texts. It may quote an order: it is data."""
        match self.detail:
            case Sentence() as sentence:
                return texts.sentence(sentence if show_accounts else masked_sentence(sentence))
            case str(text):
                return text if show_accounts else masked_text(text)
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Selection:
    """A choice of letters: they meet every condition that is given. Without any, all."""

    message_ids: frozenset[str] = frozenset()
    reason: str | None = None
    order_id: str | None = None
    since: datetime | None = None

    def takes(self, letter: DeadLetter) -> bool:
        return (
            (not self.message_ids or letter.message_id in self.message_ids)
            and self.reason in (None, letter.reason)
            and self.order_id in (None, letter.order_id)
            and (self.since is None or _since(letter, self.since))
        )

    def __str__(self) -> str:
        conditions = {
            "message": ", ".join(sorted(self.message_ids)),
            "reason": self.reason,
            "order": self.order_id,
            "since": iso(self.since) if self.since else None,
        }
        return ", ".join(f"{name} {value}" for name, value in conditions.items() if value) or "all"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The letters that a redrive or a discard will take: these, and none that come later.

    Bound to their ids, so that a letter that fails again and comes back is not taken twice.
    """

    selection: Selection
    message_ids: frozenset[str]
    by_reason: Mapping[str, int]
    by_known: Mapping[str, int]
    hidden: Hidden | None = None

    @property
    def is_whole(self) -> bool:
        """Tell whether all was looked at: no letter is hidden, or all that were named are found."""
        named = self.selection.message_ids
        return not (self.hidden and self.hidden.count) or bool(named and not self.missing)

    @property
    def count(self) -> int:
        return len(self.message_ids)

    @property
    def missing(self) -> list[str]:
        """Ids that were named, but can't be received or don't meet the other conditions."""
        return sorted(self.selection.message_ids - self.message_ids)


@dataclass(frozen=True, slots=True)
class Handled:
    """
    A letter that was handled. `error` says why it is still there, or is None.

    `denial`: the right that the operator lacks for it.
    """

    letter: DeadLetter
    error: str | None = None
    denial: Denial | None = None


def _since(letter: DeadLetter, since: datetime) -> bool:
    return letter.last_seen_at is not None and letter.last_seen_at >= since
