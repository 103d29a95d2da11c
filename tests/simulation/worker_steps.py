"""The steps of the workers: their calls to AWS, all that can happen to these, their returns."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.simulation.delivery import Delivery, Finished, System, Waiting, run
from tests.simulation.faults import faults_of
from tests.simulation.state import How, Next, OnItsWay, State, Step
from tests.simulation.world import (
    Answer,
    Call,
    DeleteMessages,
    Effect,
    InsertItem,
    Outcome,
    PutItem,
    PutObject,
    SendMessage,
    deleted,
    take_effect,
)


class Waiter(NamedTuple):
    """A thread of a delivery that waits for an answer."""

    delivery: Delivery
    thread: int
    call: Call


class Workers:
    """Runs deliveries, each from answer to answer."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._progress: dict[Delivery, Waiting | Finished] = {}

    @property
    def runs(self) -> int:
        """The number of runs of the code under test: one for each delivery and list of answers."""
        return len(self._progress)

    def steps(self, state: State, delivery: Delivery) -> Iterator[Next]:
        """Yield each possible next step of a delivery, beginning with the one without a fault."""
        match self._progress_of(delivery):
            case Waiting(calls):
                for thread, call in calls:
                    waiter = Waiter(delivery, thread, call)
                    effects = list(take_effect(state.world, call, delivery.number))
                    for world, answer in effects:
                        answered = state._replace(world=world)
                        yield self._answered(How.ANSWERED, answered, waiter, answer)
                    if state.faults_left:
                        yield from self._faults(state.with_fault(), waiter, effects)
            case Finished() as finished:
                yield from _returns(state, delivery, finished)

    def _progress_of(self, delivery: Delivery) -> Waiting | Finished:
        progress = self._progress.get(delivery)
        if progress is None:
            progress = self._progress[delivery] = run(self._system, delivery)
        return progress

    def _faults(self, state: State, waiter: Waiter, effects: list[Effect]) -> Iterator[Next]:
        delivery, _, call = waiter
        for how, after, answer, outcome, crash in faults_of(call, delivery.number, state, effects):
            if answer:
                yield self._answered(how, after, waiter, answer, outcome)
            else:
                left = after.without(delivery) if crash else after
                yield Step(how.value, delivery.worker, call, outcome), left
        if _is_begun_in_time(call):
            yield self._answered(How.OUT_OF_TIME, state, waiter, Answer(Outcome.OUT_OF_TIME))
        if isinstance(call, DeleteMessages) and len(call.receipts) > 1:
            partly = state._replace(world=deleted(state.world, call.receipts[:1]))
            yield self._answered(How.PARTLY_DONE, partly, waiter, Answer(Outcome.PARTLY_DELETED))

    def _answered(
        self, how: How, state: State, waiter: Waiter, answer: Answer, outcome: Outcome | str = ""
    ) -> Next:
        delivery = waiter.delivery
        after = delivery.answered(waiter.thread, answer)
        progress = self._progress_of(after)
        finished = progress if isinstance(progress, Finished) else None
        told = outcome or answer.outcome
        step = Step(how.value, delivery.worker, waiter.call, told, finished)
        if finished and not finished.deletes:
            return step, state.without(delivery)
        running = tuple([after if other is delivery else other for other in state.running])
        return step, state._replace(running=running)


def _is_begun_in_time(call: Call) -> bool:
    """Say whether the code checks the time first: of a batch, before its first statement."""
    if isinstance(call, InsertItem):
        return call.number == 1
    return isinstance(call, PutObject | PutItem | SendMessage)


def arrivals(state: State) -> Iterator[Next]:
    """Let a call that is on its way take effect, though nobody waits for it."""
    for on_its_way in state.on_their_way:
        left = list(state.on_their_way)
        left.remove(on_its_way)
        arrived = state._replace(on_their_way=tuple(left))
        yield from _arrives(arrived, on_its_way)


def _arrives(state: State, on_its_way: OnItsWay) -> Iterator[Next]:
    for world, (outcome, _) in take_effect(state.world, *on_its_way):
        step = Step("{call} arrives at last -> {outcome}", call=on_its_way.call, outcome=outcome)
        yield step, state._replace(world=world)


def _returns(state: State, delivery: Delivery, finished: Finished) -> Iterator[Next]:
    """Return from a handler: Lambda deletes the messages that are done with, unless that fails."""
    ended = state.without(delivery)
    step = Step("{worker} returns; Lambda: {call} -> {outcome}", delivery.worker)
    call = DeleteMessages(finished.deletes)
    for world, (outcome, _) in take_effect(state.world, call, delivery.number):
        yield step._replace(call=call, outcome=outcome), ended._replace(world=world)
    if state.faults_left:
        yield step._replace(call=call, outcome="fails"), ended.with_fault()
        if len(finished.deletes) > 1:
            world = deleted(state.world, finished.deletes[:1])
            partly = step._replace(call=call, outcome=Outcome.PARTLY_DELETED)
            yield partly, ended.with_fault()._replace(world=world)
