"""The publisher of `make run`: it does what Lambda's mapping of the table's stream does."""

# ruff: noqa: N803 (the arguments of the fake have the names of the real one)

import json
import logging
import threading
from collections import deque
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.local.lambda_events import LambdaContext
from ops.local.stream_source import ATTEMPTS, BATCH_SIZE, StreamMapping
from ops.project import EVENTS_MERGE_TEMPLATE, PROJECT_ROOT
from ops.templates import load_template

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/orders-local/stream/2026-11-26T10:52:45.213"


class FakeStreams:
    """One shard of changes, read by iterators that are positions."""

    def __init__(self, count: int = 0) -> None:
        self.changes = [change(number) for number in range(count)]
        self.errors: deque[Exception] = deque()
        self.asked: list[dict[str, str]] = []

    def describe_stream(self, *, StreamArn: str) -> Any:
        assert StreamArn == STREAM
        return {"StreamDescription": {"Shards": [{"ShardId": "shard-1"}]}}

    def get_shard_iterator(self, *, StreamArn: str, ShardId: str, **place: str) -> Any:
        assert (StreamArn, ShardId) == (STREAM, "shard-1")
        self.asked.append(place)
        return {"ShardIterator": str(int(place.get("SequenceNumber", "-1")) + 1)}

    def get_records(self, *, ShardIterator: str, Limit: int) -> Any:
        if self.errors:
            raise self.errors.popleft()
        start = int(ShardIterator)
        records = self.changes[start : start + Limit]
        return {"Records": records, "NextShardIterator": str(start + len(records))}


class Publisher:
    """A handler that remembers its changes, and fails as often as it is told."""

    def __init__(self, failures: int = 0, error: BaseException | None = None) -> None:
        self.failures = failures
        self.error = error or RuntimeError("12345678")
        self.events: list[dict[str, Any]] = []
        self.contexts: list[LambdaContext] = []

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> None:
        self.contexts.append(context)
        if self.failures:
            self.failures -= 1
            raise self.error
        self.events.append(event)

    @property
    def numbers(self) -> list[str]:
        return [
            each["dynamodb"]["SequenceNumber"] for event in self.events for each in event["Records"]
        ]


def change(number: int) -> dict[str, Any]:
    data = {
        "ApproximateCreationDateTime": datetime(2026, 11, 26, tzinfo=UTC),
        "NewImage": {"orderId": {"S": f"order-{number}"}},
        "SequenceNumber": str(number),
    }
    return {"eventName": "INSERT", "awsRegion": "us-east-1", "dynamodb": data}


def expired() -> ClientError:
    return ClientError({"Error": {"Code": "ExpiredIteratorException"}}, "GetRecords")


def run_to_the_end(mapping: StreamMapping) -> None:
    mapping.stop()
    mapping.run()


def mapping_of(streams: FakeStreams, publisher: Publisher) -> StreamMapping:
    return StreamMapping(streams, publisher, STREAM, pause_seconds=0.001)


def test_the_mapping_is_set_as_that_of_a_deployed_stage() -> None:
    template = load_template((PROJECT_ROOT / EVENTS_MERGE_TEMPLATE).read_text(encoding="utf-8"))
    function = template["Resources"]["PublishEvents"]["Properties"]
    settings = function["Events"]["PublishEventsDynamodbEventSource"]["Properties"]

    assert 1 + settings["MaximumRetryAttempts"] == ATTEMPTS
    assert f"EVENTS_BATCH_SIZE = {BATCH_SIZE}\n" in (PROJECT_ROOT / "app.py").read_text(
        encoding="utf-8"
    )


def test_changes_are_handed_on_in_order_from_the_streams_beginning() -> None:
    streams, publisher = FakeStreams(2 * BATCH_SIZE + 1), Publisher()

    run_to_the_end(mapping_of(streams, publisher))

    assert publisher.numbers == [str(number) for number in range(2 * BATCH_SIZE + 1)]
    assert [len(event["Records"]) for event in publisher.events] == [BATCH_SIZE, BATCH_SIZE, 1]
    assert streams.asked == [{"ShardIteratorType": "TRIM_HORIZON"}]


def test_an_event_has_lambdas_form() -> None:
    publisher = Publisher()

    run_to_the_end(mapping_of(FakeStreams(1), publisher))

    (event,), (context,) = publisher.events, publisher.contexts
    (record,) = event["Records"]
    assert record["eventSourceARN"] == STREAM
    assert record["dynamodb"]["ApproximateCreationDateTime"] == 1795651200.0
    assert json.loads(json.dumps(event)) == event
    assert context.function_name == "orders-local-publish_events"


def test_nothing_is_invoked_without_a_change() -> None:
    publisher = Publisher()

    run_to_the_end(mapping_of(FakeStreams(), publisher))

    assert publisher.contexts == []


def test_a_stop_hands_on_what_is_still_there() -> None:
    """Nobody keeps the emulator's stream: an event that waits for the next start is lost."""
    streams, publisher = FakeStreams(1), Publisher()
    mapping = mapping_of(streams, publisher)
    thread = threading.Thread(target=mapping.run)
    thread.start()

    streams.changes.append(change(1))
    mapping.stop()
    thread.join()

    assert publisher.numbers == ["0", "1"]


@pytest.mark.parametrize("error", [RuntimeError("12345678"), SystemExit(1)])
def test_a_batch_that_fails_comes_again_and_the_log_quotes_nothing(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = Publisher(failures=1, error=error)

    with caplog.at_level(logging.WARNING):
        run_to_the_end(mapping_of(FakeStreams(2), publisher))

    assert publisher.numbers == ["0", "1"]
    assert f"failed with {type(error).__name__}" in caplog.text
    assert "12345678" not in caplog.text


def test_a_batch_that_always_fails_is_given_up_after_as_many_attempts_as_on_lambda(
    caplog: pytest.LogCaptureFixture,
) -> None:
    streams, publisher = FakeStreams(1), Publisher(failures=ATTEMPTS)
    mapping = mapping_of(streams, publisher)

    mapping._hand_on()
    streams.changes.append(change(1))
    mapping._hand_on()

    assert len(publisher.contexts) == ATTEMPTS + 1
    assert publisher.numbers == ["1"]
    assert "given up" in caplog.text


def test_reading_goes_on_where_it_was_after_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    streams, publisher = FakeStreams(3), Publisher()
    mapping = mapping_of(streams, publisher)
    mapping._hand_on()
    streams.errors.append(expired())
    streams.changes.append(change(3))

    assert mapping._hand_on() == 0
    run_to_the_end(mapping)

    assert publisher.numbers == ["0", "1", "2", "3"]
    assert streams.asked[-1] == {
        "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
        "SequenceNumber": "2",
    }
    assert "The table's stream can't be read, trying again until it can" in caplog.text
    assert "The table's stream can be read again" in caplog.text
