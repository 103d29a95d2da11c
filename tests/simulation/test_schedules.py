"""No schedule loses an order or counts one twice: every one of them is tried."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.simulation.clients import simulated
from tests.simulation.delivery import PLENTY_MS, Delivery, handle
from tests.simulation.key_scenarios import KEY_SCENARIOS
from tests.simulation.scenarios import SCENARIOS, Scenario
from tests.simulation.search import Search, shortest_counterexample
from tests.simulation.simulation import Simulation
from tests.simulation.state import State
from tests.simulation.tally import Tally
from tests.simulation.world import Answer, Call, Place, World, deleted, take_effect

ALL_SCENARIOS = (*SCENARIOS, *KEY_SCENARIOS)
BY_NAME = {scenario.name: scenario for scenario in ALL_SCENARIOS}
WALKED = (
    replace(BY_NAME["an invalid order and its correction"], deliveries=2),
    BY_NAME["two POSTs of one key and other bytes"],
)


def name_of(scenario: Scenario) -> str:
    return scenario.name


@pytest.mark.timeout(3600)  # for the greater depths
@pytest.mark.parametrize("scenario", ALL_SCENARIOS, ids=name_of)
def test_every_schedule_ends_well(scenario: Scenario, tally: Tally) -> None:
    """
    The search tries every interleaving, with a crash, a time-out, … at every step.

    What must hold is in `Model`, and for the Idempotency-Key in `key_rules`, with each exception.
    """
    began = time.monotonic()
    deliveries = scenario.deliveries + tally.depth.more_deliveries
    faults = tally.depth.faults + scenario.more_faults

    explored = Search(replace(scenario, deliveries=deliveries), faults).explore()

    tally.explored[scenario.name] = explored
    tally.seconds += time.monotonic() - began


@pytest.mark.parametrize("scenario", WALKED, ids=name_of)
def test_the_search_counts_every_schedule_but_continues_equal_states_once(
    scenario: Scenario,
) -> None:
    """The search continues equal states once. Here each schedule is walked by itself."""
    simulation = Simulation(scenario)

    def walk(state: State) -> int:
        following = [after for _, after in simulation.steps(state)]
        return sum(map(walk, following)) if following else 1

    assert walk(simulation.start(faults=1)) == Search(scenario, faults=1).explore().schedules


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name_of)
def test_a_replayed_delivery_does_the_same_as_one_in_threads(
    scenario: Scenario,
) -> None:
    """The search replays a delivery's answers instead of letting it wait in a thread."""
    simulation = Simulation(scenario)
    start = simulation.start(faults=0)
    stopped = [following for _, following in simulation.deliver_all(start)][-1]

    in_threads = delivered_by_threads(scenario, start.world)

    assert in_threads.items == stopped.world.items
    assert in_threads.objects == stopped.world.objects
    assert in_threads.messages == stopped.world.messages


def test_a_plain_message_is_counted_twice_if_a_redrive_does_not_name_its_submission() -> None:
    """
    A limit: such a message is known by its messageId only, and a redriven one has a new messageId.

    So it is the redrive that must give it its old messageId as its submissionId. The operators'
    command does; the redrive of SQS's own console can't.
    """
    named = BY_NAME["a message that a channel put on the queue, redriven by the operators' command"]

    found = shortest_counterexample(replace(named, redrive_names_submissions=False), faults=1)

    assert found is not None
    assert found.violation == "a submission is recorded more than once"


def delivered_by_threads(scenario: Scenario, world: World) -> World:
    """Deliver each message on the queue to code that runs freely, and return the world then."""
    lock = threading.Lock()
    number = 0
    system = scenario.system

    def perform(call: Call) -> Answer:
        nonlocal world
        with lock:
            world, answer = next(take_effect(world, call, number))
        return answer

    clients = simulated(perform, returns_old=system.returns_old)
    with ThreadPoolExecutor(4) as executor:
        while on_queue := world.at(Place.QUEUE):
            number += 1
            received = on_queue[0]._replace(receive_count=on_queue[0].receive_count + 1)
            world = world.with_message(received)
            delivery = Delivery(number, (received,))
            finished = handle(system, delivery, clients, executor.map, lambda: PLENTY_MS)
            world = deleted(world, finished.deletes)
    return world
