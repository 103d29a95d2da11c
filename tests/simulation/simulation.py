"""The whole simulated system: the steps that can be next in a state, and how it comes to rest."""

from collections.abc import Iterator

from tests.simulation import queue_steps
from tests.simulation.model import Model, violation_of_change
from tests.simulation.scenarios import Scenario, world_with
from tests.simulation.state import Next, State, Step
from tests.simulation.worker_steps import Workers, arrivals
from tests.simulation.world import Place, World


class Simulation:
    """A scenario that is played, step by step."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.model = Model(scenario.handed_in)
        self.workers = Workers(scenario.system)

    def start(self, faults: int) -> State:
        """Make the state in which everything is handed in, and nothing yet delivered."""
        world = World()
        for submitted in self.scenario.recorded:
            world = world_with(world, submitted)
        for _, state in self.deliver_all(State(world)):
            world = state.world
        # What was recorded before is no part of the schedules: it is not delivered again.
        world = world._replace(messages=())
        for submitted in self.scenario.messages:
            world = world_with(world, submitted)
        return State(world, redrives_left=self.scenario.redrives, faults_left=faults)

    def steps(self, state: State) -> Iterator[Next]:
        """Yield every step that can be next."""
        yield from queue_steps.deliveries(self.scenario, state)
        for delivery in state.running:
            yield from self.workers.steps(state, delivery)
        yield from arrivals(state)
        for message in state.world.at(Place.QUEUE):
            if queue_steps.is_given_up(self.scenario, message):
                yield queue_steps.given_up(state, message)
        yield from queue_steps.redrives(self.scenario, state)

    def settle(self, state: State) -> Iterator[Next]:
        """Deliver everything without faults, redrive each dead letter once, deliver these too."""
        for step, following in self.deliver_all(state):
            state = following
            yield step, state
        for message in state.world.at(Place.DEAD_LETTERS):
            step, state = queue_steps.redriven(self.scenario, state, message)
            yield step, state
        yield from self.deliver_all(state)

    def deliver_all(self, state: State) -> Iterator[Next]:
        """Deliver the messages on the queue, one after the other, without faults."""
        while on_queue := state.world.at(Place.QUEUE):
            message = on_queue[0]
            if queue_steps.is_given_up(self.scenario, message):
                step, state = queue_steps.given_up(state, message)
            else:
                step, state = queue_steps.delivered(state, [message])
            yield step, state
            while state.running:
                step, state = next(self.workers.steps(state, state.running[0]))
                yield step, state

    def violation(self, before: World, step: Step, after: World) -> str | None:
        """Say what is wrong with a step; None if nothing is."""
        if step.finished:
            items = {item.json for item in after.items}
            if not items.issuperset(step.finished.vouched_for):
                return "a delivery vouches for a record that is not there"
        if after == before:
            return None
        return violation_of_change(before, after) or self.model.violation(after)

    def settling(self, state: State) -> tuple[list[Step], str | None]:
        """Let everything come to rest: return the steps, and what is wrong with them or after."""
        steps: list[Step] = []
        world = state.world
        for step, following in self.settle(state):
            steps.append(step)
            wrong = self.violation(world, step, following.world)
            if wrong:
                return steps, wrong
            world = following.world
        return steps, self.model.violation_when_settled(world)
