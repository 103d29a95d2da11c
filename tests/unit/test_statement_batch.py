"""The specialist's batch, a contender of the benchmarks: it is right wherever ours is."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.contenders.statement_batch import Entry, StatementBatch
from benchmarks.events import record
from benchmarks.fake_aws import Tables, Tally
from tests.coroutines import run_apart


def client_error(code: str, item: Any = None) -> ClientError:
    return ClientError({"Error": {"Code": code}, **({"Item": item} if item else {})}, "call")  # type: ignore[typeddict-unknown-key]


class Aws:
    """Both clients over the benchmarks' tables. An operation in `failing` raises, once for each."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.tables = Tables(self.tally)
        self.objects: dict[str, bytes] = {}
        self.failing: dict[str, list[Exception]] = {}
        self.calls: list[str] = []

    async def put_object(self, **given: Any) -> None:
        self._begin("PutObject")
        assert given["IfNoneMatch"] == "*"
        if given["Key"] in self.objects:
            raise client_error("PreconditionFailed")
        self.objects[given["Key"]] = given["Body"]

    async def put_item(self, **given: Any) -> Any:
        return self._answer("PutItem", given)

    async def batch_execute_statement(self, **given: Any) -> Any:
        return self._answer("BatchExecuteStatement", given)

    def _answer(self, operation: str, given: dict[str, Any]) -> Any:
        self._begin(operation)
        status, answer = self.tables.answer(operation, given)
        if status != 200:
            raise client_error(answer["__type"], answer.get("Item"))
        return answer

    def _begin(self, operation: str) -> None:
        self.calls.append(operation)
        if self.failing.get(operation):
            raise self.failing[operation].pop(0)

    def process(self, *messages: dict[str, Any]) -> list[Entry]:
        async def process() -> list[Entry]:
            return await StatementBatch(self, self).process(messages)

        entries: list[Entry] = run_apart(process())
        return entries


@pytest.fixture
def aws() -> Aws:
    return Aws()


def results(entries: list[Entry]) -> list[Any]:
    return [entry.result for entry in entries]


def numbered(count: int) -> list[dict[str, Any]]:
    return [record(f"m-{number}", f"order-{number}") for number in range(count)]


def test_a_batch_takes_one_put_for_each_object_and_one_call_for_25_records(aws: Aws) -> None:
    entries = aws.process(*numbered(60))

    assert results(entries) == ["ACCEPTED"] * 60
    assert aws.calls.count("PutObject") == 60
    assert aws.calls.count("BatchExecuteStatement") == 3
    assert len(aws.calls) == 63


def test_a_message_by_itself_takes_two_calls(aws: Aws) -> None:
    assert results(aws.process(record("m-1", "order-1"))) == ["ACCEPTED"]
    assert aws.calls == ["PutObject", "PutItem"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_redelivery_changes_nothing(aws: Aws, count: int) -> None:
    aws.process(*numbered(count))
    entries = aws.process(*numbered(count))

    assert results(entries) == ["ACCEPTED"] * count
    assert aws.tally.verdicts == {"ACCEPTED": count}
    assert len(aws.objects) == count


def test_a_redelivered_duplicate_changes_nothing(aws: Aws) -> None:
    aws.process(record("m-1", "order-1"))

    for _ in range(2):
        assert results(aws.process(record("m-2", "order-1"))) == ["DUPLICATE"]

    assert aws.tally.verdicts == {"ACCEPTED": 1, "DUPLICATE": 1}


def test_a_duplicate_of_the_same_batch_and_of_an_earlier_one_are_duplicates(aws: Aws) -> None:
    first = aws.process(record("m-1", "one"), record("m-2", "two"), record("m-3", "one"))
    second = aws.process(record("m-4", "two"), record("m-5", "three"))

    assert results(first) == ["ACCEPTED", "ACCEPTED", "DUPLICATE"]
    assert results(second) == ["DUPLICATE", "ACCEPTED"]
    assert aws.tally.verdicts == {"ACCEPTED": 3, "DUPLICATE": 2}
    assert len(aws.objects) == 5


def test_an_invalid_order_is_recorded_and_not_archived(aws: Aws) -> None:
    entries = aws.process(record("m-1", "one", amount="0"), record("m-2", "two"))

    assert results(entries) == ["REJECTED", "ACCEPTED"]
    assert [json.loads(body)["id"] for body in aws.objects.values()] == ["two"]


def test_an_unreadable_message_fails_alone(aws: Aws) -> None:
    unreadable = {**record("m-1", "one"), "body": "{"}

    failed, good = aws.process(unreadable, record("m-2", "two"))

    assert isinstance(failed.result, ValueError)
    assert good.result == "ACCEPTED"


@pytest.mark.parametrize(
    "error", [client_error("ConditionalRequestConflict"), client_error("SlowDown"), TimeoutError()]
)
def test_an_order_without_its_object_is_not_recorded(aws: Aws, error: Exception) -> None:
    """A 409 is no object: only 412 says that it is there."""
    aws.failing["PutObject"] = [error]

    entries = aws.process(*numbered(3))

    assert [isinstance(result, Exception) for result in results(entries)] == [True, False, False]
    assert aws.tally.verdicts == {"ACCEPTED": 2}


def test_a_refused_call_is_made_up_for_by_single_ones(aws: Aws) -> None:
    aws.failing["BatchExecuteStatement"] = [client_error("ThrottlingException")]

    assert results(aws.process(*numbered(3))) == ["ACCEPTED"] * 3


def test_messages_of_a_call_without_an_answer_fail_and_are_right_when_they_come_again(
    aws: Aws,
) -> None:
    aws.failing["BatchExecuteStatement"] = [TimeoutError()]
    failed = aws.process(*numbered(3))
    again = aws.process(*numbered(3))

    assert all(isinstance(result, TimeoutError) for result in results(failed))
    assert results(again) == ["ACCEPTED"] * 3


def test_a_refused_put_fails_its_message_only(aws: Aws) -> None:
    aws.process(*numbered(2))
    aws.failing["PutItem"] = [client_error("ThrottlingException")]

    entries = aws.process(record("m-8", "order-0"), record("m-9", "order-1"))

    assert [isinstance(result, Exception) for result in results(entries)] == [True, False]
