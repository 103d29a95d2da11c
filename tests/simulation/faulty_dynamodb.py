"""A real DynamoDB client whose calls end badly now and then: throttled, cut off, sent twice."""

from collections.abc import Callable
from concurrent.futures import Executor
from enum import StrEnum, auto
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Fault(StrEnum):
    """The bad end of a call."""

    THROTTLED = auto()
    SENT_AGAIN = auto()
    TIME_OUT_BEFORE = auto()
    TIME_OUT_AFTER = auto()
    TIME_OUT_HALFWAY = auto()
    TIME_OUT_ON_ITS_WAY = auto()
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()
    CRASH_HALFWAY = auto()
    CRASH_ON_ITS_WAY = auto()


FAULTS = tuple(Fault)


class Crash(BaseException):
    """The end of a worker. Not an Exception: the code under test must not catch it."""


class FaultyDynamoDB:
    """The calls of a DynamoDB client that processing makes. A share of them ends badly."""

    def __init__(
        self, client: "DynamoDBClient", random: Random, share: float, callers: Executor
    ) -> None:
        """`callers` make the calls that nobody waits for any more."""
        self.exceptions = client.exceptions
        self._client = client
        self._random = random
        self._share = share
        self._callers = callers

    def put_item(self, **given: Any) -> Any:
        return self._call(partial(self._client.put_item, **given))

    def get_item(self, **given: Any) -> Any:
        return self._call(partial(self._client.get_item, **given))

    def batch_execute_statement(self, **given: Any) -> Any:
        call = partial(self._client.batch_execute_statement, **given)
        # The statements of a call are not atomic together.
        return self._call(call, partial(call, Statements=given["Statements"][:1]))

    def _call(self, call: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        if self._random.random() >= self._share:
            return call()
        fault = self._random.choice(FAULTS)
        if fault is Fault.THROTTLED:
            code = "ProvisionedThroughputExceededException"
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "DynamoDB")
        self._take_effect(fault, call, half)
        if fault is Fault.SENT_AGAIN:
            return call()
        if fault.startswith("crash"):
            raise Crash
        raise ReadTimeoutError(endpoint_url="https://aws.example")

    def _take_effect(
        self, fault: Fault, call: Callable[[], Any], half: Callable[[], Any] | None
    ) -> None:
        match fault:
            case Fault.SENT_AGAIN | Fault.TIME_OUT_AFTER | Fault.CRASH_AFTER:
                _without_answer(call)
            case Fault.TIME_OUT_HALFWAY | Fault.CRASH_HALFWAY if half:
                _without_answer(half)
            case Fault.TIME_OUT_ON_ITS_WAY | Fault.CRASH_ON_ITS_WAY:
                self._callers.submit(_without_answer, call)


def _without_answer(call: Callable[[], Any]) -> None:
    """Make a call whose answer, a failed condition too, reaches nobody."""
    try:
        call()
    except ClientError:
        return
