"""The orders' queue as one who pauses it sees it: how many messages wait, and since when."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.sqs import HIDDEN, VISIBLE
from chalicelib.orders.times import iso, parse_iso
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.processing import Note, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

RETENTION: QueueAttributeNameType = "MessageRetentionPeriod"
AT, WHO, WHY, IN_TRAIL = NOTE_TAGS = ("pausedAt", "pausedBy", "pausedWhy", "pausedInTrail")
# The characters that a tag of any service takes; and how many ("Tag naming and usage conventions").
# Others are written as in a URL, with `=` in place of `%`.
TAG_CHARACTER = re.compile(r"[\w\s+\-.:/@]")
TAG_CHARACTERS = 256
# CloudWatch has a value each minute, and has it a few minutes later.
METRIC_WINDOW = timedelta(minutes=10)
PERIOD_SECONDS = 60


class OrdersQueue:
    """The orders' queue. Without CloudWatch, or where it may not be read, no age is known."""

    def __init__(
        self,
        client: SQSClient,
        queue_url: str,
        clock: Callable[[], datetime],
        cloudwatch: Callable[[], Any] | None = None,
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._clock = clock
        self._cloudwatch = cloudwatch

    def waiting(self) -> Waiting:
        """
        Count what is on the queue, those that come back after an attempt that failed included.

        Raises:
            StoreUnavailable: SQS did not say.
        """
        found = self._attributes()
        messages = int(found[VISIBLE]) + int(found[HIDDEN])
        return Waiting(messages, timedelta(seconds=int(found[RETENTION])), self._oldest())

    def note(self) -> Note | None:
        """
        Read the note of a pause; None if there is none, or it is no note any more.

        Raises:
            StoreUnavailable: SQS did not say.
        """
        with unavailable_on_failure("SQS ListQueueTags"):
            tags = self._client.list_queue_tags(QueueUrl=self._queue_url).get("Tags", {})
        at = parse_iso(tags.get(AT))
        if at is None or not {WHO, WHY, IN_TRAIL} <= tags.keys():
            return None
        who, why = (unquote(tags[name].replace("=", "%")) for name in (WHO, WHY))
        return Note(at, who, why, tags[IN_TRAIL] == "yes")

    def put_note(self, note: Note) -> None:
        """Put a note onto the queue, in place of the one before."""
        values = (iso(note.at), note.who, note.why, "yes" if note.in_trail else "no")
        tags = dict(zip(NOTE_TAGS, map(_tag_value, values), strict=True))
        with unavailable_on_failure("SQS TagQueue"):
            self._client.tag_queue(QueueUrl=self._queue_url, Tags=tags)

    def remove_note(self) -> None:
        """Take the note off the queue."""
        with unavailable_on_failure("SQS UntagQueue"):
            self._client.untag_queue(QueueUrl=self._queue_url, TagKeys=NOTE_TAGS)

    def _attributes(self) -> dict[str, str]:
        with unavailable_on_failure("SQS GetQueueAttributes"):
            answer = self._client.get_queue_attributes(
                QueueUrl=self._queue_url, AttributeNames=[VISIBLE, HIDDEN, RETENTION]
            )
        return {str(name): value for name, value in answer["Attributes"].items()}

    def _oldest(self) -> timedelta | None:
        """Ask CloudWatch for the oldest message's age: the latest value that it has."""
        if self._cloudwatch is None:
            return None
        end = self._clock()
        values: list[tuple[datetime, float]] = []
        # Who may pause need not be one who may read metrics.
        with suppress(StoreUnavailable), unavailable_on_failure("CloudWatch GetMetricData"):
            answer = self._cloudwatch().get_metric_data(
                StartTime=end - METRIC_WINDOW, EndTime=end, MetricDataQueries=[self._query()]
            )
            values = [
                value
                for result in answer.get("MetricDataResults", [])
                for value in zip(
                    result.get("Timestamps", []), result.get("Values", []), strict=True
                )
            ]
        if not values:
            return None
        at, age_seconds = max(values)
        return timedelta(seconds=age_seconds) + (end - at)

    def _query(self) -> dict[str, Any]:
        metric = {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateAgeOfOldestMessage",
            "Dimensions": [{"Name": "QueueName", "Value": self._queue_url.rsplit("/", 1)[1]}],
        }
        stat = {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": "Maximum"}
        return {"Id": "oldest", "MetricStat": stat}


def _tag_value(text: str) -> str:
    """Write a text in the characters of a tag: as much of it as there is room for."""
    value = ""
    for each in map(_in_tag_characters, text):
        if len(value) + len(each) > TAG_CHARACTERS:
            break
        value += each
    return value


def _in_tag_characters(character: str) -> str:
    if TAG_CHARACTER.fullmatch(character):
        return character
    return quote(character, safe="", errors="replace").replace("%", "=")
