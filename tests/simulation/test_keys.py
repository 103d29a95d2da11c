"""
The Idempotency-Key in the simulation: how it is played, and that each exception is needed.

The promises, with every exception, are listed in `tests.simulation.key_rules`, and are held for
every schedule in `test_schedules`. Here a schedule is found for each exception: none is a mere
allowance.
"""

from collections.abc import Callable

import pytest

from tests.simulation.key_scenarios import KEY_SCENARIOS
from tests.simulation.posts import Status, submit
from tests.simulation.scenarios import Scenario
from tests.simulation.simulation import Simulation
from tests.simulation.state import State
from tests.simulation.world import Answer, Call, World, take_effect

A, B = 0, 1
BY_NAME = {scenario.name: scenario for scenario in KEY_SCENARIOS}
OTHER_BYTES = BY_NAME["two POSTs of one key and other bytes"]
EXPIRES = BY_NAME["two POSTs of a key that expires"]
REFUSAL = (
    "A's POST: DynamoDB PutItem of the key for cd325e -> condition failed, the slot is taken;"
    " the API answers 422, which names order-1"
)

Wanted = Callable[[State], bool]


def shortest_schedule(scenario: Scenario, faults: int, wanted: Wanted) -> list[str]:
    """Find the shortest schedule that leads to a wanted state; [] if none does."""
    simulation = Simulation(scenario)
    start = simulation.start(faults)
    reached: dict[State, list[str]] = {start: []}
    for state in (waiting := [start]):
        for step, after in simulation.steps(state):
            if after in reached:
                continue
            reached[after] = [*reached[state], str(step)]
            if wanted(after):
                return reached[after]
            waiting.append(after)
    return []


def both_let_in(state: State) -> bool:
    queued = {told.sender for told in state.posting.told if told.status is Status.QUEUED}
    return queued == {A, B}


def refused_on_the_queue(state: State) -> bool:
    refused = any(told.sender == A and told.refused for told in state.posting.told)
    text = OTHER_BYTES.senders[A].given.text
    return refused and any(message.body == text for message in state.world.messages)


@pytest.mark.parametrize("scenario", KEY_SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_replayed_post_does_the_same_as_one_that_runs_through(scenario: Scenario) -> None:
    """The search replays a POST's answers instead of letting it wait in a thread."""
    simulation = Simulation(scenario)
    state, world = simulation.start(faults=0), World()

    def perform(call: Call) -> Answer:
        nonlocal world
        world, answer = next(take_effect(world, call, 0))
        return answer

    for number, sender in enumerate(scenario.senders):
        for _, following in simulation.posts.come_back(state, number):
            state = following
        submit(scenario.system, sender, 0, perform)

    assert state.world == world


def test_no_key_lets_two_orders_in_while_the_table_is_in_reach_and_no_key_expires() -> None:
    assert shortest_schedule(OTHER_BYTES, 0, both_let_in) == []


def test_a_key_lets_two_orders_in_if_one_is_unchecked() -> None:
    """An exception: an order is worth more than a check."""
    assert shortest_schedule(OTHER_BYTES, 1, both_let_in) == [
        "A POSTs order-1",
        "B POSTs order-1",
        "A's POST: DynamoDB PutItem of the key for cd325e -> written",
        "A's POST: SQS SendMessage to the queue -> sent; the API answers 202",
        "B's POST: DynamoDB PutItem of the key for ab1603 -> throttled",
        "B's POST: SQS SendMessage to the queue -> sent; the API answers 202",
    ]


def test_a_key_lets_two_orders_in_if_it_expires_between() -> None:
    """An exception: a key lives for a day."""
    assert shortest_schedule(EXPIRES, 0, both_let_in) == [
        "A POSTs order-1",
        "A's POST: DynamoDB PutItem of the key for cd325e -> written",
        "A's POST: SQS SendMessage to the queue -> sent; the API answers 202",
        "a day passes",
        "B POSTs order-1",
        "B's POST: DynamoDB PutItem of the key for ab1603 -> written",
        "B's POST: SQS SendMessage to the queue -> sent; the API answers 202",
    ]


def test_an_order_on_the_queue_is_refused_if_it_was_unchecked_and_its_answer_was_lost() -> None:
    """An exception that takes two faults, and another order under the same key."""
    assert shortest_schedule(OTHER_BYTES, 1, refused_on_the_queue) == []
    assert shortest_schedule(OTHER_BYTES, 2, refused_on_the_queue) == [
        "A POSTs order-1",
        "B POSTs order-1",
        "A's POST: DynamoDB PutItem of the key for cd325e -> throttled",
        "A's POST crashes after SQS SendMessage to the queue took effect (sent)",
        "A POSTs order-1",
        "B's POST: DynamoDB PutItem of the key for ab1603 -> written",
        REFUSAL,
    ]


def test_an_order_on_the_queue_is_refused_if_its_key_expired_and_went_to_another() -> None:
    """An exception: its sender got no answer, and tries again when the key's life is over."""
    assert shortest_schedule(EXPIRES, 0, refused_on_the_queue) == []
    assert shortest_schedule(EXPIRES, 1, refused_on_the_queue) == [
        "A POSTs order-1",
        "A's POST: DynamoDB PutItem of the key for cd325e -> written",
        "A's POST crashes after SQS SendMessage to the queue took effect (sent)",
        "A POSTs order-1",
        "a day passes",
        "B POSTs order-1",
        "B's POST: DynamoDB PutItem of the key for ab1603 -> written",
        REFUSAL,
    ]
