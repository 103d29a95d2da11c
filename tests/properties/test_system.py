"""
Long runs of the whole system, at random: orders keep coming in while everything fails.

The simulation tries every schedule of a few submissions; here a few schedules of many are tried,
by the same simulated AWS, scheduler and model.
"""

from collections.abc import Callable
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.simulation.delivery import PARTIAL_BATCHES, System
from tests.simulation.model import HandedIn
from tests.simulation.scenarios import (
    Scenario,
    invalid_order,
    order,
    plain,
    unreadable,
    world_with,
)
from tests.simulation.simulation import Simulation
from tests.simulation.state import Next, State
from tests.simulation.world import World

AT_A_TIME = 3
AT_MOST = 10
NO_LIMIT = 1_000_000

order_ids = st.sampled_from(["order-1", "order-2"])


def _conflicting(submission_id: str, order_id: str) -> HandedIn:
    return order(submission_id, order_id, amount="2.00", channel="atm")


def _unreadable(submission_id: str, _: str) -> HandedIn:
    return unreadable(submission_id)


KINDS = (order, _conflicting, invalid_order, _unreadable)


class WholeSystem(RuleBasedStateMachine):
    """Orders are handed in, delivered, delivered again, cut off, given up and redriven."""

    system: ClassVar[System] = System()

    def __init__(self) -> None:
        super().__init__()
        self.state = State(World())
        self.told: list[str] = []
        self._handed_in: tuple[HandedIn, ...] = ()
        self._simulation = self._simulation_of(())

    @precondition(lambda self: len(self._handed_in) < AT_MOST)
    @rule(make=st.sampled_from(KINDS), order_id=order_ids)
    def hand_in(self, make: Callable[[str, str], HandedIn], order_id: str) -> None:
        self._submit(make(f"submission-{len(self._handed_in) + 1}", order_id))

    @precondition(lambda self: len(self._handed_in) < AT_MOST)
    @rule(order_id=order_ids)
    def put_on_the_queue_without_attributes(self, order_id: str) -> None:
        self._submit(plain(order(f"message-{self.state.world.sent + 1}", order_id)))

    @precondition(lambda self: 0 < len(self._handed_in) < AT_MOST)
    @rule(data=st.data(), same_payload=st.booleans())
    def use_a_submission_id_again(self, data: st.DataObject, *, same_payload: bool) -> None:
        """Submit again, as a client that retries or has lost count of its idempotency keys."""
        before = self._handed_in[data.draw(st.integers(0, len(self._handed_in) - 1))]
        if same_payload and not before.plain:
            self._submit(before)
        elif before.order_id is not None:
            self._submit(order(before.submission_id, before.order_id, amount="3.00"))

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        self._take_any(data, faults=0)

    @rule(data=st.data())
    def go_on_or_fail(self, data: st.DataObject) -> None:
        self._take_any(data, faults=1)

    def teardown(self) -> None:
        # Whatever was still running or on its way is lost: no process and no packet lives for ever.
        self.state = self.state._replace(running=(), on_their_way=())
        for taken in self._simulation.settle(self.state):
            self._take(taken)
        assert self._simulation.violation_when_settled(self.state) is None, self.told

    def _simulation_of(self, handed_in: tuple[HandedIn, ...]) -> Simulation:
        return Simulation(
            Scenario(
                name="the whole system",
                messages=handed_in,
                deliveries=NO_LIMIT,
                batch_size=2,
                max_receives=3,
                redrive_names_submissions=True,
                system=self.system,
            )
        )

    def _submit(self, submitted: HandedIn) -> None:
        self._handed_in += (submitted,)
        self._simulation = self._simulation_of(self._handed_in)
        self.state = self.state._replace(world=world_with(self.state.world, submitted))
        self.told.append(f"{submitted.submission_id} is handed in")

    def _take_any(self, data: st.DataObject, faults: int) -> None:
        bounds = self.state._replace(faults_left=faults, redrives_left=1)
        possible = [
            (step, after)
            for step, after in self._simulation.steps(bounds)
            if len(after.running) <= AT_A_TIME
        ]
        if possible:
            self._take(possible[data.draw(st.integers(0, len(possible) - 1))])

    def _take(self, taken: Next) -> None:
        step, after = taken
        self.told.append(str(step))
        assert self._simulation.violation(self.state, step, after) is None, self.told
        self.state = after


class WholeSystemWithPartialBatches(WholeSystem):
    """The same, where Lambda is told which messages of a batch failed."""

    system = PARTIAL_BATCHES


TestWholeSystem = WholeSystem.TestCase
TestWholeSystem.settings = settings(max_examples=20, stateful_step_count=60)
TestWholeSystemWithPartialBatches = WholeSystemWithPartialBatches.TestCase
TestWholeSystemWithPartialBatches.settings = settings(max_examples=20, stateful_step_count=60)
