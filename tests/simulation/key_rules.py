"""
The promises of the Idempotency-Key, as a client sees them, written independently of the code.

A *key* is its owner's: another caller's key of the same spelling is another key. An *order* is its
bytes. A key's *life* is the 24 hours after its first use. A POST was *unchecked* if the table did
not confirm whether the key is free: an order is worth more than a check, so it is queued then.

Without exception, for every interleaving, crash, time-out and expiry:

- An order that was answered 202 is on a queue or recorded, and in the end it is recorded once. An
  order without an answer, or with a 503, is recorded once at most.
- An order of which every POST was refused (422) is not on a queue: nothing of it was queued.
- A refusal was checked. Within the same life, another order's POST with the key had begun before,
  and the refusal names that order.
- Only a queue that did not confirm makes a 503. No order waits for the check of its key.
- A sender that tries until it is answered gets 202 or 422, and one order of each key gets 202: no
  key refuses everything.
- The submission id depends on the caller and the key alone.

Within one life of a key, an order *passes* that takes the key, be its put answered or not, or that
is checked and not refused:

- One order passes. So two orders under one key are queued only if it expired between them, or if
  one of them was unchecked.
- What passed once is never refused, even if the POST that took the key died at once: no key refuses
  its own order. So an order that is refused although it is on a queue was unchecked before, or its
  sender has outwaited the key's life.
- An order that its sender hands in again after it passed is marked as a replay, if it is checked. A
  first one is marked only if the SDK put its key twice, as the answer to the first put was lost.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.simulation.model import HandedIn
from tests.simulation.posts import Post, Reply, Sender, Status
from tests.simulation.state import Ended, State, Told

OWN_REFUSED = "a key refuses its own order"


class Use(NamedTuple):
    """Another POST with the same key, at work or at its end."""

    sender: int
    began: int
    told: Told | None


class KeyRules:
    """The rules for these senders."""

    def __init__(self, senders: tuple[Sender, ...]) -> None:
        self._senders = senders

    def answered_202(self, state: State) -> tuple[HandedIn, ...]:
        """Return the orders that may not be lost any more."""
        queued = {told.sender for told in state.posting.told if told.status is Status.QUEUED}
        return tuple(self._senders[number].given for number in sorted(queued))

    def violation(self, before: State, ended: Ended, after: State) -> str | None:
        """Say what is wrong with the end of a POST; None if nothing is."""
        number = ended.post.sender
        uses = list(self._other_uses(before, number))
        own = [use for use in uses if self._is_own(use.sender, number)]
        others = [use for use in uses if not self._is_own(use.sender, number)]
        if ended.passed and _in_one_life(ended, own, refused=True):
            return OWN_REFUSED
        if ended.passed and _in_one_life(ended, others, passed=True):
            return "one key lets two orders in"
        if ended.reply is None:
            return None
        if ended.reply.status is Status.KEY_REUSED:
            wrong = self._wrong_refusal(ended, ended.reply, own, others)
            return wrong or self._refused_but_queued(number, own, after)
        return self._wrong_pass(ended.post, ended.reply) or _wrong_mark(ended, ended.reply, own)

    def violation_when_settled(self, state: State) -> str | None:
        """Say what is wrong once every sender has tried until it was answered."""
        queued = {told.sender for told in state.posting.told if told.status is Status.QUEUED}
        served = {self._senders[number].owned_key for number in queued}
        if not served.issuperset(sender.owned_key for sender in self._senders):
            return "a key lets no order in"
        return None

    def _other_uses(self, state: State, number: int) -> Iterator[Use]:
        """Yield what else was done under a sender's key: one POST of its own is at work."""
        key = self._senders[number].owned_key
        for told in state.posting.told:
            if self._senders[told.sender].owned_key == key:
                yield Use(told.sender, told.began, told)
        for post in state.posting.running:
            if self._senders[post.sender].owned_key == key and post.sender != number:
                yield Use(post.sender, post.day, None)

    def _given(self, number: int) -> HandedIn:
        return self._senders[number].given

    def _is_own(self, one: int, other: int) -> bool:
        return self._given(one).identity == self._given(other).identity

    def _wrong_refusal(
        self, ended: Ended, reply: Reply, own: list[Use], others: list[Use]
    ) -> str | None:
        if ended.post.unchecked:
            return "an order is refused although nobody knows who holds its key"
        rivals = [use for use in others if use.began >= ended.post.day]
        if not rivals or _in_one_life(ended, own, passed=True):
            return OWN_REFUSED
        if reply.order_id not in {self._given(use.sender).order_id for use in rivals}:
            return "a refusal names an order that did not use the key"
        return None

    def _refused_but_queued(self, number: int, own: list[Use], after: State) -> str | None:
        if not all(use.told and use.told.refused for use in own):
            return None
        text = self._given(number).text
        if any(message.body == text for message in after.world.messages):
            return "a refused order is on the queue"
        return None

    def _wrong_pass(self, post: Post, reply: Reply) -> str | None:
        if reply.status is Status.UNCONFIRMED:
            return None if post.unconfirmed else "an order waits for the check of its key"
        if reply.submission_id != self._given(post.sender).submission_id:
            return "a submission id is not the one of its caller's key"
        return None


def _wrong_mark(ended: Ended, reply: Reply, own: list[Use]) -> str | None:
    """Say what is wrong with the mark of a replay."""
    if reply.status is not Status.QUEUED:
        return None
    if reply.replayed:
        if ended.post.unchecked:
            return "an unchecked order is called a replay"
        first = not own and not ended.post.put_twice
        return "a first attempt is called a replay" if first else None
    before = [use for use in own if use.sender == ended.post.sender]
    if _in_one_life(ended, before, passed=True) and not ended.post.unchecked:
        return "a replay is not called one"
    return None


def _in_one_life(
    ended: Ended, uses: list[Use], *, passed: bool = False, refused: bool = False
) -> bool:
    """Whether any passed, or was refused, so that no key can have expired before or between."""
    return any(
        (passed and told.passed) or (refused and told.refused)
        for _, _, told in uses
        if told and ended.post.day == ended.day == told.began == told.ended
    )
