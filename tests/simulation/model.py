"""
The model: the rules once more, written independently of the code under test.

The model knows nothing of slots and conditional puts. It derives the records of an orderId from its
submissions, processed one after the other in some order. One such order must explain the records
that a schedule leaves behind. The model reads items and objects by itself.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import chain, permutations
from typing import Any, NamedTuple

from tests.simulation.world import Place, StoredItem, StoredMessage, World

COMPARED = ("amount", "fromAccount", "toAccount", "channel")


@dataclass(frozen=True)
class HandedIn:
    """One submission, as the channel that handed it in knows it."""

    submission_id: str
    text: str
    # None: no order can be read from the text.
    order_id: str | None
    # The values that are read from the fields that are not at fault.
    values: tuple[tuple[str, str], ...] = ()
    errors: tuple[tuple[str, str], ...] = ()
    # Put on the queue by a channel itself, without any message attribute.
    plain: bool = False

    @cached_property
    def identity(self) -> tuple[str, str]:
        return self.submission_id, sha256_of(self.text)

    def value(self, name: str) -> str | None:
        return dict(self.values).get(name)


class Kept(NamedTuple):
    """The record of a submission, apart from when it was processed."""

    order_id: str
    identity: tuple[str, str]
    status: str
    is_duplicate: bool
    errors: tuple[tuple[str, str], ...]
    values: tuple[str | None, ...]
    differs: tuple[str, ...]
    payload: str | None
    archived: bool


def history(submissions: Sequence[HandedIn]) -> Iterator[Kept]:
    """Derive the records of one orderId whose submissions are processed in this order."""
    accepted: HandedIn | None = None
    for place, submission in enumerate(submissions):
        status = "REJECTED"
        differs: tuple[str, ...] = ()
        if not submission.errors and accepted is None:
            status, accepted = "ACCEPTED", submission
        elif not submission.errors and accepted is not None:
            status, differs = "DUPLICATE", _differing(submission, accepted)
        yield Kept(
            order_id=str(submission.order_id),
            identity=submission.identity,
            status=status,
            is_duplicate=place > 0,
            errors=submission.errors,
            values=tuple(submission.value(name) for name in COMPARED),
            differs=differs,
            payload=submission.text if submission.errors else None,
            archived=not submission.errors,
        )


def _telling_orders(submissions: Sequence[HandedIn]) -> Iterator[list[HandedIn]]:
    """Yield every order that can matter: only the first, and the first valid one, do."""
    for beginning in permutations(submissions, min(2, len(submissions))):
        yield [*beginning, *(given for given in submissions if given not in beginning)]


@dataclass(frozen=True)
class Model:
    """
    The rules for a world in which these submissions were handed in.

    Those that were `tried` besides may be there: their senders have no answer, or a failure.
    """

    handed_in: tuple[HandedIn, ...]
    tried: tuple[HandedIn, ...] = ()
    _checked: dict[World, str | None] = field(default_factory=dict)

    @cached_property
    def readable(self) -> dict[tuple[str, str], HandedIn]:
        """The submissions that may be recorded, each once: a resend is no other submission."""
        known = (*self.handed_in, *self.tried)
        return {given.identity: given for given in known if given.order_id is not None}

    def violation(self, world: World) -> str | None:
        """Say what is wrong with the world as it is at any moment; None if nothing is."""
        if world not in self._checked:
            self._checked[world] = self._wrong_records(world) or self._lost(world)
        return self._checked[world]

    def violation_when_settled(self, world: World) -> str | None:
        """Say what is wrong once everything was delivered, redriven, and delivered again."""
        if world.at(Place.QUEUE):
            return "a message stays on the queue for ever"
        recorded = {kept(item).identity for item in world.items}
        for given in self.handed_in:
            if given.order_id is not None and given.identity not in recorded:
                return f"{given.submission_id} is never recorded"
        for submission_id, _ in recorded - self.readable.keys():
            return f"{submission_id} is recorded, but was never handed in with such a payload"
        unreadable = {given.text for given in self.handed_in if given.order_id is None}
        for message in world.at(Place.DEAD_LETTERS):
            if message.body not in unreadable:
                return f"{message.message_id} can be read, and stays in the dead-letter queue"
            if not dict(message.attributes).get("unreadableReason"):
                return f"{message.message_id} is in the dead-letter queue without the reason"
        return self.violation(world)

    def _lost(self, world: World) -> str | None:
        recorded = {kept(item).identity for item in world.items}
        # Records under a wrong identity: `violation_when_settled` reports them.
        misnamed = {sha256 for _, sha256 in recorded - self.readable.keys()}
        waiting = [*world.at(Place.QUEUE), *world.at(Place.DEAD_LETTERS)]
        for given in self.handed_in:
            if given.identity in recorded or given.identity[1] in misnamed:
                continue
            if not any(_carries(message, given) for message in waiting):
                return f"{given.submission_id} is lost: neither recorded, nor on a queue"
        return None

    def _wrong_records(self, world: World) -> str | None:
        by_order: dict[str, list[Kept]] = defaultdict(list)
        for item in world.items:
            by_order[item.order_id].append(kept(item))
        wrong_objects = (self._wrong_object(world, item) for item in world.items)
        wrong_histories = (self._wrong_history(records) for records in by_order.values())
        return next(filter(None, chain(wrong_objects, wrong_histories)), None)

    def _wrong_object(self, world: World, item: StoredItem) -> str | None:
        record, key = kept(item), s3_key(item)
        if key is None:
            return None
        body = next((stored.body for stored in world.objects if stored.key == key), None)
        if body is None:
            return f"the record of {record.identity[0]} has an s3Key without an object"
        if sha256_of(body) != record.identity[1]:
            return f"the object of {record.identity[0]} is not what was received"
        return None

    def _wrong_history(self, records: list[Kept]) -> str | None:
        recorded = Counter(record.identity[1] for record in records)
        handed_in = Counter(sha256 for _, sha256 in self.readable)
        if recorded - handed_in:
            return "a submission is recorded more than once"
        if sum(record.status == "ACCEPTED" for record in records) > 1:
            return "more than one record is ACCEPTED"
        if sum(not record.is_duplicate for record in records) != 1:
            return "not exactly one record has isDuplicate=false"
        submissions = [self.readable.get(record.identity) for record in records]
        known = [submission for submission in submissions if submission is not None]
        # A record under a wrong identity: `violation_when_settled` reports it.
        if len(known) < len(records):
            return None
        if not any(set(history(order)) == set(records) for order in _telling_orders(known)):
            return f"no order of the submissions explains the records: {_shown(records)}"
        return None


def violation_of_change(before: World, after: World) -> str | None:
    """Say what is wrong with a step between two worlds: nothing that was written may change."""
    if not set(before.objects) <= set(after.objects):
        return "an object was overwritten"
    if not set(before.items) <= set(after.items):
        return "a record was changed"
    return None


@lru_cache(maxsize=100_000)
def kept(item: StoredItem) -> Kept:
    """Read an item by the names that the design gives its attributes."""
    value: dict[str, dict[str, Any]] = json.loads(item.json)
    terms = value["terms"]["M"]
    return Kept(
        order_id=value["orderId"]["S"],
        identity=(value["submissionId"]["S"], value["payloadSha256"]["S"]),
        status=value["status"]["S"],
        is_duplicate=value["isDuplicate"]["BOOL"],
        errors=tuple(
            (error["M"]["field"]["S"], error["M"]["code"]["S"]) for error in value["errors"]["L"]
        ),
        values=tuple(_value(terms, name) for name in COMPARED),
        differs=tuple(name["S"] for name in value["differs"]["L"]),
        payload=value.get("payload", {}).get("S"),
        archived="s3Key" in value,
    )


def _value(terms: dict[str, dict[str, str]], name: str) -> str | None:
    """Read a term. DynamoDB's type of it is part of the design: an amount is no text."""
    if name != "amount":
        return terms.get(name, {}).get("S")
    number = terms.get(name, {}).get("N")
    # DynamoDB returns a number in its shortest form.
    return None if number is None else f"{Decimal(number):.2f}"


@lru_cache(maxsize=100_000)
def s3_key(item: StoredItem) -> str | None:
    """Read the key of the object that a record says there is."""
    key: str | None = json.loads(item.json).get("s3Key", {}).get("S")
    return key


@lru_cache(maxsize=1_000)
def sha256_of(text: str) -> str:
    """Hash the text as the design does for a submission's identity: SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()


def _differing(one: HandedIn, other: HandedIn) -> tuple[str, ...]:
    return tuple(name for name in COMPARED if one.value(name) != other.value(name))


def _carries(message: StoredMessage, given: HandedIn) -> bool:
    submission_id = dict(message.attributes).get("submissionId", given.submission_id)
    return (message.body, submission_id) == (given.text, given.submission_id)


def _shown(records: list[Kept]) -> str:
    return "; ".join(
        f"{record.identity[0]} {record.status}"
        + (" duplicate" if record.is_duplicate else "")
        + (f" differs in {', '.join(record.differs)}" if record.differs else "")
        for record in records
    )
