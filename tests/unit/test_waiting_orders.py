"""The orders' queue as one who pauses it sees it."""

import re
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ops.desk.processing import Note
from ops.desk.waiting_orders import OrdersQueue
from ops.processing_switch import queue_arn
from tests.builders import START, Clock
from tests.resources import create_resources


class FakeCloudWatch:
    """Values of the oldest message's age, some minutes old."""

    def __init__(self, *values: tuple[int, float], denied: bool = False) -> None:
        self._result = {
            "Timestamps": [START - timedelta(minutes=minutes) for minutes, _ in values],
            "Values": [age for _, age in values],
        }
        self._denied = denied
        self.asked: dict[str, Any] = {}

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        if self._denied:
            refusal: Any = {"Error": {"Code": "AccessDenied"}}
            raise ClientError(refusal, "GetMetricData")
        return {"MetricDataResults": [self._result]}


def looked(cloudwatch: FakeCloudWatch | None) -> Any:
    """Look at a queue that has three messages, one of them received."""
    with mock_aws():
        url = create_resources("mine")["ORDERS_QUEUE_URL"]
        sqs = boto3.client("sqs")
        for _ in range(3):
            sqs.send_message(QueueUrl=url, MessageBody="x")
        sqs.receive_message(QueueUrl=url)
        queue = OrdersQueue(sqs, url, Clock(), (lambda: cloudwatch) if cloudwatch else None)
        assert queue_arn(sqs, url).endswith(":orders-mine")
        return queue.waiting()


def test_what_is_being_tried_counts_too() -> None:
    waiting = looked(None)

    assert (waiting.messages, waiting.retention) == (3, timedelta(days=4))
    assert waiting.oldest is None


def test_the_latest_age_has_grown_since() -> None:
    cloudwatch = FakeCloudWatch((4, 60.0), (2, 300.0), (3, 100.0))

    waiting = looked(cloudwatch)

    assert waiting.oldest == timedelta(minutes=2, seconds=300)
    (query,) = cloudwatch.asked["MetricDataQueries"]
    metric = query["MetricStat"]["Metric"]
    assert metric["Dimensions"] == [{"Name": "QueueName", "Value": "orders-mine"}]


def test_a_note_is_kept_on_the_queue_until_it_is_removed() -> None:
    with mock_aws():
        url = create_resources("mine")["ORDERS_QUEUE_URL"]
        sqs = boto3.client("sqs")
        sqs.tag_queue(QueueUrl=url, Tags={"owner": "me"})
        queue = OrdersQueue(sqs, url, Clock())
        note = Note(
            START, "arn:aws:iam::1:user/ana", "slow (again), ñ: 100% = all? \ud800", in_trail=False
        )

        queue.put_note(note)
        kept, tags = queue.note(), sqs.list_queue_tags(QueueUrl=url)["Tags"]
        queue.remove_note()

        assert kept == note._replace(why="slow (again), ñ: 100% = all? ?")
        # A tag may have these characters only.
        assert all(re.fullmatch(r"[\w\s+\-=.:/@]*", value) for value in tags.values())
        assert queue.note() is None
        assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"owner": "me"}


@pytest.mark.parametrize(("why", "kept"), [("x" * 500, "x" * 256), ("(" * 500, "(" * 85)])
def test_a_long_reason_is_cut_on_the_queue(why: str, kept: str) -> None:
    with mock_aws():
        url = create_resources("mine")["ORDERS_QUEUE_URL"]
        queue = OrdersQueue(boto3.client("sqs"), url, Clock())

        queue.put_note(Note(START, "ana", why, in_trail=True))

        assert queue.note() == Note(START, "ana", kept, in_trail=True)


@pytest.mark.parametrize("cloudwatch", [FakeCloudWatch(), FakeCloudWatch(denied=True)])
def test_without_a_metric_no_age_is_known(cloudwatch: FakeCloudWatch) -> None:
    assert looked(cloudwatch).oldest is None
