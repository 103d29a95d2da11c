"""The clients: they hand in their orders, try again, and remember what they were told."""

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from random import Random
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.clients import CLIENT_CONFIG
from tests.chaos.plan import Handing

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ATTEMPTS = 8
PATIENCE_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 1.5


class Outcome(StrEnum):
    """A client's knowledge of an order that it handed in."""

    TAKEN = "taken"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


@dataclass(slots=True)
class Told:
    """The answers that a client got to one handing-in."""

    handing: Handing
    submission_ids: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    broken_off: int = 0
    attempts: int = 0

    @property
    def outcome(self) -> Outcome:
        if self.submission_ids:
            return Outcome.TAKEN
        # An order that is refused once was refused in the attempts without an answer as well.
        refused = any(is_refusal(status) for status in self.statuses)
        return Outcome.REFUSED if refused else Outcome.UNANSWERED


def is_refusal(status: int) -> bool:
    """Tell a judgement of the order from an answer that asks to try again, or is a proxy's."""
    return status in {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }


class Client(threading.Thread):
    """Hands its orders in, one after the other."""

    def __init__(self, name: str, handings: Sequence[Handing], seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.told: list[Told] = []
        self._handings = handings
        self._random = Random(seed)  # noqa: S311 (no secret)

    def run(self) -> None:
        """Hand all of them in."""
        for handing in self._handings:
            told = Told(handing)
            self.told.append(told)
            self._hand_in(told)
            if handing.forgetful and handing.key and told.outcome is Outcome.TAKEN:
                self._hand_in(told)

    def _hand_in(self, told: Told) -> None:
        for attempt in range(ATTEMPTS if told.handing.key else 1):
            told.attempts += 1
            if self._answered(told):
                return
            time.sleep(self._random.uniform(0.1, min(0.2 * 2**attempt, LONGEST_PAUSE_SECONDS)))

    def _answered(self, told: Told) -> bool:
        """Hand in once, and say whether the outcome is known now."""
        raise NotImplementedError


class HttpClient(Client):
    """Hands in by POST /orders."""

    def __init__(self, name: str, handings: Sequence[Handing], seed: int, api_url: str) -> None:
        super().__init__(name, handings, seed)
        self._url = f"{api_url}/orders"

    def _answered(self, told: Told) -> bool:
        try:
            status, body = self._post(told.handing)
        except (OSError, http.client.HTTPException):
            told.broken_off += 1
            return False
        told.statuses.append(status)
        if status != HTTPStatus.ACCEPTED:
            return is_refusal(status)
        try:
            told.submission_ids.append(json.loads(body)["submissionId"])
        except (ValueError, LookupError, TypeError, RecursionError):
            # Not the API's own answer, or half of it.
            told.broken_off += 1
            return False
        return True

    def _post(self, handing: Handing) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        if handing.key:
            headers["Idempotency-Key"] = handing.key
        request = urllib.request.Request(self._url, data=handing.body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


class QueueClient(Client):
    """Puts messages on the queue itself, under submission ids of its own."""

    def __init__(
        self, name: str, handings: Sequence[Handing], seed: int, aws_url: str, queue_url: str
    ) -> None:
        super().__init__(name, handings, seed)
        self._sqs: SQSClient = boto3.client("sqs", endpoint_url=aws_url, config=CLIENT_CONFIG)
        self._queue_url = queue_url

    def _answered(self, told: Told) -> bool:
        handing = told.handing
        if not handing.body:
            # SQS takes no empty message: nothing was sent.
            told.statuses.append(HTTPStatus.BAD_REQUEST)
            return True
        submission_id = f"{self.name}-{handing.key or id(handing)}"
        try:
            self._sqs.send_message(
                QueueUrl=self._queue_url,
                MessageBody=handing.body.decode(),
                MessageAttributes={
                    "submissionId": {"DataType": "String", "StringValue": submission_id}
                },
            )
        except (BotoCoreError, ClientError):
            told.broken_off += 1
            return False
        told.submission_ids.append(submission_id)
        return True
