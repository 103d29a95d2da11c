"""
What an order costs in calls to AWS, and in work of our own: exact numbers, that can't grow unseen.

They are counts, never times: the same on every machine, however busy. A number that changes for a
good reason is changed here, and then `make bench` says what it does to the table.
"""

import itertools
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

import app as orders_app
from benchmarks.events import Mix, batches, record
from benchmarks.processes import FakeAws
from chalicelib import wiring
from chalicelib.processing import Processor
from tests.builders import Clock, order_text, sqs_message
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter

PUT, BATCH, ITEM = "S3 PutObject", "DynamoDB BatchExecuteStatement", "DynamoDB PutItem"
# What our own code may call for one order of a batch of 100: all below it is not counted.
OWN_CALLS_PER_ORDER = 63

_runs = itertools.count()


CallsOf = Callable[..., dict[str, int]]


@pytest.fixture(scope="module")
def fake_aws() -> Iterator[FakeAws]:
    with FakeAws() as aws:
        yield aws


@pytest.fixture
def calls_of(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[CallsOf]:
    """The calls that it takes to process batches, one after the other, in an empty AWS."""
    for name, value in {
        "AWS_ENDPOINT_URL": fake_aws.url,
        "ORDERS_QUEUE_URL": f"{fake_aws.url}/000000000000/orders",
        "ORDERS_DLQ_URL": f"{fake_aws.url}/000000000000/orders-dlq",
        "ORDERS_BUCKET": "orders",
        "ORDERS_TABLE": "orders",
    }.items():
        monkeypatch.setenv(name, value)
    wiring.forget()

    def process(*events: dict[str, Any]) -> dict[str, int]:
        handler: Any = orders_app.app.handler_map["process_orders"]
        for event in events:
            assert handler(event, None) is None
        calls: dict[str, int] = fake_aws.reset()["calls"]
        return calls

    yield process
    wiring.forget()


@pytest.mark.parametrize(
    ("mix", "size", "expected"),
    [
        (Mix.VALID, 1, {PUT: 1, ITEM: 1}),
        (Mix.VALID, 2, {PUT: 2, BATCH: 1}),
        (Mix.VALID, 10, {PUT: 10, BATCH: 1}),
        (Mix.VALID, 26, {PUT: 26, BATCH: 1, ITEM: 1}),
        (Mix.VALID, 100, {PUT: 100, BATCH: 4}),
        # A duplicate: its object, and a put of its own record. Who is first is in the same batch.
        (Mix.DUPLICATES, 10, {PUT: 10, BATCH: 1, ITEM: 1}),
        (Mix.DUPLICATES, 100, {PUT: 100, BATCH: 4, ITEM: 10}),
        # An invalid order: no object.
        (Mix.INVALID, 10, {PUT: 9, BATCH: 1}),
        (Mix.INVALID, 100, {PUT: 90, BATCH: 4}),
    ],
)
def test_the_calls_of_a_batch(
    calls_of: CallsOf, mix: Mix, size: int, expected: dict[str, int]
) -> None:
    assert calls_of(next(batches(mix, size, f"run-{next(_runs)}"))) == expected


def test_the_calls_of_a_redelivery(calls_of: CallsOf) -> None:
    event = {"Records": [record("redelivered", "order-1")]}

    assert calls_of(event, event) == {PUT: 2, ITEM: 2}


def test_the_calls_of_a_batch_that_is_delivered_again(calls_of: CallsOf) -> None:
    event = next(batches(Mix.VALID, 10, f"run-{next(_runs)}"))

    assert calls_of(event, event) == {PUT: 20, BATCH: 2, ITEM: 10}


def test_the_call_of_an_unreadable_message(calls_of: CallsOf) -> None:
    event = {"Records": [{**record("unreadable", "order-1"), "body": "{"}]}

    assert calls_of(event) == {"SQS SendMessage": 1}


def test_an_order_takes_no_more_of_our_own_code() -> None:
    """Python function calls, which are the same in each run: what CPU time can't be."""
    calls = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        if event == "call" and "chalicelib" in frame.f_code.co_filename:
            calls += 1

    processor = Processor(
        records=FakeRecordStore(),
        archive=FakeArchive(),
        queue=FakeQueue(),
        reporter=FakeReporter(),
        clock=Clock(),
    )
    messages = [sqs_message(order_text(f"order-{number}")) for number in range(100)]
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        processor.process_batch(messages)
    finally:
        sys.setprofile(before)

    assert round(calls / len(messages)) <= OWN_CALLS_PER_ORDER, calls
