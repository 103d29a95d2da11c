"""Fakes of the adapters. Each passes the contract suite that its adapter passes."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from chalicelib.aws.dynamodb import RECORDS_AT_ONCE
from chalicelib.aws.items import Item, audit_partition, from_item, listed_from_item, to_item
from chalicelib.aws.key_store import EXPIRES_AT, KEY_PREFIX, key_item, used_key
from chalicelib.orders.record import FIRST_SLOT, OWN_SLOT_PREFIX, Listed, Record
from chalicelib.orders.submission import Submission
from chalicelib.services.keys import UsedKey
from chalicelib.services.message import Message
from chalicelib.services.message_attributes import Attributes, packed, string_attribute
from chalicelib.services.outgoing import Outgoing
from chalicelib.services.paging import HistoryPosition
from chalicelib.services.processed import Processed
from chalicelib.services.queries import AuditFilter, AuditPage
from chalicelib.services.unavailable import StoreUnavailable


class Outages:
    """Makes a fake fail on demand."""

    def __init__(self) -> None:
        self._down = False

    @contextmanager
    def outage(self, down: bool = True) -> Iterator[None]:
        """All calls fail for as long as the block lasts, unless `down` is false."""
        self._down = down
        try:
            yield
        finally:
            self._down = False

    def _fail_if_down(self, operation: str) -> None:
        if self._down:
            raise StoreUnavailable(f"{operation}: ServiceUnavailable")


class FakeRecordStore(Outages):
    """Records in memory."""

    def __init__(self, audit_shards: int = 4, most_at_once: int = 25) -> None:
        super().__init__()
        self.audit_shards = audit_shards
        self.most_at_once = most_at_once
        self.calls: list[str] = []
        self._items: dict[tuple[str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def take(self, record: Record) -> Record | None:
        self._fail_if_down("PutItem")
        key = (record.order_id, record.record_id)
        with self._lock:
            self.calls.append("take")
            if key in self._items:
                return from_item(self._items[key])
            self._items[key] = to_item(record, self.audit_shards)
        return None

    def take_free(self, records: Sequence[Record]) -> list[bool]:
        self._fail_if_down("BatchExecuteStatement")
        with self._lock:
            self.calls.append("take_free")
            if len({(record.order_id, record.record_id) for record in records}) < len(records):
                return [False] * len(records)
            return [self._written(record) for record in records]

    def _written(self, record: Record) -> bool:
        item = to_item(record, self.audit_shards)
        return self._items.setdefault((record.order_id, record.record_id), item) is item

    def put_by_hand(self, item: Item) -> None:
        """Put an item as someone may who has the right to."""
        self._items[item["orderId"]["S"], item["recordId"]["S"]] = item

    def read_shared_slots(self, order_id: str) -> list[Listed]:
        self._fail_if_down("Query")
        return [_of_slot(each) for each in self._of(order_id) if each.record_id < OWN_SLOT_PREFIX]

    def read_order(self, order_id: str) -> tuple[list[Listed], list[Listed] | None]:
        self._fail_if_down("Query")
        self.calls.append("read_order")
        is_short = len(self._of(order_id)) < RECORDS_AT_ONCE
        history, _ = FakeRecordStore.read_history(self, order_id, None, RECORDS_AT_ONCE)
        return self.read_shared_slots(order_id), history if is_short else None

    def read_own_slots(self, order_id: str, submission_id: str, limit: int) -> list[Listed]:
        self._fail_if_down("Query")
        prefix = f"{OWN_SLOT_PREFIX}{submission_id}#"
        own = [each for each in self._of(order_id) if each.record_id.startswith(prefix)]
        return [_of_slot(each) for each in own[:limit]]

    def read_slot(self, order_id: str, record_id: str) -> Listed | None:
        self._fail_if_down("GetItem")
        item = self._items.get((order_id, record_id))
        return listed_from_item(item) if item else None

    def read_history(
        self,
        order_id: str,
        after: HistoryPosition | None,
        limit: int,
        channel: str | None = None,
    ) -> tuple[list[Listed], HistoryPosition | None]:
        self._fail_if_down("Query")
        positions = sorted(
            (
                (HistoryPosition(each.audit_position, each.record_id), each)
                for each in self._of(order_id)
                # As the index: it lists what has its key.
                if each.record_id != FIRST_SLOT and each.audit_position
            ),
            key=itemgetter(0),
        )
        left = [(place, record) for place, record in positions if after is None or place > after]
        page = left[:limit]
        only = AuditFilter(channel=channel)
        shown = [
            _listed(record)
            for place, record in page
            if _matches(self._items[order_id, place.record_id], only)
        ]
        return shown, page[-1][0] if len(left) > len(page) else None

    def read_audit(
        self, day: date, shard: int, before: str, limit: int, only: AuditFilter
    ) -> AuditPage:
        self._fail_if_down("Query")
        of_shard = sorted(
            (item["auditPosition"]["S"], key)
            for key, item in self._items.items()
            if item.get("auditPartition") == {"S": audit_partition(day, shard)}
        )
        left = [entry for entry in reversed(of_shard) if entry[0] < before]
        page = left[:limit]
        matching = [self._items[key] for _, key in page if _matches(self._items[key], only)]
        return AuditPage(
            tuple(_listed(listed_from_item(item)) for item in matching),
            page[-1][0] if len(left) > len(page) else None,
            len(page),
        )

    def check(self) -> None:
        self._fail_if_down("GetItem")

    def of(self, order_id: str) -> list[Record]:
        """All records of an order, in the order of their slots."""
        return [from_item(self._items[key]) for key in sorted(self._items) if key[0] == order_id]

    def _of(self, order_id: str) -> list[Listed]:
        return [
            listed_from_item(self._items[key]) for key in sorted(self._items) if key[0] == order_id
        ]

    def items(self) -> list[Item]:
        """All items, as the table has them."""
        return list(self._items.values())

    def all(self) -> list[Record]:
        """All records."""
        return [from_item(item) for item in self._items.values()]


def _listed(listed: Listed) -> Listed:
    """Return a record as an index lists it: without its payload and the traceparent."""
    if not isinstance(listed, Record):
        return listed
    return listed._replace(payload=None, traceparent=None)


def _of_slot(listed: Listed) -> Listed:
    """Return a record as its slot is read: without its payload."""
    return listed._replace(payload=None) if isinstance(listed, Record) else listed


def _channel(item: Item) -> str | None:
    own: str | None = item.get("terms", {}).get("M", {}).get("channel", {}).get("S")
    return own or item.get("messageChannel", {}).get("S")


def _matches(item: Item, only: AuditFilter) -> bool:
    found = AuditFilter(
        item.get("status", {}).get("S"),
        item.get("valid", {}).get("BOOL"),
        item.get("isDuplicate", {}).get("BOOL"),
        _channel(item),
    )
    return all(wanted in (None, value) for wanted, value in zip(only, found, strict=True))


class FakeKeyStore(Outages):
    """Used keys in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self._items: dict[str, Item] = {}
        self._lock = threading.Lock()

    def take(self, key: UsedKey, now: datetime) -> UsedKey | None:
        self._fail_if_down("PutItem")
        with self._lock:
            self.calls.append("take")
            holder = self._items.get(key.submission_id)
            if holder and not _is_expired(holder, now):
                return used_key(holder)
            self._items[key.submission_id] = key_item(key)
        return None

    def put_by_hand(self, item: Item) -> None:
        """Put an item as someone may who has the right to."""
        self._items[item["orderId"]["S"].removeprefix(KEY_PREFIX)] = item

    def items(self) -> list[Item]:
        """All items, as the table has them."""
        return list(self._items.values())


def _is_expired(item: Item, now: datetime) -> bool:
    """Compare as DynamoDB does: what is no number is never less."""
    expires_at = item.get(EXPIRES_AT, {}).get("N")
    return expires_at is not None and Decimal(expires_at) <= int(now.timestamp())


class FakeArchive(Outages):
    """Orders' JSON in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.calls: list[str] = []

    def keep(self, submission: Submission) -> None:
        self._fail_if_down("PutObject")
        self.calls.append("keep")
        self.objects.setdefault(submission.archive_key, submission.order.payload.encode())

    def presigned_url(self, key: str) -> str:
        return f"https://archive.example/{key}?signed"

    def check(self) -> None:
        self._fail_if_down("HeadBucket")


@dataclass
class SentMessage:
    """A message that was put on a queue."""

    body: str
    message_attributes: Attributes

    @property
    def attributes(self) -> dict[str, str]:
        """The values of the string attributes."""
        return {
            name: attribute["stringValue"]
            for name, attribute in self.message_attributes.items()
            if "stringValue" in attribute
        }


class FakeQueue(Outages):
    """Two queues in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[SentMessage] = []
        self.dead_letters: list[SentMessage] = []
        self.deleted: list[str] = []

    def send(self, payload: str, attributes: Mapping[str, str | None]) -> None:
        self._fail_if_down("SendMessage")
        given = {name: value for name, value in attributes.items() if value is not None}
        self.sent.append(SentMessage(payload, _strings(given)))

    def send_batch(self, messages: Sequence[Outgoing]) -> list[str | None]:
        self._fail_if_down("SendMessageBatch")
        for message in messages:
            self.send(message.payload, message.attributes)
        return [None] * len(messages)

    def send_to_dead_letters(self, message: Message, attributes: Mapping[str, str]) -> None:
        self._fail_if_down("SendMessage")
        all_of_them = packed({**message.message_attributes, **_strings(attributes)})
        self.dead_letters.append(SentMessage(message.body, all_of_them))

    def delete(self, messages: Sequence[Message]) -> None:
        self._fail_if_down("DeleteMessageBatch")
        self.deleted += [message.message_id for message in messages]

    def waiting(self) -> int:
        self._fail_if_down("GetQueueAttributes")
        return len(self.sent)

    def dead_letters_waiting(self) -> int:
        self._fail_if_down("GetQueueAttributes")
        return len(self.dead_letters)


def _strings(values: Mapping[str, str]) -> Attributes:
    return {name: string_attribute(value) for name, value in values.items()}


@dataclass
class FakeReporter:
    """Keeps what it is told."""

    suspects: list[list[str]] = field(default_factory=list)
    messages: list[Processed] = field(default_factory=list)
    batches: list[Sequence[Processed]] = field(default_factory=list)
    undeleted: list[int] = field(default_factory=list)
    unchecked: list[tuple[str, str]] = field(default_factory=list)

    def suspects_tried(self, suspects: Sequence[Message]) -> None:
        self.suspects.append([message.message_id for message in suspects])

    def processed(self, processed: Processed) -> None:
        self.messages.append(processed)

    def batch_processed(self, batch: Sequence[Processed]) -> None:
        self.batches.append(batch)

    def left_undeleted(self, count: int, error: StoreUnavailable) -> None:
        assert str(error)
        self.undeleted.append(count)

    def key_unchecked(
        self, error: StoreUnavailable, *, submission_id: str, request_id: str
    ) -> None:
        assert str(error)
        self.unchecked.append((submission_id, request_id))
