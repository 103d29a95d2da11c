"""The steps of SQS, and of the operators: deliveries, giving a message up, redriving it."""

from collections.abc import Iterator
from itertools import permutations

from tests.simulation.delivery import Delivery
from tests.simulation.scenarios import Scenario
from tests.simulation.state import Next, State, Step
from tests.simulation.world import Place, StoredMessage, World


def deliveries(scenario: Scenario, state: State) -> Iterator[Next]:
    """
    Deliver any message that is not deleted, in any order, alone or with another.

    A worker may still be busy with it: its visibility timeout is over, or SQS just does it again.
    By a fault SQS delivers a deleted message, as its documentation says it may.
    """
    if state.deliveries == scenario.deliveries:
        return
    waiting = [m for m in state.world.at(Place.QUEUE) if m.receive_count < scenario.max_receives]
    for size in range(1, scenario.batch_size + 1):
        for batch in permutations(waiting, size):
            yield delivered(state, batch)
    if state.faults_left:
        for message in state.world.at(Place.DELETED):
            yield delivered(state.with_fault(), [message._replace(place=Place.QUEUE)])


def delivered(state: State, batch: list[StoredMessage] | tuple[StoredMessage, ...]) -> Next:
    """Deliver messages to a new worker."""
    world = state.world
    received = tuple(m._replace(receive_count=m.receive_count + 1) for m in batch)
    for message in received:
        world = world.with_message(message)
    delivery = Delivery(state.deliveries + 1, received)
    told = " and ".join(f"{m.message_id} (receive {m.receive_count})" for m in received)
    return Step(f"SQS delivers {told} to {delivery.worker}"), state._replace(
        world=world, running=(*state.running, delivery), deliveries=delivery.number
    )


def is_given_up(scenario: Scenario, message: StoredMessage) -> bool:
    """Whether SQS moves a message to the dead-letter queue instead of delivering it."""
    return message.receive_count >= scenario.max_receives


def given_up(state: State, message: StoredMessage) -> Next:
    """Move a message to the dead-letter queue: a worker that is busy with it goes on."""
    world = state.world.with_message(message._replace(place=Place.DEAD_LETTERS))
    step = Step(f"SQS moves {message.message_id} to the dead-letter queue")
    return step, state._replace(world=world)


def redrives(scenario: Scenario, state: State) -> Iterator[Next]:
    """Let the operators redrive a message; a fault cuts their command off in the middle."""
    if not state.redrives_left:
        return
    bounded = state._replace(redrives_left=state.redrives_left - 1)
    for message in state.world.at(Place.DEAD_LETTERS):
        yield redriven(scenario, bounded, message)
        if state.faults_left:
            step, after = redriven(scenario, bounded.with_fault(), message)
            both = after.world.with_message(message)
            yield step._replace(text=f"{step.text}, but not deleted"), after._replace(world=both)


def redriven(scenario: Scenario, state: State, message: StoredMessage) -> Next:
    """Redrive a message: it keeps its body and its attributes, and gets a new id."""
    attributes = dict(message.attributes)
    if scenario.redrive_names_submissions:
        attributes.setdefault("submissionId", message.message_id)
    world: World = state.world.with_sent(message.body, attributes.items())
    step = Step(f"{message.message_id} is redriven as {world.messages[-1].message_id}")
    world = world.with_message(message._replace(place=Place.DELETED))
    return step, state._replace(world=world)
