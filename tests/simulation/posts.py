"""
One POST of an order with an Idempotency-Key: the deployed intake over simulated clients.

Like a delivery it is run from its beginning with the answers that AWS has given so far, and stopped
at the first call that has none yet.
"""

from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

from chalicelib.orders.submission import submission_id_for
from chalicelib.services.intake import IdempotencyKeyReused, SubmissionUnconfirmed
from chalicelib.services.principals import Caller
from chalicelib.services.unavailable import StoreUnavailable
from tests.simulation.clients import DEAD_LETTERS_URL, QUEUE_URL, TABLE, Perform, simulated
from tests.simulation.delivery import START, System
from tests.simulation.model import HandedIn
from tests.simulation.world import Answer, Call

# A little longer than the life of a key.
DAY = timedelta(hours=24, seconds=1)


class Status(IntEnum):
    """The status of the API's answer to a POST."""

    QUEUED = 202
    KEY_REUSED = 422
    UNCONFIRMED = 503


class Sender(NamedTuple):
    """A client of the API: each of its attempts has the same bytes and the same key."""

    given: HandedIn
    key: str
    caller: str | None
    attempts: int

    @property
    def owned_key(self) -> tuple[str | None, str]:
        """The key together with its owner: another caller's is another key."""
        return self.caller, self.key


class Reply(NamedTuple):
    """The API's answer to a POST."""

    status: Status
    replayed: bool = False
    # As the receipt of a 202 has it.
    submission_id: str | None = None
    # The order that a 422 names.
    order_id: str | None = None

    def __str__(self) -> str:
        names = f", which names {self.order_id}" if self.order_id else ""
        return f"{self.status:d}{names}{', replayed' if self.replayed else ''}"


class Post(NamedTuple):
    """A POST that the API is busy with: its sender's number, and AWS's answers so far."""

    sender: int
    day: int
    answers: tuple[Answer, ...] = ()
    # Its put has written the key, whether it was told so or not.
    took: bool = False
    # The put of the key has failed, or got no answer.
    unchecked: bool = False
    # The send has failed, or got no answer.
    unconfirmed: bool = False
    # The SDK has put the key twice, so that the second put met the first one.
    put_twice: bool = False

    @property
    def name(self) -> str:
        """The name of the POST: A's is of the first sender."""
        return f"{sender_name(self.sender)}'s POST"


def sender_name(number: int) -> str:
    """Name a sender: A is the first."""
    return chr(ord("A") + number)


def sender(
    given: HandedIn, *, key: str = "key-1", caller: str | None = None, attempts: int = 2
) -> Sender:
    """Make a sender. Its submission id is as the design derives it: from the caller and the key."""
    submission_id = submission_id_for(caller or "anonymous", key)
    named = HandedIn(submission_id, given.text, given.order_id, given.values, given.errors)
    return Sender(named, key, caller, attempts)


def run_post(system: System, sender: Sender, day: int, answers: tuple[Answer, ...]) -> Call | Reply:
    """Run a POST as far as its answers reach."""
    left = iter(answers)

    def perform(call: Call) -> Answer:
        answer = next(left, None)
        if answer is None:
            raise _Blocked(call)
        return answer

    try:
        return submit(system, sender, day, perform)
    except _Blocked as blocked:
        return blocked.call


class _Blocked(BaseException):
    """A POST waits for an answer. Not an Exception: the code under test must not catch it."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.call = call


def submit(system: System, sender: Sender, day: int, perform: Perform) -> Reply:
    """Do what the API's view does, over these clients."""
    sqs, _, dynamodb = simulated(perform, returns_old=system.returns_old)
    intake = system.intake(
        system.order_queue(lambda: sqs, QUEUE_URL, DEAD_LETTERS_URL),
        # A function lives for seconds: it sees no other time than the one at which it begins.
        clock=lambda: START + day * DAY,
        new_id=lambda: "minted",
        keys=system.key_store(lambda: dynamodb, TABLE),
        reporter=_Reporter(),
    )
    try:
        receipt = intake.submit(
            sender.given.text.encode(),
            request_id="request-1",
            caller=Caller(sender.caller),
            idempotency_key=sender.key,
        )
    except IdempotencyKeyReused as error:
        return Reply(Status.KEY_REUSED, order_id=error.order_id)
    except SubmissionUnconfirmed:
        return Reply(Status.UNCONFIRMED)
    return Reply(Status.QUEUED, receipt.replayed, receipt.submission_id)


class _Reporter:
    """Hears of keys that could not be checked: the simulation knows of them itself."""

    def key_unchecked(
        self, error: StoreUnavailable, *, submission_id: str, request_id: str
    ) -> None: ...
