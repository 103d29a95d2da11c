"""
A simulated AWS: the contents of S3, DynamoDB and SQS as a value, and the effect of each call.

Nothing here changes in place: a call makes a new `World`. So one world can be the beginning of any
number of futures, and two schedules that lead to equal worlds are known to have equal futures.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

# As the design names it: the other items of the table are records.
KEY_RECORD_ID = "#key"


class Place(StrEnum):
    """The place of a message."""

    QUEUE = "the queue"
    DEAD_LETTERS = "the dead-letter queue"
    # Kept, since a standard queue may, rarely, deliver a message again although it was deleted.
    DELETED = "deleted"


class StoredObject(NamedTuple):
    """An object in the bucket. `version` tells an overwritten one from the first."""

    key: str
    body: str
    version: int


class StoredItem(NamedTuple):
    """An item of the table, as JSON."""

    order_id: str
    record_id: str
    json: str


class StoredMessage(NamedTuple):
    """A message that was sent, at whatever place it is now."""

    message_id: str
    body: str
    attributes: tuple[tuple[str, str], ...]
    place: Place
    receive_count: int = 0

    @property
    def receipt(self) -> str:
        """The receipt handle of its last delivery."""
        return f"{self.message_id}/{self.receive_count}"


class World(NamedTuple):
    """All that is kept in AWS. The table's items are parted: the records, and the used keys."""

    objects: tuple[StoredObject, ...] = ()
    items: tuple[StoredItem, ...] = ()
    keys: tuple[StoredItem, ...] = ()
    messages: tuple[StoredMessage, ...] = ()
    sent: int = 0

    def item(self, order_id: str, record_id: str) -> StoredItem | None:
        held = self.keys if record_id == KEY_RECORD_ID else self.items
        return next((i for i in held if i[:2] == (order_id, record_id)), None)

    def at(self, place: Place) -> list[StoredMessage]:
        """Return the messages at a place, in the order sent."""
        return [message for message in self.messages if message.place is place]

    def with_message(self, changed: StoredMessage) -> "World":
        """Return the world in which a message has changed."""
        messages = [
            changed if message.message_id == changed.message_id else message
            for message in self.messages
        ]
        return self._replace(messages=tuple(messages))

    def with_sent(
        self, body: str, attributes: Iterable[tuple[str, str]], place: Place = Place.QUEUE
    ) -> "World":
        """Return the world after one message more was sent, under an id of its own."""
        number = self.sent + 1
        message = StoredMessage(f"message-{number}", body, tuple(sorted(attributes)), place)
        return self._replace(messages=(*self.messages, message), sent=number)


@dataclass(frozen=True, slots=True)
class PutObject:
    """S3 PutObject."""

    key: str
    body: str
    if_absent: bool

    def __str__(self) -> str:
        return f"S3 PutObject {_shortened(self.key)}"


@dataclass(frozen=True, slots=True)
class PutItem:
    """
    DynamoDB PutItem; `if_absent` is the condition that the slot is free.

    An item that expired at `replaces_expired`, in seconds of the epoch, or before counts as absent.
    """

    order_id: str
    record_id: str
    item: str
    if_absent: bool
    returns_old: bool
    replaces_expired: int | None = None

    def __str__(self) -> str:
        item = json.loads(self.item)
        if self.record_id == KEY_RECORD_ID:
            return f"DynamoDB PutItem of the key for {_shortened(item['payloadSha256']['S'])}"
        what = item["status"]["S"] + (" duplicate" if item["isDuplicate"]["BOOL"] else "")
        return f"DynamoDB PutItem {self.order_id} {_shortened(self.record_id)} {what}"


@dataclass(frozen=True, slots=True)
class InsertItem:
    """
    One statement of DynamoDB BatchExecuteStatement: an INSERT, which never replaces an item.

    The statements of a call are not atomic together: what others do may come between any two, and
    a crash or a time-out may leave some done and some not. So each is a step of its own.
    """

    order_id: str
    record_id: str
    item: str
    number: int

    def __str__(self) -> str:
        return (
            f"DynamoDB INSERT {self.number} of a batch {self.order_id} {_shortened(self.record_id)}"
        )


@dataclass(frozen=True, slots=True)
class GetItem:
    """DynamoDB GetItem."""

    order_id: str
    record_id: str
    consistent: bool

    def __str__(self) -> str:
        return f"DynamoDB GetItem {self.order_id} {_shortened(self.record_id)}"


@dataclass(frozen=True, slots=True)
class SendMessage:
    """SQS SendMessage."""

    place: Place
    body: str
    attributes: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"SQS SendMessage to {self.place}"


@dataclass(frozen=True, slots=True)
class DeleteMessages:
    """SQS DeleteMessageBatch on the orders' queue."""

    receipts: tuple[str, ...]

    def __str__(self) -> str:
        ids = [receipt.split("/")[0] for receipt in self.receipts]
        return f"SQS DeleteMessageBatch {', '.join(ids)}"


Call = PutObject | PutItem | InsertItem | GetItem | SendMessage | DeleteMessages


class Outcome(StrEnum):
    """The answer to a call, in a word."""

    WRITTEN = "written"
    OBJECT_EXISTS = "412, it is there already"
    SLOT_TAKEN = "condition failed, the slot is taken"
    FOUND = "found"
    NOT_FOUND = "not found"
    SENT = "sent"
    DELETED = "deleted"
    STALE_RECEIPT = "answered, but the receipt was too old: not deleted"
    PARTLY_DELETED = "only the first was deleted"
    THROTTLED = "throttled"
    CONFLICT = "409, a write to the key is going on"
    TIMED_OUT = "timed out"
    # Not an answer of AWS: the worker does not make the call any more.
    OUT_OF_TIME = "out of time"


class Answer(NamedTuple):
    """The answer that a caller gets to its call."""

    outcome: Outcome
    item: str | None = None


class Effect(NamedTuple):
    """A call that took effect: the world after it, and its answer."""

    world: World
    answer: Answer


def take_effect(world: World, call: Call, by: int) -> Iterator[Effect]:
    """
    Yield every possible effect of a call where nothing fails. Mostly there is one.

    There are two where AWS does not promise which: a read that is not consistent, a receipt handle
    of an earlier delivery. `by` is the number of the delivery that makes the call.
    """
    match call:
        case PutObject():
            yield _put_object(world, call, by)
        case PutItem():
            yield _put_item(world, call)
        case InsertItem(order_id, record_id, item):
            put = PutItem(order_id, record_id, item, if_absent=True, returns_old=False)
            yield _put_item(world, put)
        case GetItem(order_id, record_id, consistent):
            found = world.item(order_id, record_id)
            if found:
                yield Effect(world, Answer(Outcome.FOUND, found.json))
            if not found or not consistent:
                yield Effect(world, Answer(Outcome.NOT_FOUND))
        case SendMessage(place, body, attributes):
            yield Effect(world.with_sent(body, attributes, place), Answer(Outcome.SENT))
        case DeleteMessages(receipts):
            yield Effect(deleted(world, receipts), Answer(Outcome.DELETED))
            fresh = current_receipts(world, receipts)
            if fresh != receipts:
                yield Effect(deleted(world, fresh), Answer(Outcome.STALE_RECEIPT))


def deleted(world: World, receipts: Iterable[str]) -> World:
    """Return the world without the messages that the receipt handles were given for."""
    ids = {receipt.split("/")[0] for receipt in receipts}
    for message in world.at(Place.QUEUE):
        if message.message_id in ids:
            world = world.with_message(message._replace(place=Place.DELETED))
    return world


def current_receipts(world: World, receipts: Iterable[str]) -> tuple[str, ...]:
    """Pick the receipt handles that are of their message's last delivery."""
    current = {message.receipt for message in world.messages}
    return tuple(receipt for receipt in receipts if receipt in current)


def item_json(item: Mapping[str, Any]) -> str:
    """Write an item as text: equal items have equal texts."""
    return json.dumps(item, sort_keys=True)


def _put_object(world: World, call: PutObject, by: int) -> Effect:
    kept = {stored.key: stored for stored in world.objects}
    if call.if_absent and call.key in kept:
        return Effect(world, Answer(Outcome.OBJECT_EXISTS))
    kept[call.key] = StoredObject(call.key, call.body, by)
    return Effect(world._replace(objects=tuple(sorted(kept.values()))), Answer(Outcome.WRITTEN))


def _put_item(world: World, call: PutItem) -> Effect:
    holder = world.item(call.order_id, call.record_id)
    if call.if_absent and holder and not _has_expired(holder, call.replaces_expired):
        return Effect(world, Answer(Outcome.SLOT_TAKEN, holder.json if call.returns_old else None))
    written = StoredItem(call.order_id, call.record_id, call.item)
    if call.record_id == KEY_RECORD_ID:
        world = world._replace(keys=_with_item(world.keys, holder, written))
    else:
        world = world._replace(items=_with_item(world.items, holder, written))
    return Effect(world, Answer(Outcome.WRITTEN))


def _with_item(
    items: tuple[StoredItem, ...], holder: StoredItem | None, written: StoredItem
) -> tuple[StoredItem, ...]:
    others = [item for item in items if item is not holder]
    return tuple(sorted((*others, written)))


def _has_expired(item: StoredItem, at_seconds: int | None) -> bool:
    return at_seconds is not None and expiry_seconds(item) <= at_seconds


def expiry_seconds(item: StoredItem) -> int:
    """Read when a key expires, in seconds of the epoch."""
    return int(json.loads(item.json)["expiresAt"]["N"])


def _shortened(text: str) -> str:
    """Shorten each SHA-256 in the text: nobody wants to read its 64 digits."""
    words = text.replace("-", " ").replace("#", " ").replace(".", " ").split()
    for word in words:
        if len(word) == 64:
            text = text.replace(word, word[:6])
    return text
