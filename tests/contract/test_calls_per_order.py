"""
The cost of an order in calls to AWS, and in work of our own: exact numbers, that can't grow unseen.

They are counts, never times: the same on every machine, however busy. A number that changes for a
good reason is changed here, and then `make bench` says what it does to the table. A test that fails
says so.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from benchmarks.events import Mix, batches, record
from benchmarks.processes import FakeAws
from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.services.processing import Processor
from tests.application import ENVIRONMENT, client_of, load_app
from tests.builders import Clock, order_text, sqs_message
from tests.contract.calls_of_an_order import function_calls
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter
from tests.limits import Limit

HERE = "tests/contract/test_calls_per_order.py"
COST = "the time that Lambda is paid for with every order"
BENCH = "type make bench, which brings docs/performance.md up to date"
PUT, BATCH, ITEM = "S3 PutObject", "DynamoDB BatchExecuteStatement", "DynamoDB PutItem"
SEND, QUERY = "SQS SendMessage", "DynamoDB Query"
# Calls within our own code for one order of a batch of 100, without the libraries below it. Ten of
# them are the price of one duplicate logic: `settle` makes the record that the batch wrote again.
OWN_CALLS_PER_ORDER = Limit(
    75,
    "Calls of functions in chalicelib for one order of a batch of 100",
    "OWN_CALLS_PER_ORDER",
    HERE,
    COST,
    BENCH,
)
# Calls of all Python functions, mostly botocore's, for an order that is a batch by itself.
# The object's SHA-256, which S3 keeps, is 85 of them, and 91 of the bytes.
ALL_CALLS_PER_ORDER = Limit(
    # Ten of them part a batch, for messages that came back time and again, and tell an envelope.
    # One looks for a traceparent. Thirty read the version of the object in S3's answer.
    # A hundred list the units of metrics: decision 9 says why they are not spared.
    3_980,
    "Calls of all Python functions, libraries included, for one order by itself",
    "ALL_CALLS_PER_ORDER",
    HERE,
    COST,
    BENCH,
)
ALL_CALLS_OVER_OBSTORE = ALL_CALLS_PER_ORDER._replace(most=2_018, name="ALL_CALLS_OVER_OBSTORE")
# Bytes sent to AWS for that order, in two requests. The terms are a map in the item.
BYTES_PER_ORDER = Limit(
    2_611,
    "Bytes that are sent to AWS for one order by itself",
    "BYTES_PER_ORDER",
    HERE,
    "the time and the price of each order's requests",
    BENCH,
)
BYTES_OVER_OBSTORE = BYTES_PER_ORDER._replace(most=2_461, name="BYTES_OVER_OBSTORE")

_runs = itertools.count()


Process = Callable[[dict[str, Any]], None]
CallsOf = Callable[..., dict[str, int]]


@pytest.fixture(scope="module")
def fake_aws() -> Iterator[FakeAws]:
    with FakeAws() as aws:
        yield aws


def of_queues(aws: FakeAws) -> dict[str, str]:
    """Name the queues of an AWS to the app."""
    return {
        "ORDERS_QUEUE_URL": f"{aws.url}/000000000000/orders",
        "ORDERS_DLQ_URL": f"{aws.url}/000000000000/orders-dlq",
    }


@pytest.fixture
def process(library: str, fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Process:
    """Make the processor over an AWS that is empty, its archive over each library."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake_aws.url)
    fake_aws.reset()
    settings = ENVIRONMENT | of_queues(fake_aws) | {"ORDERS_ARCHIVE": library}
    application = Application(settings, LambdaClients())
    handler = load_app(application).app.handler_map["process_orders"]

    def process(event: dict[str, Any]) -> None:
        assert handler(event, None) is None

    return process


@pytest.fixture
def calls_of(process: Process, fake_aws: FakeAws) -> CallsOf:
    """Count the calls that it takes to process batches, one after the other."""

    def calls_of(*events: dict[str, Any]) -> dict[str, int]:
        for event in events:
            process(event)
        calls: dict[str, int] = fake_aws.reset()["calls"]
        return calls

    return calls_of


@pytest.mark.parametrize(
    ("mix", "size", "expected"),
    [
        (Mix.VALID, 1, {PUT: 1, ITEM: 1}),
        (Mix.VALID, 2, {PUT: 2, BATCH: 1}),
        (Mix.VALID, 10, {PUT: 10, BATCH: 1}),
        (Mix.VALID, 26, {PUT: 26, BATCH: 1, ITEM: 1}),
        (Mix.VALID, 100, {PUT: 100, BATCH: 4}),
        # A duplicate: its object, and a put of its own record. The first one is in the same batch.
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


def test_the_calls_of_a_duplicate_of_an_earlier_batch(calls_of: CallsOf) -> None:
    """One call more than in the same batch: it finds out which submission was first."""
    of_the_same, of_an_earlier = islice(batches(Mix.DUPLICATES, 10, f"run-{next(_runs)}"), 2)

    assert calls_of(of_the_same, of_an_earlier) == {PUT: 20, BATCH: 2, ITEM: 1 + 2}


def test_the_calls_of_a_redelivery(calls_of: CallsOf) -> None:
    event = {"Records": [record("redelivered", "order-1")]}

    assert calls_of(event, event) == {PUT: 2, ITEM: 2}


def test_the_calls_of_a_batch_that_is_delivered_again(calls_of: CallsOf) -> None:
    event = next(batches(Mix.VALID, 10, f"run-{next(_runs)}"))

    assert calls_of(event, event) == {PUT: 20, BATCH: 2, ITEM: 10}


def test_the_call_of_an_unreadable_message(calls_of: CallsOf) -> None:
    event = {"Records": [{**record("unreadable", "order-1"), "body": "{"}]}

    assert calls_of(event) == {SEND: 1}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, {SEND: 3}), ({"Idempotency-Key": "one"}, {ITEM: 3, SEND: 2})],
    ids=["without a key", "with a key"],
)
def test_the_calls_of_submissions(
    fake_aws: FakeAws,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
    expected: dict[str, int],
) -> None:
    """A key costs one write: of its first use, of a replay, and of one that is refused."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake_aws.url)
    fake_aws.reset()
    application = Application(ENVIRONMENT | of_queues(fake_aws), LambdaClients())
    given = {"Content-Type": "application/json", **headers}

    with client_of(load_app(application).app) as client:
        for body in (order_text(), order_text(), order_text("other")):
            client.http.post("/orders", headers=given, body=body.encode())

    assert fake_aws.reset()["calls"] == expected


@pytest.mark.parametrize("records", [1, 2])
def test_the_call_of_reading_an_order(
    fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch, records: int
) -> None:
    """Most orders have one record, and are read by one call, with their history."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", fake_aws.url)
    fake_aws.reset()
    application = Application(ENVIRONMENT | of_queues(fake_aws), LambdaClients())
    app = load_app(application).app
    event = {"Records": [record(f"submission-{n}", "order-1") for n in range(records)]}
    app.handler_map["process_orders"](event, None)

    with client_of(app) as client:
        answer = client.http.get("/orders/order-1")

    assert len(answer.json_body["records"]) == records
    calls = fake_aws.reset()["calls"]
    assert {name: count for name, count in calls.items() if name not in {PUT, ITEM}} == {QUERY: 1}


def test_an_order_sends_no_more_bytes(process: Process, library: str, fake_aws: FakeAws) -> None:
    """No request asks for leave first; each has a short User-Agent and a single checksum."""
    process({"Records": [record("first", "first")]})
    fake_aws.reset()

    process({"Records": [record("next", "next")]})

    tally = fake_aws.reset()
    assert tally["continues"] == 0
    {"boto3": BYTES_PER_ORDER, "obstore": BYTES_OVER_OBSTORE}[library].require(tally["bytesIn"])


def test_an_order_takes_no_more_calls_of_all_code(library: str, fake_aws: FakeAws) -> None:
    """The count also covers work that sends no byte, as botocore's validation would be."""
    # Else the other library's orders are there already: it counted redeliveries.
    fake_aws.reset()
    settings = {"AWS_ENDPOINT_URL": fake_aws.url, "ORDERS_ARCHIVE": library}
    counted = subprocess.run(
        [sys.executable, "-m", "tests.contract.calls_of_an_order"],
        env={**os.environ, **ENVIRONMENT, **of_queues(fake_aws), **settings},
        capture_output=True,
        text=True,
        check=False,
    )

    assert counted.returncode == 0, counted.stderr
    of_library = {"boto3": ALL_CALLS_PER_ORDER, "obstore": ALL_CALLS_OVER_OBSTORE}
    of_library[library].require(int(counted.stdout))


def test_an_order_takes_no_more_calls_of_our_own_code() -> None:
    processor = Processor(
        records=FakeRecordStore(),
        archive=FakeArchive(),
        queue=FakeQueue(),
        reporter=FakeReporter(),
        clock=Clock(),
    )
    messages = [sqs_message(order_text(f"order-{number}")) for number in range(100)]

    calls = function_calls(lambda: processor.process_batch(messages), "chalicelib")

    OWN_CALLS_PER_ORDER.require(round(calls / len(messages)))
