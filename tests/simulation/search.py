"""
The search: every schedule of a scenario is tried, and the shortest that ends badly is told.

The rest of a schedule depends on its state only, so schedules that come to equal states are
continued once, for all of them. How many schedules that makes is counted, not estimated.
"""

from array import array
from collections import deque
from typing import NamedTuple

from tests.simulation.scenarios import Scenario
from tests.simulation.simulation import Simulation
from tests.simulation.state import Posting, State, Step
from tests.simulation.world import World


class Counterexample(Exception):
    """A schedule that ends badly."""

    def __init__(
        self, scenario: Scenario, steps: list[Step], settling: list[Step], violation: str
    ) -> None:
        super().__init__(violation)
        self.scenario = scenario
        self.steps = steps
        self.settling = settling
        self.violation = violation

    def __len__(self) -> int:
        return len(self.steps) + len(self.settling)

    def __str__(self) -> str:
        told = [f"{number:3}. {step}" for number, step in enumerate(self.steps + self.settling, 1)]
        if self.settling:
            told.insert(len(self.steps), "  then everything is delivered until it settles:")
        return "\n".join([f"{self.scenario.name}:", *told, f"  violated: {self.violation}"])


class Explored(NamedTuple):
    """The amount that a search tried."""

    schedules: int
    states: int
    runs: int


class Search:
    """A search through the schedules of one scenario, breadth first."""

    def __init__(self, scenario: Scenario, faults: int) -> None:
        self._simulation = Simulation(scenario)
        start = self._simulation.start(faults)
        self._states = [start]
        self._numbers = {start: 0}
        self._came_from: list[tuple[int, Step] | None] = [None]
        self._following = [array("I")]
        self._ends: list[int] = []
        self._bad_worlds: dict[tuple[World, int, Posting], bool] = {}
        self._shortest: Counterexample | None = None

    def explore(self) -> Explored:
        """
        Try every schedule.

        Raises:
            Counterexample: the shortest of those that end badly.
        """
        for number, state in enumerate(self._states):  # grows while it is read
            if self._shortest and len(self._steps_to(number)) >= len(self._shortest):
                break
            for step, following in self._simulation.steps(state):
                wrong = self._simulation.violation(state, step, following)
                if wrong:
                    steps = [*self._steps_to(number), step]
                    raise Counterexample(self._simulation.scenario, steps, [], wrong)
                self._following[number].append(self._number_of(following, number, step))
            if not self._following[number]:
                self._ends.append(number)
                self._check_end(number, state)
        if self._shortest:
            raise self._shortest
        return Explored(self._count_schedules(), len(self._states), self._simulation.runs)

    def _number_of(self, state: State, came_from: int, step: Step) -> int:
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self._states)
            self._states.append(state)
            self._came_from.append((came_from, step))
            self._following.append(array("I"))
        return number

    def _steps_to(self, number: int) -> list[Step]:
        steps = []
        while origin := self._came_from[number]:
            number, step = origin
            steps.append(step)
        return steps[::-1]

    def _check_end(self, number: int, state: State) -> None:
        """Let everything come to rest: equal worlds do so in the same way."""
        key = state.world, state.deliveries, state.posting
        if key not in self._bad_worlds:
            self._bad_worlds[key] = self._simulation.settling(state)[1] is not None
        if self._bad_worlds[key]:
            settling, wrong = self._simulation.settling(state)
            found = Counterexample(
                self._simulation.scenario, self._steps_to(number), settling, str(wrong)
            )
            self._shortest = min(filter(None, (self._shortest, found)), key=len)

    def _count_schedules(self) -> int:
        """Count the ways from the start to an end: no step leads back, so they are finite."""
        ways_in = [0] * len(self._states)
        for following in self._following:
            for number in following:
                ways_in[number] += 1
        schedules = [1] + [0] * (len(self._states) - 1)
        ready = deque([0])
        while ready:
            number = ready.popleft()
            for after in self._following[number]:
                schedules[after] += schedules[number]
                ways_in[after] -= 1
                if not ways_in[after]:
                    ready.append(after)
        return sum(schedules[end] for end in self._ends)


def shortest_counterexample(scenario: Scenario, faults: int) -> Counterexample | None:
    """Find the shortest schedule with the fewest faults that ends badly; None without one."""
    for allowed in range(faults + 1):
        try:
            Search(scenario, allowed).explore()
        except Counterexample as found:
            return found
    return None
