"""The whole simulated system: the steps that can be next in a state, and how it comes to rest."""

from collections.abc import Iterator

from tests.simulation import queue_steps
from tests.simulation.key_rules import KeyRules
from tests.simulation.model import HandedIn, Model, violation_of_change
from tests.simulation.post_steps import Posts, days
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
        self.posts = Posts(scenario.system, scenario.senders)
        self._key_rules = KeyRules(scenario.senders)
        self._models: dict[tuple[HandedIn, ...], Model] = {}

    @property
    def runs(self) -> int:
        """The number of runs of the code under test."""
        return self.workers.runs + self.posts.runs

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
        for message in world.messages:
            received = message._replace(receive_count=self.scenario.received_before)
            world = world.with_message(received)
        return State(
            world,
            redrives_left=self.scenario.redrives,
            faults_left=faults,
            posting=self.posts.start(),
        )

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
        if self.scenario.senders:
            yield from self.posts.steps(state)
            yield from days(state, self.scenario.last_day)

    def settle(self, state: State) -> Iterator[Next]:
        """
        Let everything come to rest.

        Deliver everything without faults, let each sender try once more, redrive each dead letter
        once, and deliver these too.
        """
        for step, following in self.deliver_all(state):
            state = following
            yield step, state
        for number, _ in enumerate(self.scenario.senders):
            for step, following in self.posts.come_back(state, number):
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

    def violation(self, before: State, step: Step, after: State) -> str | None:
        """Say what is wrong with a step; None if nothing is."""
        if step.finished:
            items = {item.json for item in after.world.items}
            if not items.issuperset(step.finished.vouched_for):
                return "a delivery vouches for a record that is not there"
        if step.ended:
            wrong = self._key_rules.violation(before, step.ended, after)
            if wrong:
                return wrong
        elif after.world == before.world:
            return None
        model = self._model_of(after)
        return violation_of_change(before.world, after.world) or model.violation(after.world)

    def violation_when_settled(self, state: State) -> str | None:
        """Say what is wrong once everything has come to rest; None if nothing is."""
        wrong = self._model_of(state).violation_when_settled(state.world)
        return wrong or self._key_rules.violation_when_settled(state)

    def settling(self, state: State) -> tuple[list[Step], str | None]:
        """Let everything come to rest: return the steps, and what is wrong with them or after."""
        steps: list[Step] = []
        for step, following in self.settle(state):
            steps.append(step)
            wrong = self.violation(state, step, following)
            if wrong:
                return steps, wrong
            state = following
        return steps, self.violation_when_settled(state)

    def _model_of(self, state: State) -> Model:
        """Make the model of what may not be lost by now."""
        if not self.scenario.senders:
            return self.model
        handed_in = (*self.scenario.handed_in, *self._key_rules.answered_202(state))
        if handed_in not in self._models:
            tried = tuple(sender.given for sender in self.scenario.senders)
            self._models[handed_in] = Model(handed_in, tried)
        return self._models[handed_in]
