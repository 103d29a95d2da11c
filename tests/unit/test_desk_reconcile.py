"""Reconciling: it finds each fault, leaves orders alone that are on their way, uses flat memory."""

import tracemalloc
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import pytest

from chalicelib.orders.record import Record
from chalicelib.orders.submission import Submission
from ops.desk.audit_trail import AuditTrail
from ops.desk.findings import Day, Finding, Kind, Progress
from ops.desk.order_bucket import ArchivedObject
from ops.desk.order_table import ArchivedRecord, Identity
from ops.desk.reconcile import IN_PROGRESS, Reconciliation
from tests.builders import START, Clock, order_text, sqs_message, submission
from tests.desk_fakes import FakeDecisionBucket, FakeOrderBucket, FakeOrderTable, decisions_over
from tests.fakes import FakeQueue
from tests.resources import properties_of_resources

TODAY = START.date()


class World:
    """An archive and a table, which a test makes disagree."""

    def __init__(self) -> None:
        self.bucket = FakeOrderBucket()
        self.table = FakeOrderTable()
        self.queue = FakeQueue()
        self.clock = Clock(START + timedelta(days=2))
        self.decisions = decisions_over(FakeDecisionBucket(self.clock), self.clock)
        trail = AuditTrail(self.table, stage="test", who=lambda: "ana", clock=self.clock)
        self.reconciliation = Reconciliation(
            self.table, self.bucket, self.queue, trail, self.decisions, clock=self.clock
        )

    def archive(self, order_id: str, *, days: int = 0) -> Submission:
        made = submission(order_text(order_id))
        self.bucket.put(made.archive_key, made.order.payload.encode(), START + timedelta(days=days))
        return made

    def record(self, made: Submission, *, days: int = 0) -> None:
        self.table.records.take(Record.of_first(made, START + timedelta(days=days)))

    def findings(self, *days: date, progress: Progress | None = None) -> list[Finding]:
        return list(self.reconciliation.findings(progress or Progress(), *days))


@pytest.fixture
def world() -> World:
    return World()


def test_a_period_is_not_read_on_into_the_future(world: World) -> None:
    read: list[tuple[date | None, date | None]] = []
    archived = world.table.archived

    def counted(first: date | None = None, last: date | None = None) -> Iterator[ArchivedRecord]:
        read.append((first, last))
        return archived(first, last)

    world.table.archived = counted  # type: ignore[method-assign, assignment]

    world.findings(TODAY, date.max)

    assert read == [(TODAY, TODAY + timedelta(days=3))]


def test_agreement_is_no_finding(world: World) -> None:
    for order_id in ["a", "a-b", "a.b", "z"]:
        world.record(world.archive(order_id))
    progress = Progress()

    assert world.findings(progress=progress) == []

    assert progress.days == {TODAY: Day(objects=4, records=4)}


def test_an_object_without_a_record_is_an_orphan(world: World) -> None:
    world.record(world.archive("a"))
    orphan = world.archive("b")

    (finding,) = world.findings()

    assert (finding.kind, finding.key, finding.day) == (Kind.ORPHAN, orphan.archive_key, TODAY)
    assert finding.identity == Identity("b", orphan.submission_id, orphan.order.payload_sha256)


def test_a_record_without_its_object_is_missing_it(world: World) -> None:
    made = world.archive("a")
    world.record(made)
    world.bucket.delete(made.archive_key)

    (finding,) = world.findings()

    assert (finding.kind, finding.key) == (Kind.MISSING, made.archive_key)


def test_a_record_that_names_a_key_with_a_tab_is_missing_its_object(world: World) -> None:
    """Nothing of the system writes such a record; somebody's hand may."""
    made = submission(order_text("a"))
    by_hand = Record.of_first(made, START)._replace(s3_key="orders/a\tb/x")
    world.table.records.take(by_hand)

    (finding,) = world.findings()

    assert (finding.kind, finding.key) == (Kind.MISSING, "orders/a\tb/x")


@pytest.mark.parametrize(
    "key", ["orders/a/notes.txt", "orders/readme", f"orders/a b/s-{'0' * 64}.json"]
)
def test_an_object_under_a_key_that_no_order_has_is_foreign(world: World, key: str) -> None:
    world.bucket.put(key, b"")

    assert [finding.kind for finding in world.findings()] == [Kind.FOREIGN]


def test_an_order_on_its_way_is_no_orphan(world: World) -> None:
    world.archive("a")
    world.clock.now = START + timedelta(hours=2, minutes=59)
    progress = Progress()

    assert world.findings(progress=progress) == []

    assert progress.days[TODAY].in_progress == 1


def test_an_object_is_on_its_way_until_its_message_is_a_dead_letter() -> None:
    queue = properties_of_resources()["OrdersQueue"]
    receives, apart = queue["RedrivePolicy"]["maxReceiveCount"], queue["VisibilityTimeout"]

    assert timedelta(seconds=receives * apart) == IN_PROGRESS


def test_a_record_missing_from_the_listing_is_looked_up(world: World) -> None:
    """Between the two listings orders go on being recorded, and an index lags."""
    made = world.archive("a")
    world.record(made)
    world.table.archived = lambda *_: iter(())  # type: ignore[method-assign]

    assert world.findings() == []


def test_a_duplicates_object_has_its_own_record(world: World) -> None:
    world.record(world.archive("a"))
    second = world.archive("a")
    record = Record.of_first(second, START)
    world.table.records.take(
        record._replace(record_id=f"2#{second.submission_id}#{second.order.payload_sha256}")
    )

    assert world.findings() == []


def test_days_narrow_both_sides(world: World) -> None:
    for days in range(3):
        world.record(world.archive(f"agrees-{days}", days=days), days=days)
        world.archive(f"orphan-{days}", days=days)
    second = TODAY + timedelta(days=1)
    progress = Progress()

    (finding,) = world.findings(second, second, progress=progress)

    assert finding.day == second
    assert progress.days == {second: Day(objects=2, records=1, orphans=1)}


def test_an_order_recorded_on_the_next_day_is_no_finding_of_either_day(world: World) -> None:
    world.record(world.archive("midnight"), days=1)

    assert world.findings(TODAY, TODAY) == []
    assert world.findings(TODAY + timedelta(days=1), TODAY + timedelta(days=1)) == []


def test_an_orphan_is_handed_in_again_as_the_same_submission(world: World) -> None:
    orphan = world.archive("a")
    (finding,) = world.findings()

    outcome = world.reconciliation.repair(finding)

    (sent,) = world.queue.sent
    assert outcome.mended
    assert sent.body == orphan.order.payload
    assert sent.attributes["submissionId"] == orphan.submission_id
    assert sent.attributes["receivedAt"] == "2026-03-01T12:00:00.000Z"
    assert [item["what"]["S"] for item in world.table.items.values()] == ["reconcile.hand_in"]


def test_an_orphan_whose_bytes_were_changed_is_not_handed_in(world: World) -> None:
    made = world.archive("a")
    world.bucket.replace(made.archive_key, b'{"id": "a"}')
    (finding,) = world.findings()

    outcome = world.reconciliation.repair(finding)

    assert not outcome.mended
    assert "not those that its key names" in outcome.text
    assert not world.queue.sent


def test_a_missing_object_is_restored_from_its_version(world: World) -> None:
    made = world.archive("a")
    world.record(made)
    world.bucket.delete(made.archive_key)
    (finding,) = world.findings()

    assert world.reconciliation.repair(finding).mended

    assert world.findings() == []


def test_an_object_without_a_version_cannot_be_restored(world: World) -> None:
    made = world.archive("a")
    world.record(made)
    world.bucket.delete(made.archive_key)
    world.bucket.versions.clear()
    (finding,) = world.findings()

    assert not world.reconciliation.repair(finding).mended


def test_a_foreign_object_is_left_alone(world: World) -> None:
    world.bucket.put("orders/readme", b"")
    (finding,) = world.findings()

    assert not world.reconciliation.repair(finding).mended
    assert world.bucket.exists("orders/readme")


def kinds(findings: Iterable[Finding]) -> list[Kind]:
    return [finding.kind for finding in findings]


def test_an_object_that_was_overwritten_is_altered(world: World) -> None:
    world.record(world.archive("a"))
    made = world.archive("b")
    world.record(made)
    world.bucket.put(made.archive_key, b'{"id": "b", "amount": 999}')
    progress = Progress()

    (finding,) = world.findings(progress=progress)

    assert (finding.kind, finding.key) == (Kind.ALTERED, made.archive_key)
    assert progress.days[TODAY] == Day(objects=2, records=2, altered=1)
    # The other one has a single version, and is older than its record.
    assert progress.compared == 1


def test_an_object_that_was_written_after_its_record_is_looked_into(world: World) -> None:
    """Whoever forges it may delete the true version, but can't set the object's time."""
    made = world.archive("a")
    world.record(made)
    world.bucket.replace(made.archive_key, b"forged")
    world.bucket.times[made.archive_key] += timedelta(minutes=2)

    assert kinds(world.findings()) == [Kind.ALTERED]


def test_an_object_that_was_overwritten_on_another_day_is_altered(world: World) -> None:
    """It counts on the day of its first version, as its record does."""
    made = world.archive("a")
    world.record(made)
    world.bucket.put(made.archive_key, b"forged", START + timedelta(days=1))

    assert kinds(world.findings(TODAY, TODAY)) == [Kind.ALTERED]
    assert world.findings(*[TODAY + timedelta(days=1)] * 2) == []


def test_an_object_that_was_written_on_another_day_than_its_record_is_compared(
    world: World,
) -> None:
    """No listing of one day has both."""
    made = world.archive("midnight")
    world.record(made, days=1)
    world.bucket.put(made.archive_key, b"forged")

    tomorrow = TODAY + timedelta(days=1)
    assert kinds(world.findings(tomorrow, tomorrow)) == [Kind.ALTERED]


def test_a_deep_run_compares_every_object(world: World) -> None:
    for order_id in ("a", "b"):
        world.record(world.archive(order_id))
    forged = world.archive("c")
    world.record(forged)
    world.bucket.replace(forged.archive_key, b"forged without a trace")
    progress = Progress()
    assert world.findings() == []

    found = list(world.reconciliation.findings(progress, deep=True))

    assert [(finding.kind, finding.key) for finding in found] == [
        (Kind.ALTERED, forged.archive_key)
    ]
    assert progress.compared == 3


def test_an_altered_object_is_restored_and_no_version_is_lost(world: World) -> None:
    made = world.archive("a")
    world.record(made)
    world.bucket.put(made.archive_key, b"forged")
    (finding,) = world.findings()

    assert world.reconciliation.repair(finding).mended

    assert world.bucket.payload(made.archive_key) == made.order.payload.encode()
    assert b"forged" in world.bucket.versions[made.archive_key]
    assert world.findings() == []
    (entry,) = world.table.items.values()
    assert (entry["what"]["S"], entry["details"]["M"]["finding"]["S"]) == (
        "reconcile.restore",
        "altered",
    )


def test_an_altered_orphan_is_two_findings_that_are_mended_one_after_the_other(
    world: World,
) -> None:
    made = world.archive("a")
    world.bucket.put(made.archive_key, b"forged")
    findings = world.findings()
    assert kinds(findings) == [Kind.ALTERED, Kind.ORPHAN]

    assert [world.reconciliation.repair(finding).mended for finding in findings] == [True, True]

    assert world.queue.sent[0].body == made.order.payload


def test_a_forged_version_is_not_restored(world: World) -> None:
    made = world.archive("a")
    world.record(made)
    world.bucket.put(made.archive_key, b"forged")
    world.bucket.delete(made.archive_key)
    (finding,) = world.findings()

    assert world.reconciliation.repair(finding).mended

    assert world.bucket.payload(made.archive_key) == made.order.payload.encode()


def test_an_object_without_a_true_version_is_left_and_said_so(world: World) -> None:
    made = world.archive("a")
    world.record(made)
    world.bucket.replace(made.archive_key, b"forged")
    (finding,) = world.reconciliation.findings(Progress(), deep=True)

    outcome = world.reconciliation.repair(finding)

    assert (outcome.mended, outcome.text) == (
        False,
        "can't be restored: none is known to be the true one",
    )


def test_an_object_in_cold_storage_is_a_finding_and_stops_nothing(world: World) -> None:
    cold, orphan, last = world.archive("a"), world.archive("b"), world.archive("c")
    for made in (cold, last):
        world.record(made)
    world.bucket.unreadable |= {
        cold.archive_key: "it is in GLACIER",
        orphan.archive_key: "it is in GLACIER",
    }
    world.bucket.replace(last.archive_key, b"forged")
    progress = Progress()

    findings = list(world.reconciliation.findings(progress, deep=True))

    assert [(finding.kind, finding.note) for finding in findings] == [
        (Kind.UNREADABLE, "it is in GLACIER"),
        (Kind.UNREADABLE, "it is in GLACIER"),
        (Kind.ORPHAN, ""),
        (Kind.ALTERED, ""),
    ]
    assert progress.compared == 1
    assert [world.reconciliation.repair(finding).text for finding in findings[:3]] == [
        "left alone: it is in GLACIER"
    ] * 3


def test_an_object_in_cold_storage_is_compared_by_the_hash_that_s3_keeps(world: World) -> None:
    true, forged = world.archive("a"), world.archive("b")
    for made in (true, forged):
        world.record(made)
        world.bucket.unreadable[made.archive_key] = "it is in GLACIER"
    world.bucket.digests |= {
        true.archive_key: true.order.payload_sha256,
        forged.archive_key: "0" * 64,
    }

    (finding,) = world.reconciliation.findings(Progress(), deep=True)

    assert (finding.kind, finding.key) == (Kind.ALTERED, forged.archive_key)


def test_an_object_that_is_deleted_while_it_is_looked_into_is_not_called_compared(
    world: World,
) -> None:
    made = world.archive("a")
    world.record(made)
    listed = list(world.bucket.objects())
    world.bucket.objects = lambda: iter(listed)  # type: ignore[method-assign]
    world.bucket.delete(made.archive_key)
    progress = Progress()

    (finding,) = world.reconciliation.findings(progress, deep=True)

    assert (finding.kind, progress.compared) == (Kind.UNREADABLE, 0)
    assert "deleted since it was listed" in finding.note


def test_a_record_that_names_a_foreign_object_is_a_finding(world: World) -> None:
    """Its key names no hash, so nothing can be compared with it."""
    made = submission(order_text("a"))
    by_hand = Record.of_first(made, START)._replace(s3_key="orders/readme")
    world.table.records.take(by_hand)
    world.bucket.put("orders/readme", b"")

    assert kinds(world.findings()) == [Kind.FOREIGN]


@pytest.mark.parametrize("key", ["orders/a\nb", 'orders/a"b', "orders/a\\b", "orders/ñ\tb"])
def test_records_of_somebodys_hand_are_sorted_whatever_they_name(world: World, key: str) -> None:
    """Lines of temporary files hold them when there are many."""
    trail = AuditTrail(world.table, stage="test", who=lambda: "ana", clock=world.clock)
    reconciliation = Reconciliation(
        world.table,
        world.bucket,
        world.queue,
        trail,
        world.decisions,
        clock=world.clock,
        lines_in_memory=1,
    )
    for each in (key, "orders/z"):
        made = submission(order_text("a" if each == key else "z"))
        world.table.records.take(Record.of_first(made, START)._replace(s3_key=each))

    findings = reconciliation.findings(Progress())

    assert {finding.key for finding in findings} == {key, "orders/z"}


def discarded(world: World, made: Submission) -> None:
    """Discard the dead letter of a submission."""
    identity = Identity(made.order.id, made.submission_id, made.order.payload_sha256)
    letter = sqs_message(made.order.payload, submissionId=made.submission_id)
    world.decisions.discard(identity, letter, "resubmitted as order-7b")


def test_an_object_whose_letter_was_discarded_is_no_orphan(world: World) -> None:
    """It is in S3 as an orphan is, but somebody decided that it is not to be processed."""
    discarded(world, world.archive("order-7"))
    orphan = world.archive("order-8")
    progress = Progress()

    found = world.findings(progress=progress)

    assert [(each.kind, each.identity and each.identity.order_id) for each in found] == [
        (Kind.DISCARDED, "order-7"),
        (Kind.ORPHAN, "order-8"),
    ]
    assert "resubmitted as order-7b" in str(found[0].decision)
    assert found[1].key == orphan.archive_key
    assert (progress.findings, progress.discarded) == (1, 1)
    assert progress.days[TODAY] == Day(objects=2, orphans=1, discarded=1)


def test_a_discarded_object_is_left_alone(world: World) -> None:
    discarded(world, world.archive("order-7"))
    (finding,) = world.findings()

    outcome = world.reconciliation.repair(finding)

    assert not outcome.mended
    assert "left alone: discarded by ana" in outcome.text
    assert not world.queue.sent


def test_an_orphan_that_is_discarded_before_its_repair_is_left_alone(world: World) -> None:
    made = world.archive("order-7")
    (finding,) = world.findings()
    discarded(world, made)

    outcome = world.reconciliation.repair(finding)

    assert finding.kind is Kind.ORPHAN
    assert not outcome.mended
    assert "discarded by ana" in outcome.text
    assert not world.queue.sent


def test_an_orphan_that_was_handed_in_again_is_an_orphan_until_it_is_recorded(
    world: World,
) -> None:
    world.archive("a")
    (finding,) = world.findings()
    world.reconciliation.repair(finding)

    (again,) = world.findings()

    assert again.kind is Kind.ORPHAN


def test_an_object_that_was_discarded_and_has_a_record_is_a_finding(world: World) -> None:
    """Its sender handed it in again. A replay without this table would leave it out."""
    made = world.archive("order-7")
    discarded(world, made)
    world.record(made)
    world.record(world.archive("order-8"))
    progress = Progress()

    (finding,) = world.findings(progress=progress)

    assert (finding.kind, finding.key) == (Kind.PROCESSED, made.archive_key)
    assert "resubmitted as order-7b" in str(finding.decision)
    assert (progress.findings, progress.discarded) == (1, 0)
    assert progress.days[TODAY] == Day(objects=2, records=2, processed=1)


def test_a_discarded_object_whose_record_the_listing_lacks_is_a_finding(world: World) -> None:
    """An index lags, and a period may hold only one of the two."""
    made = world.archive("order-7")
    discarded(world, made)
    world.record(made, days=1)

    (finding,) = world.findings(TODAY, TODAY)

    assert finding.kind is Kind.PROCESSED


def test_a_repair_writes_down_that_a_discarded_object_was_processed(world: World) -> None:
    made = world.archive("order-7")
    discarded(world, made)
    world.record(made)
    (finding,) = world.findings()

    outcome = world.reconciliation.repair(finding)

    assert outcome.mended
    assert world.findings() == []
    assert finding.identity
    assert "found processed by ana" in str(world.decisions.last(finding.identity))
    assert not world.queue.sent


def test_a_discarded_object_whose_record_is_gone_again_stays_discarded(world: World) -> None:
    made = world.archive("order-7")
    discarded(world, made)
    world.record(made)
    (finding,) = world.findings()
    world.table.find = lambda _: {}  # type: ignore[method-assign, assignment]

    outcome = world.reconciliation.repair(finding)

    assert not outcome.mended
    assert finding.identity
    assert "discarded by ana" in str(world.decisions.last(finding.identity))


def test_an_orphan_that_was_handed_in_again_and_is_recorded_is_no_finding(world: World) -> None:
    made = world.archive("a")
    (finding,) = world.findings()
    world.reconciliation.repair(finding)
    world.record(made)

    assert world.findings() == []


class ManyOrders(FakeOrderBucket):
    """An archive and a table of so many orders, made as they are read; every 2,000th differs."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def key(self, number: int) -> str:
        return f"orders/order-{number:09d}/{number:036d}-{number:064x}.json"

    def objects(self) -> Iterator[ArchivedObject]:
        for number in range(self.count):
            if number % 2_000 != 1:
                yield ArchivedObject(self.key(number), START)

    def archived(self, *_: object) -> Iterator[ArchivedRecord]:
        # A scan comes in no order: here from back to front.
        for number in range(self.count - 1, -1, -1):
            if number % 2_000 != 2:
                yield ArchivedRecord(self.key(number), START)

    def find(self, _: Iterable[Identity]) -> dict[Identity, Record]:
        return {}


def peak_memory(count: int) -> tuple[int, Progress]:
    """Measure the most memory that reconciling so many orders takes, in bytes."""
    many, world, progress = ManyOrders(count), World(), Progress()
    trail = AuditTrail(world.table, stage="test", who=lambda: "ana", clock=world.clock)
    reconciliation = Reconciliation(
        many,
        many,
        world.queue,
        trail,
        world.decisions,
        clock=world.clock,
        lines_in_memory=1_000,
    )
    tracemalloc.start()
    try:
        for _ in reconciliation.findings(progress):
            pass
        return tracemalloc.get_traced_memory()[1], progress
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_orders() -> None:
    few, _ = peak_memory(3_000)
    many, progress = peak_memory(20_000)

    assert progress.findings == 20
    assert progress.days[TODAY].orphans == progress.days[TODAY].missing == 10
    # Only the read buffers grow: one for each temporary file, here 20 instead of 3.
    assert many < few + 17 * 50_000 < 10_000_000
