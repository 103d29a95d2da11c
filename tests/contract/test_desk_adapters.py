"""The desk's adapters, and their fakes: operators' reads of the table, the archive and the DLQ."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest

from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.key_store import KEY_PREFIX, key_item
from chalicelib.orders.record import Record
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from chalicelib.services.keys import UsedKey
from chalicelib.services.message import Message
from chalicelib.services.message_attributes import string_attribute
from chalicelib.services.paging import NEWEST
from chalicelib.services.queries import AuditFilter, AuditPage
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.dead_letter_queue import DeadLetterQueue
from ops.desk.decision_bucket import DecisionBucket
from ops.desk.order_table import Identity, OrderTable
from ops.desk.record_search import RecordSearch
from ops.desk.search import Wanted, read_wanted
from ops.local.lambda_events import sqs_event
from tests.builders import START, order_text, sqs_message, sqs_record, submission
from tests.contract.conftest import Aws, on_aws, on_dynamodb
from tests.desk_fakes import (
    FakeDeadLetterQueue,
    FakeDecisionBucket,
    FakeOrderTable,
    FakeRecordSearch,
)
from tests.fakes import FakeRecordStore

TODAY = START.date()
ANY = AuditFilter()
Queue = DeadLetterQueue | FakeDeadLetterQueue
Table = OrderTable | FakeOrderTable


@pytest.fixture
def queue(implementation: Aws | None) -> Queue:
    """Make a dead-letter queue with one letter in it."""
    letter = sqs_message(order_text("order-001"), channel="web")
    if implementation is None:
        return FakeDeadLetterQueue(letter)
    aws = implementation
    aws.order_queue().send_to_dead_letters(letter, {})
    return DeadLetterQueue(aws.sqs, aws.queue_url, aws.dead_letter_queue_url)


class Records:
    """A table of records from both sides: as the processor writes, and as operators read."""

    def __init__(self, implementation: Aws | None) -> None:
        self.store: RecordStore | FakeRecordStore
        self.table: Table
        self.searched: Callable[[Wanted], RecordSearch | FakeRecordSearch]
        self.scanned = 0
        if implementation is None:
            self.store = fake = FakeRecordStore()
            self.table = FakeOrderTable(fake)
            self.searched = partial(FakeRecordSearch, fake)
        else:
            self.store = store = RecordStore(implementation.dynamodb, implementation.table, 4)
            self.table = OrderTable(implementation.dynamodb, implementation.table, 4)
            self.searched = partial(RecordSearch, store)

    def record(self, made: Submission) -> Record:
        return settle(made, self.store.take, START).record

    def search(self, only: AuditFilter = ANY, **given: str) -> set[str]:
        """Search a day, in small reads: the orders that are found."""
        searched = self.searched(read_wanted(given))
        found: set[str] = set()
        for shard in range(searched.audit_shards):
            before: str | None = NEWEST
            while before:
                page = searched.read_audit(TODAY, shard, before, 7, only)
                found |= {listed.order_id for listed in page.records}
                self.scanned += page.scanned
                before = page.read_to
        return found


@pytest.fixture
def records(implementation: Aws | None) -> Records:
    return Records(implementation)


@pytest.fixture
def decisions(implementation: Aws | None) -> DecisionBucket | FakeDecisionBucket:
    if implementation is None:
        return FakeDecisionBucket()
    return DecisionBucket(implementation.s3, implementation.bucket)


@pytest.fixture
def order_id() -> str:
    """Emulators are shared: each test has an order of its own."""
    return f"order-{uuid.uuid4()}"


def identity(made: Submission) -> Identity:
    return Identity(made.order.id, made.submission_id, made.order.payload_sha256)


def test_a_received_letter_is_hidden_until_it_is_released(queue: Queue) -> None:
    (first,) = queue.receive(60, 1)
    assert queue.depths()["deadLettersHidden"] == 1
    assert queue.receive(60, 1) == []

    queue.release([first.message])

    (second,) = queue.receive(60, 1)
    assert second.message.message_id == first.message.message_id
    assert second.message.receive_count == first.message.receive_count + 1
    assert second.message.attribute("channel") == "web"


def test_a_letter_is_sent_back_and_deleted(queue: Queue) -> None:
    (received,) = queue.receive(60, 1)

    queue.send_back(received.message, received.message.message_attributes)
    queue.delete(received.message)

    depths = queue.depths()
    assert (depths["queue"], depths["deadLetters"], depths["deadLettersHidden"]) == (1, 0, 0)


@on_aws
def test_a_letter_that_is_sent_back_keeps_text_and_attributes(aws: Aws) -> None:
    message = sqs_message(order_text("order-001"), channel="web", submissionId="s-1")
    binary = {"picture": {"dataType": "Binary", "binaryValue": "AAEC/w=="}}
    message = message._replace(message_attributes={**message.message_attributes, **binary})
    aws.order_queue().send_to_dead_letters(message, {})
    queue = DeadLetterQueue(aws.sqs, aws.queue_url, aws.dead_letter_queue_url)
    (received,) = queue.receive(60, 1)

    queue.send_back(received.message, received.message.message_attributes)

    (sent,) = aws.received(aws.queue_url)
    assert sent["Body"] == order_text("order-001")
    assert sent["MessageAttributes"]["picture"]["BinaryValue"] == b"\x00\x01\x02\xff"
    assert sent["MessageAttributes"]["submissionId"]["StringValue"] == "s-1"


def test_a_letter_that_is_sent_back_has_ten_attributes_and_none_is_lost(
    queue: Queue, implementation: Aws | None
) -> None:
    """A redrive adds two to the ten that a sender may have used."""
    (received,) = queue.receive(60, 1)
    own = {f"a{number}": string_attribute(str(number)) for number in range(10)}
    added = {"submissionId": string_attribute("s-1"), "receivedAt": string_attribute("now")}

    queue.send_back(received.message, {**own, **added})

    if isinstance(queue, FakeDeadLetterQueue):
        sent = queue.sent[0].attributes
    else:
        assert implementation
        (message,) = implementation.received(implementation.queue_url)
        (record,) = sqs_event([cast("Any", message)], "arn:aws:sqs:us-east-1:0:q")["Records"]
        sent = record["messageAttributes"]
    assert len(sent) == 10
    assert added.keys() <= sent.keys()
    restored = Message.from_record({**sqs_record(), "messageAttributes": sent})
    names = own.keys() | added.keys()
    assert restored.message_attributes.keys() == names
    assert {name: restored.attribute(name) for name in own} == {
        name: value["stringValue"] for name, value in own.items()
    }


@on_aws
def test_a_letter_shows_the_attributes_that_did_not_fit(aws: Aws) -> None:
    own: dict[str, Any] = {f"a{number}": str(number) for number in range(10)}
    message = sqs_message("[]", **own)
    aws.order_queue().send_to_dead_letters(message, {"submissionId": "s-1"})
    queue = DeadLetterQueue(aws.sqs, aws.queue_url, aws.dead_letter_queue_url)

    (received,) = queue.receive(60, 1)

    shown = {name: received.message.attribute(name) for name in received.message.message_attributes}
    assert shown == {**own, "submissionId": "s-1"}


@on_aws
def test_a_missing_queue_makes_a_receive_fail(aws: Aws) -> None:
    missing = DeadLetterQueue(aws.sqs, f"{aws.queue_url}-none", f"{aws.queue_url}-none")

    with pytest.raises(StoreUnavailable, match="ReceiveMessage"):
        missing.receive(60, 1)


def test_the_records_of_submissions_are_found_in_every_slot(
    records: Records, order_id: str
) -> None:
    made = [submission(order_text(order_id, amount=amount)) for amount in (0, 10, 10, 20)]
    recorded = [records.record(each) for each in made]
    unknown = submission(order_text(order_id))

    found = records.table.find(map(identity, [*made, unknown, made[0]]))

    assert found == dict(zip(map(identity, made), recorded, strict=True))


def test_the_text_of_a_rejected_order_is_read_by_its_key(records: Records, order_id: str) -> None:
    text = order_text(order_id, amount=0)
    rejected = records.record(submission(text))
    accepted = records.record(submission(order_text(order_id)))

    assert records.table.payload(order_id, rejected.record_id) == text
    assert records.table.payload(order_id, accepted.record_id) == ""


def test_many_submissions_are_found_at_once(records: Records, order_id: str) -> None:
    made = [submission(order_text(f"{order_id}-{number}")) for number in range(70)]
    for each in made:
        records.record(each)

    assert len(records.table.find(map(identity, made))) == 70


def test_accepted_or_first_prefers_the_accepted_record(records: Records, order_id: str) -> None:
    rejected = records.record(submission(order_text(order_id, amount=0)))
    assert records.table.accepted_or_first([order_id, f"{order_id}-none"]) == {order_id: rejected}

    accepted = records.record(submission(order_text(order_id)))

    assert records.table.accepted_or_first([order_id]) == {order_id: accepted}


def test_records_with_an_object_are_listed(records: Records, order_id: str) -> None:
    valid = records.record(submission(order_text(order_id)))
    records.record(submission(order_text(f"{order_id}-r", amount=0)))
    day_before = TODAY - timedelta(days=1)

    def keys(*days: Any) -> set[str]:
        return {each.key for each in records.table.archived(*days) if order_id in each.key}

    assert keys() == keys(TODAY, TODAY) == {valid.s3_key}
    assert keys(day_before, day_before) == set()
    assert [r for r in records.table.valid_records() if order_id in r.order_id] == [valid]
    assert records.table.has_records()


def test_a_search_reads_the_records_with_an_account_on_either_side(
    records: Records, order_id: str
) -> None:
    account = str(uuid.uuid4().int)[:30]
    texts = {
        "from": order_text(f"{order_id}-from", fromAccount=account),
        "to": order_text(f"{order_id}-to", toAccount=account, channel="web"),
        "longer": order_text(f"{order_id}-longer", toAccount=f"{account}0"),
        "rejected": order_text(f"{order_id}-rejected", fromAccount=account, amount=0),
    }
    for text in texts.values():
        records.record(submission(text))

    def named(*names: str) -> set[str]:
        return {f"{order_id}-{name}" for name in names}

    assert records.search(account=account) == named("from", "to", "rejected")
    # Those that are not found were looked through too.
    assert records.scanned >= 4
    assert records.search(AuditFilter(valid=True), account=account) == named("from", "to")
    assert records.search(AuditFilter(channel="web"), account=account) == named("to")
    assert records.search(account=account, amount="2580.0") == named("from", "to")
    assert records.search(account=account, amount="2580.01") == set()


@pytest.mark.parametrize(
    ("stored", "asked"),
    [("25.8", "25.80"), (25.80, "25.8"), (9999999999999.99, "9999999999999.99")],
)
def test_a_search_compares_amounts_as_decimals(
    records: Records, order_id: str, stored: object, asked: str
) -> None:
    account = str(uuid.uuid4().int)[:30]
    records.record(submission(order_text(order_id, fromAccount=account, amount=stored)))

    assert records.search(account=account, amount=asked) == {order_id}


def test_a_search_reads_the_records_of_a_caller_or_of_whoever_sent_the_message(
    records: Records, order_id: str
) -> None:
    role = f"arn:aws:sts::111122223333:assumed-role/{order_id}"
    sender = f"AROA{uuid.uuid4().hex.upper()}"
    for name, who in {
        "one": {"submitted_by": f"{role}/one"},
        "two": {"submitted_by": f"{role}/two"},
        "other": {"submitted_by": f"{role}-x/one"},
        "sent": {"sent_by": f"{sender}:session", "submitted_by": "made up"},
        "none": {},
    }.items():
        records.record(submission(order_text(f"{order_id}-{name}"), **who))

    assert records.search(submittedBy=role) == {f"{order_id}-one", f"{order_id}-two"}
    assert records.search(submittedBy=f"{role}/two") == {f"{order_id}-two"}
    assert records.search(submittedBy=sender) == {f"{order_id}-sent"}
    assert records.search(submittedBy=f"{sender}:session") == {f"{order_id}-sent"}


def test_a_search_for_anything_reads_all(records: Records, order_id: str) -> None:
    records.record(submission(order_text(order_id)))

    assert order_id in records.search()


def test_items_of_the_audit_trail_are_no_records_and_come_newest_first(
    records: Records, order_id: str
) -> None:
    day = f"#audit/{order_id}"
    for number in range(3):
        records.table.put_new({"orderId": {"S": day}, "recordId": {"S": str(number)}})

    assert [item["recordId"]["S"] for item in records.table.newest_of(day)] == ["2", "1", "0"]
    assert not [each for each in records.table.archived() if order_id in each.key]


def test_items_of_used_keys_are_no_records_and_no_entries(records: Records, order_id: str) -> None:
    """Whoever reads the whole table passes them over."""
    key = UsedKey(f"{order_id}-key", "0" * 64, order_id, START)
    records.table.put_new(key_item(key))

    assert not [each for each in records.table.archived() if order_id in each.key]
    assert not [each for each in records.table.valid_records() if order_id in each.order_id]
    assert not set().union(*records.table.days_of(f"{KEY_PREFIX}{order_id}"))
    assert records.table.accepted_or_first([order_id]) == {}


@on_dynamodb
def test_a_table_of_used_keys_alone_has_no_records(aws: Aws, order_id: str) -> None:
    table = OrderTable(aws.dynamodb, order_id, 4)
    table.create_like(aws.table)
    table.put_new(key_item(UsedKey("s-1", "0" * 64, order_id, START)))

    assert not table.has_records()
    assert not set().union(*table.recorded_days())
    assert list(table.archived()) == []
    for partition in (date(2026, 3, 1), TODAY):
        page = RecordStore(aws.dynamodb, order_id, 4).read_audit(
            partition, 0, "~", 10, AuditFilter()
        )
        assert page == AuditPage((), None, 0)


def test_the_days_of_records_are_found_however_old_they_are(
    records: Records, order_id: str
) -> None:
    """The table is younger: a restored table is, and an imported one, and a replica."""
    long_ago = datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC)
    for number, moment in enumerate((START, long_ago)):
        made = submission(order_text(f"{order_id}-{number}", amount=0))
        settle(made, records.store.take, moment)

    found = set().union(*records.table.recorded_days())

    assert {TODAY, long_ago.date()} <= found


def test_the_days_of_the_audit_trail_are_found_in_its_keys(records: Records, order_id: str) -> None:
    prefix = f"#audit-{order_id}/"
    for day in ("2019-12-31", "2026-03-01", "no day"):
        records.table.put_new({"orderId": {"S": f"{prefix}{day}"}, "recordId": {"S": "1"}})

    found = set().union(*records.table.days_of(prefix))

    assert found == {date(2019, 12, 31), date(2026, 3, 1)}


@on_dynamodb
def test_the_archived_records_of_all_time_take_few_reads(aws: Aws, order_id: str) -> None:
    """A table of its own: restored from another one, so that its records are older than it is."""
    table = OrderTable(aws.dynamodb, order_id, 4)
    table.create_like(aws.table)
    store = RecordStore(aws.dynamodb, order_id, 4)
    old = datetime(2019, 12, 31, tzinfo=UTC)
    for number, moment in enumerate((START, old)):
        settle(submission(order_text(f"{order_id}-{number}")), store.take, moment)
    reads: list[str] = []

    def count(model: Any, **_: Any) -> None:
        reads.append(model.name)

    aws.dynamodb.meta.events.register("before-call.dynamodb", count)
    try:
        found = list(table.archived(date.min, TODAY))
    finally:
        aws.dynamodb.meta.events.unregister("before-call.dynamodb", count)

    assert {each.processed_on for each in found} == {TODAY, old.date()}
    assert len(reads) < 40
    assert reads.count("Scan") < 10


def test_an_entry_of_a_log_is_put_once(
    decisions: DecisionBucket | FakeDecisionBucket, order_id: str
) -> None:
    key = f"decisions/{order_id}/s-1.json!000001"

    assert decisions.put_new(key, b"first")
    assert not decisions.put_new(key, b"second")

    assert decisions.read(key) == b"first"
    assert decisions.read(f"{key}0") == b""


def test_entries_are_listed_in_the_order_of_the_archives_keys(
    decisions: DecisionBucket | FakeDecisionBucket, order_id: str
) -> None:
    names = ["s.json!000001", "s.json!000002", "s.json-x!000001", "s.json.x!000001"]
    for name in reversed(names):
        decisions.put_new(f"decisions/{order_id}/{name}", b"")

    listed = list(decisions.entries(f"decisions/{order_id}/"))

    assert [each.key.rpartition("/")[2] for each in listed] == names
    assert all(each.modified_at.tzinfo for each in listed)
    assert [each.key[-1] for each in decisions.entries(f"decisions/{order_id}/s.json!")] == list(
        "12"
    )


@on_dynamodb
def test_a_table_is_created_like_another_one(aws: Aws, order_id: str) -> None:
    copy = OrderTable(aws.dynamodb, order_id, 4)
    assert not copy.exists()

    copy.create_like(aws.table)

    assert copy.exists()
    assert not copy.has_records()
    store = RecordStore(aws.dynamodb, order_id, 4)
    first = Record.of_first(submission(order_text(order_id)), START)
    settle(submission(order_text(order_id)), store.take, START)
    assert store.take(first) is not None
    assert len(list(copy.archived(TODAY, TODAY))) == 1
