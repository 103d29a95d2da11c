"""The scenarios: submissions that are handed in, and how SQS delivers them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.aws.sqs import OrderQueue
from chalicelib.services.intake import Intake
from chalicelib.services.suspects import FIRST_SUSPECT_RECEIVE
from tests.fakes import FakeKeyStore, FakeReporter
from tests.simulation.clients import DEAD_LETTERS_URL, QUEUE_URL, SimulatedSQS
from tests.simulation.delivery import BATCHED, ORDINARY, PARTIAL_BATCHES, START, System
from tests.simulation.model import HandedIn
from tests.simulation.posts import Sender
from tests.simulation.world import Answer, Call, World, take_effect

NO_DELIVERY = 0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A situation, and the bounds within which every schedule of it is tried."""

    name: str
    # One message each; an SDK's resend or a client's retry makes the same submission twice.
    messages: tuple[HandedIn, ...] = ()
    # Handed in and recorded before the schedules begin.
    recorded: tuple[HandedIn, ...] = ()
    # Concurrent deliveries, redeliveries included. Afterwards all is delivered until it settles.
    deliveries: int = 3
    batch_size: int = 1
    max_receives: int = 5
    # How often each message was received in vain before the schedules begin.
    received_before: int = 0
    redrives: int = 0
    # Whether a redrive gives a message without a submissionId its messageId for one. SQS's own
    # redrive doesn't.
    redrive_names_submissions: bool = False
    # They POST orders with an Idempotency-Key, in the schedules.
    senders: tuple[Sender, ...] = ()
    # Keys live for a day.
    last_day: int = 0
    # Than those that a search allows for.
    more_faults: int = 0
    system: System = ORDINARY

    @property
    def handed_in(self) -> tuple[HandedIn, ...]:
        return self.recorded + self.messages


def order(submission_id: str, order_id: str = "order-1", **changes: str) -> HandedIn:
    """Make a valid order, handed in under the submission id."""
    values = {"amount": "25.80", "fromAccount": "1111111", "toAccount": "7777777", **changes}
    text = json.dumps({"id": order_id, **values})
    return HandedIn(submission_id, text, order_id, values=tuple(values.items()))


def invalid_order(submission_id: str, order_id: str = "order-1") -> HandedIn:
    """Make an order that breaks two rules."""
    text = json.dumps({"id": order_id, "amount": 0, "fromAccount": "1111111"})
    errors = (("amount", "not_positive"), ("toAccount", "missing"))
    return HandedIn(
        submission_id, text, order_id, values=(("fromAccount", "1111111"),), errors=errors
    )


def unreadable(submission_id: str) -> HandedIn:
    """Make a text that no order can be read from."""
    return HandedIn(submission_id, '{"amount": 25.80}', order_id=None)


def plain(submitted: HandedIn) -> HandedIn:
    """Leave the attributes out: the messageId, which must be as given, is the submission id."""
    return replace(submitted, plain=True)


def world_with(world: World, submitted: HandedIn) -> World:
    """Hand a submission in, by the real intake or as a plain message, and return the world then."""

    def perform(call: Call) -> Answer:
        nonlocal world
        world, answer = next(take_effect(world, call, NO_DELIVERY))
        return answer

    client: Any = SimulatedSQS(perform)
    queue = OrderQueue(lambda: client, QUEUE_URL, DEAD_LETTERS_URL)
    if submitted.plain or submitted.order_id is None:
        # Intake refuses what can't be read: only a channel itself can put it on the queue.
        attributes: Mapping[str, str | None] = (
            {} if submitted.plain else {"submissionId": submitted.submission_id}
        )
        queue.send(submitted.text, attributes)
    else:
        intake = Intake(
            queue,
            clock=lambda: START,
            new_id=lambda: submitted.submission_id,
            keys=FakeKeyStore(),
            reporter=FakeReporter(),
        )
        intake.submit(submitted.text.encode(), request_id="request-1")
    return world


FIRST = order("first")
EQUAL = order("second")
OTHER = order("second", amount="99.00", channel="web")
THIRD = order("third", amount="99.00", channel="web")
INVALID = invalid_order("invalid")
ANOTHER_INVALID = invalid_order("another-invalid")
CORRECTION = order("correction")
OTHER_CORRECTION = order("other-correction", toAccount="8888888")
ELSEWHERE = order("elsewhere", order_id="order-2")
UNREADABLE = unreadable("unreadable")

SCENARIOS = (
    Scenario(name="one submission, delivered three times", messages=(FIRST,)),
    Scenario(
        name="one submission, sent twice by an SDK or a client's retry", messages=(FIRST, FIRST)
    ),
    Scenario(name="an order and an exact duplicate", messages=(FIRST, EQUAL)),
    Scenario(name="an order and a conflicting duplicate", messages=(FIRST, OTHER)),
    Scenario(name="three submissions of one order", messages=(FIRST, OTHER, order("third"))),
    Scenario(
        name="one submission id with two payloads",
        messages=(FIRST, order("first", amount="99.00")),
    ),
    Scenario(name="an invalid order and its correction", messages=(INVALID, CORRECTION)),
    Scenario(
        name="two corrections of a recorded invalid order",
        recorded=(INVALID,),
        messages=(CORRECTION, OTHER_CORRECTION),
    ),
    Scenario(
        name="an invalid order and two corrections",
        messages=(INVALID, CORRECTION, OTHER_CORRECTION),
    ),
    Scenario(
        name="two invalid orders and a correction",
        messages=(INVALID, ANOTHER_INVALID, CORRECTION),
    ),
    Scenario(
        name="a recorded order, a duplicate and an invalid one",
        recorded=(FIRST,),
        messages=(OTHER, INVALID),
    ),
    Scenario(name="an unreadable message", messages=(UNREADABLE,)),
    Scenario(
        name="a batch of two orders",
        messages=(FIRST, ELSEWHERE),
        deliveries=2,
        batch_size=2,
    ),
    Scenario(
        name="a batch of two orders, with partial batch responses",
        messages=(FIRST, ELSEWHERE),
        deliveries=2,
        batch_size=2,
        system=PARTIAL_BATCHES,
    ),
    Scenario(
        name="a batch of two orders, recorded by one call",
        messages=(FIRST, ELSEWHERE),
        deliveries=2,
        batch_size=2,
        system=BATCHED,
    ),
    Scenario(
        name="a batch with a conflict with a recorded order, by one call",
        recorded=(FIRST,),
        messages=(OTHER, ELSEWHERE),
        deliveries=2,
        batch_size=2,
        system=BATCHED,
    ),
    Scenario(
        name="a batch with a correction of a recorded order, by one call",
        recorded=(INVALID,),
        messages=(CORRECTION, ELSEWHERE),
        deliveries=2,
        batch_size=2,
        system=BATCHED,
    ),
    Scenario(
        name="a batch of an order and its duplicate",
        messages=(FIRST, OTHER),
        deliveries=2,
        batch_size=2,
    ),
    Scenario(
        name="a batch of two duplicates of a recorded order",
        recorded=(FIRST,),
        messages=(OTHER, THIRD),
        deliveries=2,
        batch_size=2,
    ),
    Scenario(
        name="a batch of an invalid order and its correction",
        messages=(INVALID, CORRECTION),
        deliveries=2,
        batch_size=2,
    ),
    Scenario(
        name="a batch of two orders and a duplicate, by one call",
        messages=(FIRST, ELSEWHERE, OTHER),
        # A second one at the same time takes four minutes (and finds nothing either).
        deliveries=1,
        batch_size=3,
        system=BATCHED,
    ),
    Scenario(
        name="a batch in which a message comes twice",
        messages=(FIRST, FIRST),
        deliveries=2,
        batch_size=2,
    ),
    Scenario(
        name="a batch of an order and an unreadable message",
        messages=(FIRST, UNREADABLE),
        deliveries=2,
        batch_size=2,
    ),
    Scenario(
        name="a batch of suspects, an order and its duplicate",
        messages=(FIRST, OTHER),
        deliveries=2,
        batch_size=2,
        received_before=FIRST_SUSPECT_RECEIVE - 1,
        max_receives=FIRST_SUSPECT_RECEIVE + 2,
    ),
    Scenario(
        name="a batch of two suspects, with partial batch responses",
        messages=(FIRST, ELSEWHERE),
        deliveries=2,
        batch_size=2,
        received_before=FIRST_SUSPECT_RECEIVE - 1,
        max_receives=FIRST_SUSPECT_RECEIVE + 2,
        system=PARTIAL_BATCHES,
    ),
    Scenario(
        name="an order that is redriven from the dead-letter queue",
        messages=(FIRST,),
        max_receives=1,
        redrives=1,
    ),
    Scenario(
        name="an unreadable message that is redriven",
        messages=(UNREADABLE,),
        max_receives=1,
        redrives=1,
    ),
    Scenario(
        name="a message that a channel put on the queue", messages=(plain(order("message-1")),)
    ),
    Scenario(
        name="a message that a channel put on the queue, redriven by the operators' command",
        messages=(plain(order("message-1")),),
        max_receives=1,
        redrives=1,
        redrive_names_submissions=True,
    ),
    Scenario(
        name="two corrections, on a DynamoDB that does not return who holds a slot",
        recorded=(INVALID,),
        messages=(CORRECTION, OTHER_CORRECTION),
        deliveries=2,
        system=System(returns_old=False),
    ),
)
