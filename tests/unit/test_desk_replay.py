"""Replaying: all that S3 holds comes back, the rest is named, and no difference is missed."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from typing import Any

import pytest

from chalicelib.orders.record import Record, Status
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from chalicelib.orders.terms import Terms, Value
from ops.desk.audit_trail import AuditTrail
from ops.desk.object_failures import ObjectMissing
from ops.desk.order_bucket import ArchivedObject
from ops.desk.order_table import Identity
from ops.desk.proof import Difference, Progress, Unequal
from ops.desk.replay import Replay, TableNotEmpty
from tests.builders import START, Clock, order_text, sqs_message, submission
from tests.desk_fakes import FakeDecisionBucket, FakeOrderBucket, FakeOrderTable, decisions_over
from tests.fakes import FakeRecordStore


class World:
    """A stage with orders in it, and an empty table."""

    def __init__(self) -> None:
        self.bucket = FakeOrderBucket()
        self.original = FakeOrderTable()
        self.rebuilt = FakeOrderTable(name="rebuilt")
        self.clock = Clock()
        self.trail = AuditTrail(self.original, stage="test", who=lambda: "ana", clock=self.clock)
        self.decisions = decisions_over(FakeDecisionBucket(self.clock), self.clock)
        self.replay = Replay(
            self.bucket, self.trail, self.decisions, executor=lambda: ThreadPoolExecutor(2)
        )
        self.progress = Progress()

    def process(self, order_id: str, submission_id: str | None = None, **changes: Any) -> Record:
        """Process a submission, a second after the one before."""
        self.clock.advance(seconds=1)
        attributes = {"submitted_by": "arn:web", "receive_count": 2}
        made = submission(order_text(order_id, **changes), submission_id, **attributes)
        if made.order.valid:
            self.bucket.put(made.archive_key, made.order.payload.encode(), self.clock())
        return settle(made, self.original.records.take, self.clock()).record

    def rebuild(self, **options: Any) -> list[Unequal]:
        take = self.rebuilt.records.take
        return list(self.replay.rebuild(self.progress, self.rebuilt, take, **options))

    def prove(self) -> list[Difference]:
        unequal = self.replay.prove(self.progress, self.original, self.rebuilt)
        return [each.kind for each in unequal]


def with_terms(record: Record, **changes: Value) -> Record:
    return record._replace(terms=Terms({**record.terms, **changes}))


@pytest.fixture
def world() -> World:
    return World()


def test_the_records_of_valid_orders_come_back_equal(world: World) -> None:
    world.process("a", channel="web")
    world.process("a", amount="12.50")
    world.process("a-b")
    world.process("a")

    assert world.rebuild() == []

    assert world.prove() == []
    assert world.progress.is_equal
    assert (world.progress.rebuilt, world.progress.equal) == (4, 4)
    assert [record.status for record in world.rebuilt.records.of("a")] == [
        Status.ACCEPTED,
        Status.DUPLICATE,
        Status.DUPLICATE,
    ]


def test_a_replay_makes_up_nothing_that_s3_does_not_hold(world: World) -> None:
    world.process("rejected", amount=0)
    world.process("a")

    world.rebuild()

    (record,) = world.rebuilt.records.all()
    assert record.order_id == "a"
    assert (record.receive_count, record.submitted_by) == (0, None)
    assert record.received_at == record.processed_at == world.clock()


def discarded(world: World, order_id: str) -> Submission:
    """Archive a submission that is never recorded, and discard its dead letter."""
    made = submission(order_text(order_id))
    world.bucket.put(made.archive_key, made.order.payload.encode(), world.clock())
    identity = Identity(order_id, made.submission_id, made.order.payload_sha256)
    letter = sqs_message(made.order.payload, submissionId=made.submission_id)
    world.decisions.discard(identity, letter, "resubmitted as order-7b")
    return made


def test_a_replay_leaves_out_what_was_discarded_and_shows_it(world: World) -> None:
    made = discarded(world, "order-7")
    world.process("order-7b")

    (left_out,) = world.rebuild()

    assert (left_out.kind, left_out.key) == (Difference.DISCARDED, made.archive_key)
    assert "resubmitted as order-7b" in str(left_out.decision)
    assert [record.order_id for record in world.rebuilt.records.all()] == ["order-7b"]
    assert world.prove() == []
    assert world.progress.is_equal


def test_the_proof_against_the_archive_expects_no_record_of_what_was_discarded(
    world: World,
) -> None:
    """So it is where the table is gone, and the trail of audit with it."""
    discarded(world, "order-7")
    world.process("order-7b")
    world.rebuild()

    assert list(world.replay.prove_against_archive(world.progress, world.rebuilt)) == []

    assert world.progress.is_equal


def test_a_record_of_what_was_discarded_fails_the_proof_against_the_archive(world: World) -> None:
    made = discarded(world, "order-7")
    settle(made, world.rebuilt.records.take, world.clock())

    (extra,) = world.replay.prove_against_archive(world.progress, world.rebuilt)

    assert extra.kind is Difference.EXTRA
    assert not world.progress.is_equal


def test_another_submission_of_a_discarded_order_comes_back(world: World) -> None:
    discarded(world, "order-7")
    world.process("order-7")

    world.rebuild()

    assert world.prove() == []


def test_what_was_handed_in_again_comes_back(world: World) -> None:
    record = world.process("a")
    world.decisions.hand_in(Identity("a", record.submission_id, record.payload_sha256))

    assert world.rebuild() == []

    assert world.prove() == []


def test_a_correction_comes_back_as_the_first(world: World) -> None:
    world.process("a", amount=0)
    world.process("a")

    world.rebuild()

    assert world.prove() == [Difference.VERDICT]
    assert world.progress.is_equal


def test_a_replay_knows_of_a_channel_in_the_order_only(world: World) -> None:
    """One beside it is no content: the proof holds without it."""
    record = world.process("a")
    world.original.records = FakeRecordStore()
    world.original.records.take(record._replace(message_channel="atm"))

    world.rebuild()

    assert world.prove() == []
    assert [record.message_channel for record in world.rebuilt.records.all()] == [None]


def test_a_replay_reports_submissions_recorded_in_another_sequence(world: World) -> None:
    """Two at the same moment may be archived as A, B and recorded as B, A."""
    first, second = world.process("a", "s-1"), world.process("a", "s-2")
    times = world.bucket.times
    times[first.s3_key or ""], times[second.s3_key or ""] = START + timedelta(9), START

    world.rebuild()

    assert world.prove() == [Difference.VERDICT, Difference.VERDICT]
    assert world.progress.is_equal


@pytest.mark.parametrize(
    "change",
    [
        partial(with_terms, amount=Decimal("1.00")),
        partial(with_terms, toAccount="1"),
        partial(with_terms, channel="atm"),
        partial(Record._replace, payload_sha256="0" * 64),
    ],
    ids=["amount", "toAccount", "channel", "payload_sha256"],
)
def test_another_content_is_not_equal(world: World, change: Callable[[Record], Record]) -> None:
    record = world.process("a")
    world.original.records = FakeRecordStore()
    world.original.records.take(change(record))

    world.rebuild()

    assert world.prove() == [Difference.CONTENT]
    assert not world.progress.is_equal


def test_a_record_without_an_object_is_missing(world: World) -> None:
    world.bucket.delete(world.process("a").s3_key or "")
    world.process("b")

    world.rebuild()

    assert world.prove() == [Difference.MISSING]
    assert not world.progress.is_equal


def test_an_object_without_a_record_is_surplus(world: World) -> None:
    world.process("a")
    world.original.records = FakeRecordStore()

    world.rebuild()

    assert world.prove() == [Difference.EXTRA]
    assert not world.progress.is_equal


def test_an_object_that_contradicts_its_key_makes_no_record(world: World) -> None:
    record = world.process("a")
    world.bucket.put(record.s3_key or "", b"{}")

    (unequal,) = world.rebuild()

    assert unequal == Unequal(Difference.ALTERED, record.s3_key or "")
    assert not world.rebuilt.records.all()
    assert not world.progress.is_equal


@pytest.mark.parametrize(
    "key", ["orders/a\tb/x", "orders/a\nb/x.json", "orders/a\u2028b/x", "orders/"]
)
def test_an_object_under_any_key_is_a_finding_and_stops_nothing(world: World, key: str) -> None:
    world.process("z")
    world.bucket.put(key, b"{}")

    assert world.rebuild() == [Unequal(Difference.UNREADABLE, key)]

    assert [record.order_id for record in world.rebuilt.records.all()] == ["z"]


def test_a_rebuild_requires_an_empty_table(world: World) -> None:
    world.process("a")
    world.rebuild()

    with pytest.raises(TableNotEmpty, match=r"Table rebuilt has records.*--resume"):
        world.rebuild()


def test_an_interrupted_replay_can_be_resumed(world: World) -> None:
    for number in range(20):
        world.process(f"order-{number}")
    whole = world.bucket.payload

    def broken(key: str) -> bytes:
        if "order-7" in key:
            raise KeyboardInterrupt
        return whole(key)

    world.bucket.payload = broken  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.rebuild()
    world.bucket.payload = whole  # type: ignore[method-assign]

    world.rebuild(resume=True)

    assert world.prove() == []
    assert world.progress.equal == 20


def test_the_stages_own_table_is_proven_against_the_archive(world: World) -> None:
    world.process("a", amount="12.50")
    world.process("b")
    world.process("b")
    world.rebuild()

    assert list(world.replay.prove_against_archive(world.progress, world.rebuilt)) == []

    world.bucket.delete(world.process("c").s3_key or "")
    archived_since = world.process("d").s3_key or ""
    assert list(world.replay.prove_against_archive(world.progress, world.rebuilt)) == [
        Unequal(Difference.MISSING, archived_since)
    ]


def test_a_replay_reports_an_object_that_is_deleted_meanwhile(world: World) -> None:
    record = world.process("a")

    def gone(key: str) -> bytes:
        raise ObjectMissing(key)

    world.bucket.payload = gone  # type: ignore[method-assign]

    assert world.rebuild() == [Unequal(Difference.UNREADABLE, record.s3_key or "")]


def test_an_object_in_cold_storage_is_a_finding_and_the_rest_comes_back(world: World) -> None:
    cold = world.process("a").s3_key or ""
    world.process("b")
    world.bucket.unreadable[cold] = "it is in GLACIER: ask for a copy"

    (unequal,) = world.rebuild()

    assert unequal == Unequal(Difference.UNREADABLE, cold)
    assert unequal.note == "it is in GLACIER: ask for a copy"
    assert [record.order_id for record in world.rebuilt.records.all()] == ["b"]
    assert not world.progress.is_equal


@pytest.mark.parametrize(
    ("order_id", "text", "note"),
    [
        ("a", "[]", "it is no order"),
        ("a", "[" * 100_000, "it is no order"),
        ("a", order_text("a", amount=0), "it is no valid order"),
        ("a", order_text("b"), "it is another order's"),
    ],
)
def test_an_object_of_somebodys_hand_whose_hash_is_right_makes_no_record(
    world: World, order_id: str, text: str, note: str
) -> None:
    world.process("z")
    key = f"orders/{order_id}/s-1-{sha256(text.encode()).hexdigest()}.json"
    world.bucket.put(key, text.encode())

    (unequal,) = world.rebuild()

    assert (unequal.kind, unequal.key, unequal.note) == (Difference.UNREADABLE, key, note)
    assert [record.order_id for record in world.rebuilt.records.all()] == ["z"]


@pytest.mark.parametrize("kind", [Difference.ALTERED, Difference.UNREADABLE])
def test_a_proof_against_the_archive_looks_at_every_object(world: World, kind: Difference) -> None:
    """Its record may be right; the object does not prove it."""
    record = world.process("a")
    world.rebuild()
    if kind is Difference.ALTERED:
        world.bucket.replace(record.s3_key or "", b"forged")
    else:
        world.bucket.unreadable[record.s3_key or ""] = "it is in GLACIER"

    unequal = list(world.replay.prove_against_archive(world.progress, world.rebuilt))

    assert unequal == [Unequal(kind, record.s3_key or "")]
    assert not world.progress.is_equal
    assert world.progress.equal == 0


def test_an_object_that_is_neither_readable_nor_recorded_does_not_prove_equality(
    world: World,
) -> None:
    record = world.process("a")
    world.bucket.unreadable[record.s3_key or ""] = "it is in GLACIER"

    unequal = list(world.replay.prove_against_archive(world.progress, world.rebuilt))

    assert unequal == [Unequal(Difference.UNREADABLE, record.s3_key or "")]


def test_the_proof_after_a_rebuild_counts_an_unreadable_object_once(world: World) -> None:
    record = world.process("a")
    world.bucket.unreadable[record.s3_key or ""] = "it is in GLACIER"
    world.rebuild()

    proof = world.replay.prove_against_archive(world.progress, world.rebuilt, after_rebuild=True)

    assert list(proof) == []
    assert world.progress.differences == {Difference.UNREADABLE: 1}


def test_an_object_that_was_restored_keeps_its_place_among_the_orders(world: World) -> None:
    first, _ = world.process("a"), world.process("a")
    key = first.s3_key or ""
    payload = world.bucket.payload(key)
    world.bucket.put(key, b"forged", world.clock() + timedelta(days=1))
    world.bucket.put(key, payload, world.clock() + timedelta(days=2))

    assert world.rebuild() == []

    assert world.prove() == []


class ManyOrders(FakeOrderBucket):
    """So many orders, made as they are read."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.name = "many"
        self.payloads = [json.dumps({"id": f"order-{n:07d}", "amount": 1}) for n in range(200)]
        self.count = count
        made = submission(order_text("a"))
        self.record = Record.of_first(made, START)

    def valid_records(self) -> Iterator[Record]:
        for number in range(self.count):
            yield self.record._replace(s3_key=f"orders/{(number * 7919) % self.count:09d}")

    def objects(self) -> Iterator[ArchivedObject]:
        yield from ()


def peak_memory(count: int) -> int:
    many, world = ManyOrders(count), World()
    tracemalloc.start()
    try:
        replay = Replay(world.bucket, world.trail, world.decisions, lines_in_memory=500)
        assert not list(replay.prove(world.progress, many, many))
        assert world.progress.equal == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_proof_takes_no_more_memory_for_more_orders() -> None:
    few, many = peak_memory(1_200), peak_memory(5_000)

    # Ten pieces instead of three are open at a time, with a read buffer each.
    assert many < few + 2 * 7 * 50_000


def test_a_rebuild_holds_a_few_hundred_objects_at_a_time(world: World) -> None:
    for number in range(600):
        world.process(f"order-{number}")
    read: list[str] = []
    written: list[str] = []
    whole = world.bucket.payload

    def payload(key: str) -> bytes:
        read.append(key)
        assert len(read) - len(written) <= 256
        return whole(key)

    def take(record: Record) -> None:
        written.append(record.record_id)

    world.bucket.payload = payload  # type: ignore[method-assign]
    list(world.replay.rebuild(world.progress, world.rebuilt, take))

    assert world.progress.rebuilt == 600
