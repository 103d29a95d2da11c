"""The switch of the processing: one event source mapping, or the local worker's tag."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from chalicelib.services.unavailable import StoreUnavailable
from ops.local.pause import LOOK_SECONDS, PauseTag
from ops.processing_switch import (
    PAUSED_TAG,
    SETTLE_LIMIT_SECONDS,
    MappingSwitch,
    Position,
    SwitchMissing,
    WorkerSwitch,
)
from tests.fake_lambda import FakeLambda, mapping_id
from tests.resources import create_resources

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders-prod"
FUNCTION = "orders-prod-process_orders"
MAPPING = mapping_id(FUNCTION)


class Time:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def switch(client: FakeLambda) -> MappingSwitch:
    clock = Time()
    return MappingSwitch(client, FUNCTION, lambda: QUEUE, sleep=clock.sleep, clock=clock)


def test_only_the_mapping_of_the_orders_queue_is_turned() -> None:
    client = FakeLambda("arn:aws:sqs:us-east-1:123456789012:another", QUEUE)

    switch(client).turn(on=False)

    assert [mapping["State"] for mapping in client.mappings.values()] == ["Enabled", "Disabled"]


def test_a_turn_ends_when_lambda_has_turned_the_mapping() -> None:
    client = FakeLambda(QUEUE, looks=5)

    switch(client).turn(on=False)

    assert client.mappings[MAPPING]["State"] == "Disabled"


def test_a_turn_that_takes_too_long_is_said_with_the_state() -> None:
    client = FakeLambda(QUEUE, looks=int(SETTLE_LIMIT_SECONDS))

    with pytest.raises(StoreUnavailable, match="it is Disabling, and not yet Disabled"):
        switch(client).turn(on=False)


def test_a_mapping_that_is_being_turned_off_is_off() -> None:
    client = FakeLambda(QUEUE, looks=1)
    client.mappings[MAPPING]["State"] = "Disabling"

    assert switch(client).position() == Position(
        is_on=False, batch_size=10, maximum_concurrency=100
    )


def test_the_maximum_concurrency_is_changed_only_if_it_is_given() -> None:
    client = FakeLambda(QUEUE)

    switch(client).turn(on=True)
    switch(client).turn(on=True, maximum_concurrency=5)

    assert client.updates == [
        {"UUID": MAPPING, "Enabled": True},
        {"UUID": MAPPING, "Enabled": True, "ScalingConfig": {"MaximumConcurrency": 5}},
    ]
    assert switch(client).position().maximum_concurrency == 5


def test_a_mapping_without_a_maximum_has_no_concurrency() -> None:
    client = FakeLambda(QUEUE)
    del client.mappings[MAPPING]["ScalingConfig"]

    assert switch(client).position().maximum_concurrency is None


@pytest.mark.parametrize(
    ("queues", "words"), [((), "Nothing feeds"), ((QUEUE, QUEUE), "2 mappings feed")]
)
def test_a_queue_without_its_one_mapping_has_no_switch(queues: tuple[str, ...], words: str) -> None:
    client = FakeLambda(*queues)

    with pytest.raises(SwitchMissing, match=words):
        switch(client).position()
    with pytest.raises(SwitchMissing, match=words):
        switch(client).turn(on=False)


@pytest.mark.parametrize("denied", ["ListEventSourceMappings", "UpdateEventSourceMapping"])
def test_a_lost_permission_names_the_call(denied: str) -> None:
    client = FakeLambda(QUEUE, denied=denied)

    with pytest.raises(StoreUnavailable, match=f"Lambda {denied}: AccessDeniedException"):
        switch(client).turn(on=False)


def test_the_local_worker_sees_the_tag_that_pauses_it() -> None:
    with mock_aws():
        url = create_resources("mine")["ORDERS_QUEUE_URL"]
        sqs, clock = boto3.client("sqs"), Time()
        local = WorkerSwitch(sqs, url, sleep=clock.sleep)
        worker = PauseTag(sqs, url, clock)

        seen = [worker.is_set()]
        for on in (False, True):
            local.turn(on=on)
            clock.sleep(LOOK_SECONDS)
            seen.append(worker.is_set())
            assert local.position().is_on is on

        assert seen == [False, True, False]


def test_a_tag_of_someone_else_pauses_nothing() -> None:
    with mock_aws():
        url = create_resources("mine")["ORDERS_QUEUE_URL"]
        sqs = boto3.client("sqs")
        sqs.tag_queue(QueueUrl=url, Tags=dict.fromkeys(PAUSED_TAG, "no"))

        assert WorkerSwitch(sqs, url).position().is_on
        assert not PauseTag(sqs, url).is_set()


def test_a_worker_that_can_not_look_stays_as_it_was() -> None:
    """It polls on, or waits on: the queue that it can't read gives it nothing anyway."""

    class Deaf:
        tags: Any = PAUSED_TAG

        def list_queue_tags(self, **_: str) -> Any:
            if self.tags is None:
                raise ClientError({"Error": {"Code": "InternalError"}}, "ListQueueTags")
            return {"Tags": self.tags}

    client, clock = Deaf(), Time()
    worker = PauseTag(client, "url", clock)  # type: ignore[arg-type]
    assert worker.is_set()

    client.tags = None
    clock.sleep(LOOK_SECONDS)

    assert worker.is_set()


def test_no_poller_goes_on_before_the_first_look_has_ended() -> None:
    """One that did would take messages in a pause: pollers begin together."""
    looking, answer = threading.Event(), threading.Event()

    class Slow:
        def list_queue_tags(self, **_: str) -> Any:
            looking.set()
            answer.wait(timeout=10)
            return {"Tags": PAUSED_TAG}

    worker = PauseTag(Slow(), "url")  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pollers:
        first = pollers.submit(worker.is_set)
        looking.wait(timeout=10)
        second = pollers.submit(worker.is_set)
        time.sleep(0.05)
        answer.set()

        assert first.result()
        assert second.result()


def test_a_worker_looks_twice_a_second_at_most() -> None:
    class Counting:
        looks = 0

        def list_queue_tags(self, **_: str) -> Any:
            self.looks += 1
            return {}

    client, clock = Counting(), Time()
    worker = PauseTag(client, "url", clock)  # type: ignore[arg-type]

    for _ in range(10):
        worker.is_set()
        clock.sleep(LOOK_SECONDS / 5)

    assert client.looks == 2
