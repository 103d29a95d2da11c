"""The claims of a message: each is used or left out and named, and none decides a verdict."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.orders.record import Record
from chalicelib.services.claims import MAX_CALLER_CHARACTERS, read_claims
from chalicelib.services.message import Message
from chalicelib.services.message_attributes import SUBMISSION_ATTRIBUTES, string_attribute
from chalicelib.services.processing import Processor
from tests.builders import START, Clock, order_text, sqs_message, sqs_record
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter
from tests.properties.traceparents import TRACEPARENT

INVALID = order_text(amount=0)
VALID = order_text()
HUGE = "x" * 250_000


def attribute(data_type: str, **value: str) -> dict[str, Any]:
    return {"dataType": data_type, "stringListValues": [], "binaryListValues": [], **value}


# Each is no time, no channel, no caller and no request's id.
UNUSABLE = {
    "empty": string_attribute(""),
    "binary": attribute("Binary", binaryValue="d2Vi"),
    "binary of a type of its own": attribute("Binary.png", binaryValue="d2Vi"),
    "without a value": attribute("String"),
    "null": {"dataType": "String", "stringValue": None},
    "huge": string_attribute(HUGE),
    "huge and not ASCII": string_attribute("\U0001f600" * 60_000),
    "lone surrogate": string_attribute("\ud800"),
    "NUL": string_attribute("\x00"),
}


class System:
    """A processor over fakes, which messages are given to one by one."""

    def __init__(self) -> None:
        self.records = FakeRecordStore()
        self.archive = FakeArchive()
        self.queue = FakeQueue()
        self._processor = Processor(
            records=self.records,
            archive=self.archive,
            queue=self.queue,
            reporter=FakeReporter(),
            clock=Clock(),
        )

    def process(self, body: str, claims: Mapping[str, Any], message_id: str = "m-1") -> None:
        message = Message.from_record(sqs_record(body, message_id=message_id))
        (processed,) = self._processor.process_batch([message._replace(message_attributes=claims)])
        assert processed.failure is None

    def record(self) -> Record:
        (record,) = self.records.all()
        return record


def channel_of(text: str) -> dict[str, Any]:
    return {"submissionId": string_attribute("s-1"), "channel": string_attribute(text)}


@pytest.fixture
def system() -> System:
    return System()


def test_a_channel_that_is_none_does_not_make_an_order_invalid(system: System) -> None:
    system.process(VALID, channel_of("ATM"))

    record = system.record()
    assert (record.status, record.errors, record.message_channel) == ("ACCEPTED", (), None)
    assert record.ignored_attributes == ("channel",)


def test_a_channel_that_is_mended_stays_the_same_submission(system: System) -> None:
    system.process(VALID, channel_of("ATM"), "m-1")
    system.process(VALID, channel_of("atm"), "m-2")

    assert system.record().status == "ACCEPTED"


def test_one_submission_never_has_two_records_of_different_verdicts(system: System) -> None:
    system.process(INVALID, {}, "m-0")
    system.process(VALID, channel_of("atm"), "m-1")
    system.process(VALID, channel_of("ATM"), "m-2")

    first, correction = system.records.of("order-001")
    assert (first.status, correction.status) == ("REJECTED", "ACCEPTED")


def test_nobody_can_have_anothers_order_rejected_under_its_key(system: System) -> None:
    """Whoever may send to the queue may guess the id of a submission, and knows its body."""
    system.process(VALID, {**channel_of("none of yours"), "receivedAt": string_attribute("?")})
    system.process(VALID, {"submissionId": string_attribute("s-1")}, "m-2")

    assert system.record().status == "ACCEPTED"


def test_the_channel_beside_an_order_is_never_compared(system: System) -> None:
    system.process(VALID, channel_of("web"), "m-1")
    system.process(VALID, {"channel": string_attribute("atm")}, "m-2")

    accepted, duplicate = system.records.of("order-001")
    assert (accepted.message_channel, duplicate.message_channel) == ("web", "atm")
    assert (duplicate.status, duplicate.differs) == ("DUPLICATE", ())


def test_the_orders_own_channel_comes_before_the_one_beside_it(system: System) -> None:
    system.process(order_text(channel="web"), channel_of("atm"))

    record = system.record()
    assert (record.terms.channel, record.message_channel, record.channel) == ("web", "atm", "web")


@pytest.mark.parametrize("name", ["channel", "receivedAt", "submittedBy", "requestId"])
@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
def test_a_claim_that_cannot_be_used_is_left_out_and_named(
    system: System, name: str, value: Mapping[str, Any]
) -> None:
    system.process(VALID, {name: value})

    plain = System()
    plain.process(VALID, {})
    assert system.record().ignored_attributes == (name,)
    assert system.record()._replace(ignored_attributes=()) == plain.record()


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
def test_any_text_makes_a_submission_id_and_anything_else_leaves_the_message_id(
    system: System, value: Mapping[str, Any]
) -> None:
    system.process(VALID, {"submissionId": value})

    record = system.record()
    if value.get("stringValue"):
        assert len(record.submission_id) == len("00000000-0000-0000-0000-000000000000")
        assert record.ignored_attributes == ()
    else:
        assert record.submission_id == "m-1"
        assert record.ignored_attributes == ("submissionId",)


@pytest.mark.parametrize(
    ("data_type", "name", "text"),
    [
        ("Number", "submittedBy", "123456789012"),
        ("String.arn", "submittedBy", "arn:aws:iam::1:user/ana"),
        ("String.iso", "receivedAt", "2026-02-28T23:59:59.999Z"),
        ("String.x", "channel", "atm"),
        ("Number", "requestId", "7"),
        ("Number", "submissionId", "7"),
    ],
)
def test_a_claim_of_text_may_have_any_type(data_type: str, name: str, text: str) -> None:
    claims = {name: attribute(data_type, stringValue=text)}

    assert read_claims(sqs_message()._replace(message_attributes=claims)).ignored == ()


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("0001-01-01T00:00:00.000Z", True),
        ("9999-12-31T23:59:59.999Z", True),
        ("yesterday", False),
        ("2026-02-28", False),
        ("2026-02-28T23:59:59Z", False),
        ("2026-02-28T23:59:59.999+01:00", False),
        ("2026-02-30T00:00:00.000Z", False),
        ("\uff12\uff10\uff12\uff16-02-28T23:59:59.999Z", False),
    ],
)
def test_the_queues_own_time_replaces_one_that_is_none(text: str, usable: bool) -> None:
    system = System()

    system.process(VALID, {"receivedAt": string_attribute(text)})

    record = system.record()
    assert record.ignored_attributes == (() if usable else ("receivedAt",))
    if usable:
        year, month, day = map(int, text[:10].split("-"))
        assert record.received_at.date() == datetime(year, month, day, tzinfo=UTC).date()
    else:
        assert record.received_at == START


@pytest.mark.parametrize(
    ("text", "kept"), [(TRACEPARENT, TRACEPARENT), (f"cc{TRACEPARENT[2:]}-more", TRACEPARENT)]
)
def test_a_sender_may_give_its_traceparent_itself(system: System, text: str, kept: str) -> None:
    system.process(VALID, {"traceparent": string_attribute(text)})

    record = system.record()
    assert (record.traceparent, record.ignored_attributes) == (kept, ())


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
def test_a_traceparent_that_cannot_be_used_is_as_none(
    system: System, value: Mapping[str, Any]
) -> None:
    system.process(VALID, {"traceparent": value})

    plain = System()
    plain.process(VALID, {})
    assert system.record() == plain.record()


def test_a_redelivery_with_another_traceparent_changes_nothing(system: System) -> None:
    system.process(VALID, {"traceparent": string_attribute(TRACEPARENT)})
    first = system.record()

    system.process(VALID, {"traceparent": string_attribute(TRACEPARENT.replace("4bf9", "4bf8"))})
    system.process(VALID, {})

    assert system.record() == first
    assert first.traceparent == TRACEPARENT


def test_a_duplicate_has_its_own_traceparent(system: System) -> None:
    system.process(VALID, {}, "m-1")
    system.process(VALID, {"traceparent": string_attribute(TRACEPARENT)}, "m-2")

    accepted, duplicate = system.records.of("order-001")
    assert (accepted.traceparent, duplicate.traceparent) == (None, TRACEPARENT)
    assert duplicate.differs == ()


@pytest.mark.parametrize("length", [1, 2_048, 2_049, 100_000])
def test_a_record_keeps_no_longer_caller_than_the_longest_arn(system: System, length: int) -> None:
    """A cut name would be another one's."""
    system.process(VALID, {"submittedBy": string_attribute("a" * length)})

    record = system.record()
    assert MAX_CALLER_CHARACTERS == 2_048
    assert record.submitted_by == ("a" * length if length <= MAX_CALLER_CHARACTERS else None)
    assert record.ignored_attributes == (() if record.submitted_by else ("submittedBy",))


def test_every_claim_that_the_processor_reads_is_named(system: System) -> None:
    claims = {name: attribute("Binary", binaryValue="eA==") for name in SUBMISSION_ATTRIBUTES}

    system.process(VALID, {**claims, "theirs": attribute("Binary", binaryValue="eA==")})

    assert system.record().ignored_attributes == SUBMISSION_ATTRIBUTES


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unreadable_message_is_passed_on_whatever_its_claims_are(
    system: System, value: Mapping[str, Any]
) -> None:
    system.process("[1]", dict.fromkeys([*SUBMISSION_ATTRIBUTES, "traceparent"], value))

    (dead,) = system.queue.dead_letters
    assert dead.attributes["unreadableReason"] == "not_an_object"
    assert json.loads(dead.attributes["unreadableDetail"])
    assert dead.attributes["receivedAt"] == "2026-03-01T12:00:00.000Z"
