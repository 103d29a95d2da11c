"""Whatever stands beside an order, the verdict on it is the verdict on its text alone."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.http.representation import record_json, to_json
from chalicelib.orders.record import Record
from chalicelib.orders.terms import TERMS
from chalicelib.orders.traceparent import TRACEPARENT, well_formed_traceparent
from chalicelib.services.claims import MAX_CALLER_CHARACTERS
from chalicelib.services.message import Message
from chalicelib.services.message_attributes import OTHER_ATTRIBUTES, SUBMISSION_ATTRIBUTES
from chalicelib.services.processing import Processor
from chalicelib.texts import texts_in
from tests.builders import Clock, order_text, sqs_record
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter
from tests.properties import traceparents
from tests.properties.orders import near_valid_orders, valid_orders

SUBMISSION = {"submissionId": {"dataType": "String", "stringValue": "s-1"}}
# Of a record as the API shows it, in JSON.
MOST_BYTES_BESIDE_THE_CALLER = 3_000
MOST_ERRORS = 8
# The rest of a record: it may say what stood beside the order.
BESIDE = (
    *("received_at", "submitted_by", "message_channel", "ignored_attributes", "receive_count"),
    TRACEPARENT,
)

OTHERS = (OTHER_ATTRIBUTES, TRACEPARENT, "id", "amount", "valid", "status", "MessageGroupId")
names = st.sampled_from([name for name in SUBMISSION_ATTRIBUTES if name != "submissionId"]) | (
    st.sampled_from(OTHERS) | st.text()
)
plausible = st.sampled_from(
    ["web", "atm", "ATM", "9999-12-31T23:59:59.999Z", "0", "null", json.dumps({"channel": "x"})]
)
any_text = st.text(st.characters(), max_size=40)  # lone surrogates too
texts = plausible | traceparents.any_texts | any_text | any_text.map(lambda text: text * 3_000)
strings = st.builds(
    lambda data_type, text: {"dataType": data_type, "stringValue": text},
    st.sampled_from(["String", "Number", "String.x", "Binary"]),
    texts | st.none(),
)
binaries = st.binary(max_size=40).map(
    lambda value: {"dataType": "Binary", "binaryValue": base64.b64encode(value).decode()}
)
attributes = st.dictionaries(names, strings | binaries, max_size=12)
receives = st.integers(1, 1_000)
# All of one id, so that they are duplicates and corrections of each other.
bodies = (near_valid_orders | valid_orders).map(lambda order: replace(order, id="order-001").text)


class System:
    """A processor over fakes, in which an order is recorded already, or none."""

    def __init__(self, *recorded: str) -> None:
        self.records = FakeRecordStore()
        self.archive = FakeArchive()
        self._processor = Processor(
            records=self.records,
            archive=self.archive,
            queue=FakeQueue(),
            reporter=FakeReporter(),
            clock=Clock(),
        )
        for body in recorded:
            self.process(body, {})

    def process(self, body: str, beside: Mapping[str, Any], receive_count: int = 1) -> None:
        record = sqs_record(body, message_id="m-1", receive_count=receive_count)
        message = Message.from_record(record | {"messageAttributes": dict(beside)})
        (processed,) = self._processor.process_batch([message])
        assert processed.failure is None

    def verdicts(self) -> list[Record]:
        """Return all records as they would be with nothing beside the orders."""
        return [_without_claims(record) for record in self.records.all()]


def _without_claims(record: Record) -> Record:
    values = record._asdict()
    return Record(**{name: value for name, value in values.items() if name not in BESIDE}, **FIXED)


FIXED: dict[str, Any] = {
    "received_at": None,
    "submitted_by": None,
    "message_channel": None,
    "ignored_attributes": (),
    "receive_count": 0,
}


@given(
    orders=st.lists(bodies, max_size=2),
    body=bodies,
    beside=attributes,
    receive_count=receives,
)
def test_the_verdict_on_an_order_is_the_verdict_on_its_text(
    orders: list[str], body: str, beside: dict[str, Any], receive_count: int
) -> None:
    plain, claiming = System(*orders), System(*orders)

    plain.process(body, SUBMISSION)
    claiming.process(body, beside | SUBMISSION, receive_count)

    assert claiming.verdicts() == plain.verdicts()
    assert claiming.archive.objects == plain.archive.objects


@given(st.lists(attributes, min_size=1, max_size=4), st.booleans())
def test_a_submission_is_one_record_whatever_its_deliveries_claim(
    deliveries: list[dict[str, Any]],
    after_an_invalid_one: bool,
) -> None:
    recorded = [order_text(amount=0)] if after_an_invalid_one else []
    plain, claiming = System(*recorded), System(*recorded)

    plain.process(order_text(), SUBMISSION)
    for beside in deliveries:
        claiming.process(order_text(), beside | SUBMISSION)

    assert claiming.verdicts() == plain.verdicts()


@given(attributes)
def test_a_claim_is_kept_as_it_is_or_not_at_all(beside: dict[str, Any]) -> None:
    system = System()

    system.process(order_text(), beside | SUBMISSION)

    (record,) = system.records.all()
    assert {*record.ignored_attributes} <= {*SUBMISSION_ATTRIBUTES} & beside.keys()
    for name, kept in (("channel", record.message_channel), ("submittedBy", record.submitted_by)):
        given = beside.get(name, {}).get("stringValue")
        assert kept in (None, given)
        assert (kept is None) is (name not in beside or name in record.ignored_attributes)
    given = beside.get(TRACEPARENT, {}).get("stringValue") or ""
    assert record.traceparent == well_formed_traceparent(given)


# JSON of values by names: as large as a body can be, and so of any sort.
VALUES = {
    **{
        f"many of {character!r}": f'"{character * 6_000}"'
        for character in ("x", "1", "ñ", "\U0001f600", '\\"', "\\\\", "\\u0000", "\\ud800")
    },
    "many digits": "9" * 30_000,
    "many decimals": f"-0.{'0' * 30_000}1",
    "a large exponent": "1e999999999999999999",
    "a long list": f"[{'1,' * 9_000}1]",
    "an object": '{"x": "x"}',
    "null": "null",
    "true": "true",
    "nothing": '""',
    "a digit": '"1"',
}


def order_of(values: Mapping[str, str]) -> str:
    fields = ", ".join(f'"{name}": {VALUES[value]}' for name, value in values.items())
    return f'{{"id": "{"o" * 64}", "{"x" * 10_000}": 1, {fields}}}'


@given(
    st.fixed_dictionaries({name: st.sampled_from(sorted(VALUES)) for name in TERMS}),
    attributes,
    st.booleans(),
)
def test_a_listed_record_has_a_bound_whatever_its_sender_writes(
    values: dict[str, str],
    beside: dict[str, Any],
    is_later: bool,
) -> None:
    """200 of them are an answer: see tests/http/test_answer_size.py."""
    system = System(*([order_text("o" * 64)] if is_later else []))

    system.process(order_of(values), beside | SUBMISSION)

    records = system.records.all()
    assert len(records) == 1 + is_later
    for record in records:
        listed = record._replace(payload=None, submitted_by=None)
        for language in ("en", "es"):
            shown = to_json(record_json(listed, texts_in(language)))
            assert len(shown) <= MOST_BYTES_BESIDE_THE_CALLER
        assert len(record.submitted_by or "") <= MAX_CALLER_CHARACTERS
        assert len(record.errors) <= MOST_ERRORS
