"""Fakes of the desk's adapters. Each passes the contract suite that its adapter passes."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256

from chalicelib.aws.items import Item
from chalicelib.orders.record import OWN_SLOT_PREFIX, Listed, Record
from chalicelib.services.message import Message
from chalicelib.services.message_attributes import Attributes, packed
from chalicelib.services.queries import AuditFilter, AuditPage
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.dead_letter_queue import BATCH_SIZE, Received
from ops.desk.decision_log import Decisions, Entry
from ops.desk.object_failures import CannotRestore, ObjectMissing, ObjectUnreadable
from ops.desk.order_bucket import ArchivedObject, identity_of
from ops.desk.order_table import ArchivedRecord, Identity
from ops.desk.processing import Note, Waiting
from ops.desk.search import Wanted, term_kinds
from ops.processing_switch import Position, SwitchMissing
from tests.builders import START
from tests.fakes import FakeRecordStore, Outages


class Killed(BaseException):
    """The process ends here: no `except Exception` gets it, and nothing after it is done."""


@dataclass
class SentBack:
    """A message that was put on the orders' queue, with attributes in Lambda's form."""

    body: str
    attributes: Attributes

    def attribute(self, name: str) -> str | None:
        return self.attributes.get(name, {}).get("stringValue")


class FakeDeadLetterQueue(Outages):
    """A dead-letter queue that hides a received letter until it is released."""

    def __init__(self, *messages: Message) -> None:
        super().__init__()
        self.messages = {message.message_id: message for message in messages}
        self.hidden: set[str] = set()
        self.sent: list[SentBack] = []
        self.killed_before_delete = False
        self._receipts = itertools.count(1)

    def add(self, *messages: Message) -> None:
        self.messages |= {message.message_id: message for message in messages}

    def pass_time(self) -> None:
        """Let every visibility timeout end."""
        self.hidden.clear()

    def receive(self, visibility_seconds: int, wait_seconds: int) -> list[Received]:
        self._fail_if_down("ReceiveMessage")
        assert 0 < visibility_seconds <= 43_200
        assert 0 < wait_seconds <= 20
        visible = [message for name, message in self.messages.items() if name not in self.hidden]
        return [self._received(message) for message in visible[:BATCH_SIZE]]

    def release(self, messages: Sequence[Message]) -> None:
        self._fail_if_down("ChangeMessageVisibilityBatch")
        self.hidden -= {message.message_id for message in messages}

    def send_back(self, message: Message, attributes: Attributes) -> None:
        self._fail_if_down("SendMessage")
        self.sent.append(SentBack(message.body, packed(attributes)))

    def delete(self, message: Message) -> None:
        self._fail_if_down("DeleteMessage")
        if self.killed_before_delete:
            raise Killed
        self.messages.pop(message.message_id, None)
        self.hidden.discard(message.message_id)

    def depths(self) -> dict[str, int]:
        self._fail_if_down("GetQueueAttributes")
        return {
            "queue": len(self.sent),
            "inFlight": 0,
            "deadLetters": len(self.messages) - len(self.hidden),
            "deadLettersHidden": len(self.hidden),
        }

    def _received(self, message: Message) -> Received:
        received = message._replace(
            receipt_handle=f"receipt-{next(self._receipts)}",
            receive_count=message.receive_count + 1,
        )
        self.messages[message.message_id] = received
        self.hidden.add(message.message_id)
        return Received(received, message.sent_at)


class FakeOrderTable(Outages):
    """The operators' view of the fake record store, and items of the audit trail."""

    def __init__(self, records: FakeRecordStore | None = None, name: str = "orders") -> None:
        super().__init__()
        self.name = name
        self.records = records or FakeRecordStore()
        self.items: dict[tuple[str, str], Item] = {}

    def put_new(self, item: Item) -> None:
        self._fail_if_down("PutItem")
        self.items.setdefault((item["orderId"]["S"], item["recordId"]["S"]), item)

    def newest_of(self, order_id: str) -> Iterator[Item]:
        self._fail_if_down("Query")
        for key in sorted(self.items, reverse=True):
            if key[0] == order_id:
                yield self.items[key]

    def recorded_days(self) -> Iterator[set[date]]:
        self._fail_if_down("Scan")
        yield from _pages(record.processed_at.date() for record in self.records.all())

    def days_of(self, prefix: str) -> Iterator[set[date]]:
        self._fail_if_down("Scan")
        ids = [order_id for order_id, _ in self.items if order_id.startswith(prefix)]
        yield from _pages(_days(each.removeprefix(prefix) for each in ids))

    def archived(
        self, first_day: date | None = None, last_day: date | None = None
    ) -> Iterator[ArchivedRecord]:
        for record in self.valid_records():
            day = record.processed_at.date()
            if not (first_day and last_day) or first_day <= day <= last_day:
                yield ArchivedRecord(record.s3_key or "", record.processed_at)

    def valid_records(self) -> Iterator[Record]:
        self._fail_if_down("Scan")
        yield from (record for record in self.records.all() if record.s3_key)

    def payload(self, order_id: str, record_id: str) -> str:
        self._fail_if_down("GetItem")
        kept = (r.payload for r in self.records.of(order_id) if r.record_id == record_id)
        return next(kept, None) or ""

    def find(self, identities: Iterable[Identity]) -> dict[Identity, Record]:
        self._fail_if_down("BatchGetItem")
        wanted = list(identities)
        found = {
            Identity(record.order_id, record.submission_id, record.payload_sha256): record
            for name in wanted
            for record in self.records.of(name.order_id)
        }
        return {name: found[name] for name in wanted if name in found}

    def accepted_or_first(self, order_ids: Iterable[str]) -> dict[str, Record]:
        self._fail_if_down("BatchGetItem")
        leading = {}
        for order_id in order_ids:
            shared = [r for r in self.records.of(order_id) if r.record_id < OWN_SLOT_PREFIX]
            if shared:
                leading[order_id] = next((r for r in shared if r.valid), shared[0])
        return leading

    def has_records(self) -> bool:
        self._fail_if_down("Scan")
        return bool(self.records.all())


class FakeRecordSearch:
    """The audit of a fake record store, of which only the wanted records are read."""

    def __init__(self, records: FakeRecordStore, wanted: Wanted) -> None:
        self._records = records
        self._wanted = wanted
        self.audit_shards = records.audit_shards

    def read_audit(
        self, day: date, shard: int, before: str, limit: int, only: AuditFilter
    ) -> AuditPage:
        page = self._records.read_audit(day, shard, before, limit, only)
        return page._replace(records=tuple(filter(self._has_it, page.records)))

    def _has_it(self, listed: Listed) -> bool:
        if not isinstance(listed, Record):
            return False
        kinds, sender = term_kinds(), self._wanted.sender
        has_terms = (
            any(listed.terms[name] == value for name in kinds[kind])
            for kind, value in self._wanted.terms.items()
        )
        by = [listed.submitted_by or "", listed.sent_by or ""]
        is_theirs = sender is None or any(
            who == sender.name or (sender.sessions and who.startswith(sender.sessions))
            for who in by
        )
        return all(has_terms) and bool(is_theirs)


class FakeDecisionBucket(Outages):
    """Objects that are written once, in memory."""

    def __init__(self, clock: Callable[[], datetime] = lambda: START) -> None:
        super().__init__()
        self.contents: dict[str, tuple[datetime, bytes]] = {}
        self._clock = clock

    def put_new(self, key: str, content: bytes) -> bool:
        self._fail_if_down("PutObject")
        # S3 tells whole seconds.
        written = (self._clock().replace(microsecond=0), content)
        return self.contents.setdefault(key, written) is written

    def entries(self, prefix: str) -> Iterator[Entry]:
        self._fail_if_down("ListObjectsV2")
        for key in sorted(self.contents):
            if key.startswith(prefix):
                yield Entry(key, self.contents[key][0])

    def read(self, key: str) -> bytes:
        self._fail_if_down("GetObject")
        return self.contents[key][1] if key in self.contents else b""


def decisions_over(
    store: FakeDecisionBucket, clock: Callable[[], datetime], who: str = "ana"
) -> Decisions:
    """Make an operator's decisions over a fake bucket."""
    ids = itertools.count(1)
    return Decisions(store, who=lambda: who, clock=clock, new_id=lambda: f"{who}-{next(ids)}")


@dataclass
class FakeOrderBucket:
    """Objects in memory, each key with all its versions, the newest last; None: it was deleted."""

    versions: dict[str, list[bytes | None]] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    # Keys whose bytes S3 does not give, with the reason; and the digests that it keeps of them.
    unreadable: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, content: bytes, modified_at: datetime = START) -> None:
        self.versions.setdefault(key, []).append(content)
        self.times.setdefault(key, modified_at)

    def replace(self, key: str, content: bytes) -> None:
        """Forge an object and all traces: there is one version, of the same time."""
        self.versions[key] = [content]

    def delete(self, key: str) -> None:
        self.versions[key].append(None)

    def objects(self) -> Iterator[ArchivedObject]:
        for key, versions in sorted(self.versions.items()):
            if versions[-1] is not None:
                only = len([each for each in versions if each is not None]) == 1
                yield ArchivedObject(key, self.times[key], only)

    def payload(self, key: str) -> bytes:
        content = self.versions.get(key, [None])[-1]
        if content is None:
            raise ObjectMissing(key)
        if key in self.unreadable:
            raise ObjectUnreadable(self.unreadable[key])
        return content

    def digest(self, key: str) -> str:
        try:
            return sha256(self.payload(key)).hexdigest()
        except ObjectUnreadable:
            if key not in self.digests:
                raise
            return self.digests[key]

    def versions_under(self, prefix: str, name: str) -> Counter[str]:
        return Counter(
            key
            for key, versions in self.versions.items()
            for version in versions
            if key.startswith(prefix) and key.endswith(f"/{name}") and version is not None
        )

    def exists(self, key: str) -> bool:
        return self.versions.get(key, [None])[-1] is not None

    def restore(self, key: str) -> None:
        identity = identity_of(key)
        if identity is None:
            raise CannotRestore("its key names no SHA-256")
        kept = [each for each in self.versions.get(key, []) if each is not None]
        if not kept:
            raise CannotRestore("the bucket keeps no version of it")
        true = [each for each in kept if sha256(each).hexdigest() == identity.payload_sha256]
        if not true:
            raise CannotRestore("none is known to be the true one")
        if kept[-1] is not true[-1]:
            self.versions[key] += [None, true[-1]]
        while self.versions[key][-1] is None:
            self.versions[key].pop()


def _days(texts: Iterable[str]) -> Iterator[date]:
    for text in texts:
        with suppress(ValueError):
            yield date.fromisoformat(text)


def _pages(days: Iterable[date]) -> Iterator[set[date]]:
    """Make reads of two items each, and of none if there are none."""
    left = iter(days)
    yield set(itertools.islice(left, 2))
    while page := set(itertools.islice(left, 2)):
        yield page


RETENTION = timedelta(days=4)


class FakeSwitch:
    """A switch of the processing. At each turn it notes what `note` says."""

    def __init__(self, note: Callable[[], Note | None] = lambda: None) -> None:
        self.now = Position(is_on=True, batch_size=10, maximum_concurrency=5)
        self.turns: list[Note | None] = []
        self.fails = False
        self.turns_all_the_same = False
        self.missing = False
        self._note = note

    def position(self) -> Position:
        if self.missing:
            raise SwitchMissing("Nothing feeds orders-prod-process_orders from the queue.")
        return self.now

    def turn(self, *, on: bool, maximum_concurrency: int | None = None) -> None:
        self.turns.append(self._note())
        if not self.fails or self.turns_all_the_same:
            most = maximum_concurrency or self.now.maximum_concurrency
            self.now = self.now._replace(is_on=on, maximum_concurrency=most)
        if self.fails:
            raise StoreUnavailable("Lambda UpdateEventSourceMapping: AccessDeniedException")


class FakeOrdersQueue(Outages):
    """An orders' queue with so many messages."""

    def __init__(self) -> None:
        super().__init__()
        self.now = Waiting(1_000, RETENTION)

        self.kept: Note | None = None

    def waiting(self) -> Waiting:
        return self.now

    def note(self) -> Note | None:
        return self.kept

    def put_note(self, note: Note) -> None:
        self._fail_if_down("TagQueue")
        self.kept = note

    def remove_note(self) -> None:
        self.kept = None
