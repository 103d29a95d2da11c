"""One submission read back: its own record, whatever became of others of its order."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws.items import to_item
from chalicelib.orders.record import (
    CORRECTION_SLOT,
    FIRST_SLOT,
    Listed,
    Record,
    Status,
    UnreadableRecord,
    own_slot,
)
from chalicelib.orders.settle import settle
from chalicelib.orders.submission import Submission
from chalicelib.services.submissions import (
    LISTED_PAYLOADS,
    SubmissionAmbiguous,
    SubmissionNotFound,
    Submissions,
)
from chalicelib.services.unavailable import StoreUnavailable
from tests.builders import START, order_text, submission
from tests.fakes import FakeArchive, FakeRecordStore

ORDER = "order-001"
OTHER_SHA256 = "0" * 64


class CountedStore(FakeRecordStore):
    """A store that counts its reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def read_shared_slots(self, order_id: str) -> list[Listed]:
        self.reads.append("Query")
        return super().read_shared_slots(order_id)

    def read_own_slots(self, order_id: str, submission_id: str, limit: int) -> list[Listed]:
        self.reads.append("Query")
        return super().read_own_slots(order_id, submission_id, limit)

    def read_slot(self, order_id: str, record_id: str) -> Listed | None:
        self.reads.append("GetItem")
        return super().read_slot(order_id, record_id)


@pytest.fixture
def records() -> CountedStore:
    return CountedStore()


@pytest.fixture
def submissions(records: CountedStore) -> Submissions:
    return Submissions(records, FakeArchive())


def hand_in(records: FakeRecordStore, submission_id: str, **changes: Any) -> Submission:
    """Hand in an order and record it."""
    delivered = submission(order_text(**changes), submission_id)
    settle(delivered, records.take, START + timedelta(seconds=1))
    return delivered


def put_by_hand(records: FakeRecordStore, record: Record, **changes: object) -> None:
    records.put_by_hand({**to_item(record, 4), **changes})


def identity(delivered: Submission) -> tuple[str, str, str]:
    return ORDER, delivered.submission_id, delivered.order.payload_sha256


def test_each_submission_gets_its_own_record_in_whatever_slot_it_is(
    records: CountedStore, submissions: Submissions
) -> None:
    expected = {
        FIRST_SLOT: hand_in(records, "s-1", amount=0),
        CORRECTION_SLOT: hand_in(records, "s-2"),
        "own, valid": hand_in(records, "s-3", amount=9999),
        "own, invalid": hand_in(records, "s-4", amount=-1),
    }
    statuses = (Status.REJECTED, Status.ACCEPTED, Status.DUPLICATE, Status.REJECTED)

    for delivered, status in zip(expected.values(), statuses, strict=True):
        with_hash = submissions.read(*identity(delivered))

        assert with_hash == submissions.read(ORDER, delivered.submission_id)
        assert with_hash.record.is_of(delivered)
        assert with_hash.record.status is status


def test_a_sender_never_reads_that_anothers_order_was_accepted(
    records: CountedStore, submissions: Submissions
) -> None:
    """The order is accepted with 10; the second sender's 9999 is not."""
    hand_in(records, "s-1", amount=10)
    second = hand_in(records, "s-2", amount=9999)

    record = submissions.read(*identity(second)).record

    assert (record.status, record.differs) == (Status.DUPLICATE, ("amount",))
    assert record.terms["amount"] == 9999


def test_a_rejected_submission_is_read_with_its_payload_and_a_valid_one_with_a_url(
    records: CountedStore, submissions: Submissions
) -> None:
    rejected, valid = hand_in(records, "s-1", amount=0), hand_in(records, "s-2")

    read_rejected, read_valid = (submissions.read(*identity(each)) for each in (rejected, valid))

    assert (read_rejected.record.payload, read_rejected.s3_url) == (rejected.order.payload, None)
    assert read_valid.record.payload is None
    assert read_valid.s3_url == f"https://archive.example/{valid.archive_key}?signed"


@pytest.mark.parametrize("payload_sha256", [None, OTHER_SHA256])
@pytest.mark.parametrize("submission_id", ["s", "s-1", "s-11", "0", "FIRST"])
def test_a_submission_that_is_not_recorded_is_not_found(
    records: CountedStore,
    submissions: Submissions,
    submission_id: str,
    payload_sha256: str | None,
) -> None:
    """No id is found by another's beginning, nor by another's hash."""
    for number in (12, 13, 14):
        hand_in(records, f"s-{number}")

    with pytest.raises(SubmissionNotFound) as raised:
        submissions.read(ORDER, submission_id, payload_sha256)

    assert (raised.value.order_id, raised.value.submission_id) == (ORDER, submission_id)


def test_the_record_of_one_payload_is_no_answer_for_another_under_the_same_id(
    records: CountedStore, submissions: Submissions
) -> None:
    """The other one may still be on the queue."""
    hand_in(records, "s-1", amount=10)
    queued = submission(order_text(amount=9999), "s-1")

    with pytest.raises(SubmissionNotFound):
        submissions.read(*identity(queued))


@pytest.mark.parametrize(
    "amounts",
    [(10, 20), (0, 10), (0, -1), ("other", 10, 20), ("other", 0, 10), (0, "other", 10, 20)],
)
def test_an_id_of_two_payloads_is_ambiguous_until_one_is_chosen(
    records: CountedStore, submissions: Submissions, amounts: tuple[object, ...]
) -> None:
    """Wherever the two are: in the shared slots, in their own, or one in each."""
    both = [
        hand_in(records, "s-other" if amount == "other" else "s-1", amount=amount)
        for amount in amounts
    ]
    both = [each for each in both if each.submission_id == "s-1"]

    with pytest.raises(SubmissionAmbiguous) as raised:
        submissions.read(ORDER, "s-1")

    assert set(raised.value.payloads) == {each.order.payload_sha256 for each in both}
    assert raised.value.submission_id == "s-1"
    for each in both:
        assert submissions.read(*identity(each)).record.is_of(each)


def test_a_bounded_number_of_payloads_is_listed(
    records: CountedStore, submissions: Submissions
) -> None:
    for amount in range(1, 3 * LISTED_PAYLOADS):
        hand_in(records, "s-1", amount=amount)

    with pytest.raises(SubmissionAmbiguous) as raised:
        submissions.read(ORDER, "s-1")

    assert len(raised.value.payloads) == LISTED_PAYLOADS + 1


def test_a_submission_that_was_settled_by_two_rules_is_read_as_accepted(
    records: CountedStore, submissions: Submissions
) -> None:
    """A deployment between its two deliveries changed the validation."""
    delivered = submission(order_text(), "s-1")
    first = Record.of_first(delivered, START)
    records.take(
        first._replace(status=Status.REJECTED, s3_key=None, payload=delivered.order.payload)
    )
    records.take(first._replace(record_id=CORRECTION_SLOT, is_duplicate=True))

    for payload_sha256 in (None, delivered.order.payload_sha256):
        read = submissions.read(ORDER, "s-1", payload_sha256)

        assert read.record.status is Status.ACCEPTED


def test_an_item_that_cannot_be_read_may_be_the_submissions(
    records: CountedStore, submissions: Submissions
) -> None:
    """Nobody knows whether it is: a 404 would tell the sender to wait for ever."""
    put_by_hand(records, Record.of_first(submission(), START), status={"S": "PENDING"})

    for payload_sha256 in (None, OTHER_SHA256):
        with pytest.raises(UnreadableRecord):
            submissions.read(ORDER, "s-1", payload_sha256)


def test_another_slots_unreadable_item_does_not_hide_an_identity(
    records: CountedStore, submissions: Submissions
) -> None:
    hand_in(records, "s-1", amount=10)
    later = hand_in(records, "s-2")
    put_by_hand(records, records.of(ORDER)[0], status={"S": "PENDING"})

    assert submissions.read(*identity(later)).record.is_of(later)
    with pytest.raises(UnreadableRecord):
        submissions.read(ORDER, "s-2")


def test_an_item_that_cannot_be_read_in_the_own_slot_is_no_answer(
    records: CountedStore, submissions: Submissions
) -> None:
    hand_in(records, "s-1")
    later = hand_in(records, "s-2")
    put_by_hand(records, records.of(ORDER)[1], errors={"S": "none"})

    for payload_sha256 in (None, later.order.payload_sha256):
        with pytest.raises(UnreadableRecord):
            submissions.read(ORDER, "s-2", payload_sha256)


@pytest.mark.parametrize(
    "changes", [{"submissionId": {"S": "s-9"}}, {"payloadSha256": {"S": OTHER_SHA256}}]
)
def test_a_record_that_its_key_does_not_name_is_no_answer(
    records: CountedStore, submissions: Submissions, changes: dict[str, object]
) -> None:
    """Someone copied a record under another's key: its sender must not read it as its own."""
    hand_in(records, "s-1")
    later = hand_in(records, "s-2", amount=10)
    put_by_hand(records, records.of(ORDER)[1], **changes)

    for payload_sha256 in (None, later.order.payload_sha256):
        with pytest.raises(UnreadableRecord, match="its key names"):
            submissions.read(ORDER, "s-2", payload_sha256)


@pytest.mark.parametrize("payload", [{"S": "{}"}, None])
def test_a_payload_that_is_not_what_was_received_is_not_shown(
    records: CountedStore, submissions: Submissions, payload: dict[str, str] | None
) -> None:
    rejected = hand_in(records, "s-1", amount=0)
    item = to_item(records.of(ORDER)[0], 4)
    del item["payload"]
    records.put_by_hand(item | ({"payload": payload} if payload else {}))

    with pytest.raises(UnreadableRecord, match="not what was received"):
        submissions.read(*identity(rejected))


class ChangingStore(CountedStore):
    """A store in which somebody changes an item, or takes it out, between two reads of it."""

    def __init__(self, then: Listed | None) -> None:
        super().__init__()
        self._then = then

    def read_slot(self, order_id: str, record_id: str) -> Listed | None:
        assert (order_id, record_id) == (ORDER, FIRST_SLOT)
        return self._then


@pytest.mark.parametrize("then", [None, UnreadableRecord(ORDER, FIRST_SLOT, "", "changed")])
def test_an_item_that_changes_between_two_reads_is_no_answer(then: Listed | None) -> None:
    records = ChangingStore(then)
    rejected = hand_in(records, "s-1", amount=0)

    with pytest.raises(UnreadableRecord):
        Submissions(records, FakeArchive()).read(*identity(rejected))


def test_an_outage_is_not_taken_for_an_answer(
    records: CountedStore, submissions: Submissions
) -> None:
    delivered = hand_in(records, "s-1")

    with records.outage(), pytest.raises(StoreUnavailable):
        submissions.read(*identity(delivered))


@pytest.mark.parametrize(
    ("place", "by_hash", "by_id"),
    [
        ("first", ["Query"], ["Query", "Query"]),
        ("first, rejected", ["Query", "GetItem"], ["Query", "Query", "GetItem"]),
        ("own", ["Query", "GetItem"], ["Query", "Query"]),
        ("own, rejected", ["Query", "GetItem", "GetItem"], ["Query", "Query", "GetItem"]),
        ("none", ["Query", "GetItem"], ["Query", "Query"]),
    ],
)
def test_the_reads_of_a_submission(
    records: CountedStore,
    submissions: Submissions,
    place: str,
    by_hash: list[str],
    by_id: list[str],
) -> None:
    """Each read is a call to DynamoDB. A wait makes those of "none" at each look."""
    if place.startswith("own"):
        hand_in(records, "s-1")
    amount = 0 if place.endswith("rejected") else 10
    delivered = submission(order_text(amount=amount), "s-2")
    if place != "none":
        settle(delivered, records.take, START)

    for payload_sha256, expected in ((delivered.order.payload_sha256, by_hash), (None, by_id)):
        records.reads.clear()
        try:
            submissions.read(ORDER, "s-2", payload_sha256)
        except SubmissionNotFound:
            assert place == "none"
        assert records.reads == expected


def test_the_own_slot_of_a_submission_begins_with_its_id() -> None:
    assert own_slot("s-1", OTHER_SHA256) == f"2#s-1#{OTHER_SHA256}"
