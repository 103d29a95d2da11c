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

Within one life of a key, for POSTs that were checked:

- It lets one order in. Two orders under one key both get past the check only if it expired between
  them, or if one of them was unchecked.
- It never refuses its own order: what got past the check once is not refused later, however often
  it is handed in. So an order that is refused although it is on a queue was unchecked before, or
  its sender has outwaited the key's life.
- An order that a sender hands in again after a checked answer is marked as a replay. A first one is
  marked only if the SDK put its key twice, as the answer to the first put was lost.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.simulation.model import HandedIn
from tests.simulation.posts import Reply, Sender, Status
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
        if ended.reply is None:
            return None
        post, reply = ended.post, ended.reply
        uses = list(self._other_uses(before, post.sender))
        own = [use for use in uses if self._is_own(use.sender, post.sender)]
        others = [use for use in uses if not self._is_own(use.sender, post.sender)]
        match reply.status:
            case Status.KEY_REUSED:
                wrong = self._wrong_refusal(ended, reply, own, others)
                return wrong or self._refused_but_queued(post.sender, own, after)
            case Status.UNCONFIRMED if not post.unconfirmed:
                return "an order waits for the check of its key"
            case Status.QUEUED if reply.submission_id != self._given(post.sender).submission_id:
                return "a submission id is not the one of its caller's key"
        return _wrong_pass(ended, reply, own, others)

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
        if not rivals or _passed_in_the_life_of(ended, own):
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


def _wrong_pass(ended: Ended, reply: Reply, own: list[Use], others: list[Use]) -> str | None:
    post = ended.post
    if post.unchecked:
        return "an unchecked order is called a replay" if reply.replayed else None
    if any(use.told and use.told.refused and _in_one_life(ended, use.told) for use in own):
        return OWN_REFUSED
    if _passed_in_the_life_of(ended, others):
        return "one key lets two orders in"
    if reply.status is not Status.QUEUED:
        return None
    if reply.replayed and not own and not post.put_twice:
        return "a first attempt is called a replay"
    before = [use for use in own if use.sender == post.sender]
    if not reply.replayed and _passed_in_the_life_of(ended, before):
        return "a replay is not called one"
    return None


def _passed_in_the_life_of(ended: Ended, uses: list[Use]) -> bool:
    return any(use.told and use.told.passed and _in_one_life(ended, use.told) for use in uses)


def _in_one_life(ended: Ended, told: Told) -> bool:
    """Say whether no key can have expired between the beginning of the one and the other's end."""
    return ended.post.day == ended.day == told.began == told.ended
