"""The parts of a schedule: the states of the whole system, and the steps between them."""

from enum import Enum
from typing import NamedTuple

from tests.simulation.delivery import Delivery, Finished
from tests.simulation.world import Call, Outcome, World


class How(Enum):
    """The outcome of a call to AWS: all but the first are faults."""

    ANSWERED = "{worker}: {call} -> {outcome}"
    THROTTLED = "{worker}: {call} -> throttled"
    CONFLICT = "{worker}: {call} -> 409, a write to the key is going on"
    PARTLY_DONE = "{worker}: {call} -> only the first was deleted"
    OUT_OF_TIME = "{worker} has too little time left for {call}"
    CRASH_BEFORE = "{worker} crashes before {call}"
    CRASH_AFTER = "{worker} crashes after {call} took effect ({outcome})"
    CRASH_ON_ITS_WAY = "{worker} crashes while {call} is on its way"
    TIME_OUT_BEFORE = "{worker}: {call} -> timed out, without effect"
    TIME_OUT_AFTER = "{worker}: {call} -> timed out, but took effect ({outcome})"
    TIME_OUT_ON_ITS_WAY = "{worker}: {call} -> timed out, and is still on its way"
    SENT_AGAIN = (
        "{worker}: {call} took effect ({outcome}), is not answered, and the SDK sends it again"
    )


class Step(NamedTuple):
    """One step of a schedule, with all that is needed to tell of it."""

    text: str
    worker: str = ""
    call: Call | None = None
    outcome: Outcome | str = ""
    # The delivery that came to its end with this step.
    finished: Finished | None = None

    def __str__(self) -> str:
        told = self.text.format(worker=self.worker, call=self.call, outcome=self.outcome)
        return f"{told}; the handler raises" if self.finished and self.finished.raised else told


class OnItsWay(NamedTuple):
    """A call that will take effect at some time, though its caller waits no longer."""

    call: Call
    by: int


class State(NamedTuple):
    """All that the rest of a schedule depends on."""

    world: World
    running: tuple[Delivery, ...] = ()
    on_their_way: tuple[OnItsWay, ...] = ()
    deliveries: int = 0
    redrives_left: int = 0
    faults_left: int = 0

    def with_fault(self) -> "State":
        return self._replace(faults_left=self.faults_left - 1)

    def without(self, delivery: Delivery) -> "State":
        """Return the state once a delivery has come to its end, one way or the other."""
        running = tuple([other for other in self.running if other is not delivery])
        return self._replace(running=running)

    def with_on_its_way(self, call: Call, by: int) -> "State":
        on_their_way = (*self.on_their_way, OnItsWay(call, by))
        return self._replace(on_their_way=tuple(sorted(on_their_way, key=repr)))


Next = tuple[Step, State]
"""A step that can be taken, and the state after it."""
