"""The faults of a call to AWS: everything that can happen to it beside a plain answer."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.simulation.state import How, State
from tests.simulation.world import Answer, Call, Effect, GetItem, Outcome, PutObject

TIMED_OUT = Answer(Outcome.TIMED_OUT)


class Happening(NamedTuple):
    """A thing that can happen to a call: the state after it, and the answer to the caller."""

    how: How
    state: State
    # None: the caller has crashed, or asks again.
    answer: Answer | None = None
    # Of the call, if it took effect.
    outcome: Outcome | str = ""
    crash: bool = False


def faults_of(call: Call, by: int, state: State, effects: list[Effect]) -> Iterator[Happening]:
    """Yield every fault of a call that would have these effects. The state allows for a fault."""
    yield Happening(How.CRASH_BEFORE, state, crash=True)
    yield Happening(How.THROTTLED, state, Answer(Outcome.THROTTLED))
    yield Happening(How.TIME_OUT_BEFORE, state, TIMED_OUT)
    if isinstance(call, PutObject):
        yield Happening(How.CONFLICT, state, Answer(Outcome.CONFLICT))
    if isinstance(call, GetItem):
        return  # it has no effect that could be hidden
    for world, (outcome, _) in effects:
        after = state._replace(world=world)
        yield Happening(How.CRASH_AFTER, after, None, outcome, crash=True)
        yield Happening(How.SENT_AGAIN, after, None, outcome)
        yield Happening(How.TIME_OUT_AFTER, after, TIMED_OUT, outcome)
    on_its_way = state.with_on_its_way(call, by)
    yield Happening(How.CRASH_ON_ITS_WAY, on_its_way, crash=True)
    yield Happening(How.TIME_OUT_ON_ITS_WAY, on_its_way, TIMED_OUT)
