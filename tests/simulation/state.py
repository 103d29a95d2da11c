"""The parts of a schedule: the states of the whole system, and the steps between them."""

from enum import Enum
from typing import NamedTuple

from tests.simulation.delivery import Delivery, Finished
from tests.simulation.posts import Post, Reply, Status
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
    # The POST that came to its end with this step.
    ended: "Ended | None" = None

    def __str__(self) -> str:
        told = self.text.format(worker=self.worker, call=self.call, outcome=self.outcome)
        if self.ended and self.ended.reply:
            return f"{told}; the API answers {self.ended.reply}"
        return f"{told}; the handler raises" if self.finished and self.finished.raised else told


class OnItsWay(NamedTuple):
    """A call that will take effect at some time, though its caller waits no longer."""

    call: Call
    by: int


# A sender tries again after anything else.
FINAL = {Status.QUEUED, Status.KEY_REUSED}
LET_IN = {Status.QUEUED, Status.UNCONFIRMED}


class Ended(NamedTuple):
    """The end of a POST, by an answer or by a crash."""

    post: Post
    reply: Reply | None
    day: int

    @property
    def passed(self) -> bool:
        """Whether it took its key, or was told that the key is its own."""
        answered = self.reply is not None and self.reply.status in LET_IN
        return self.post.took or (answered and not self.post.unchecked)


class Told(NamedTuple):
    """The part of a POST's end that what comes later depends on."""

    sender: int
    # None: it got no answer.
    status: Status | None
    # The days on which it began and ended.
    began: int
    ended: int
    passed: bool

    @property
    def refused(self) -> bool:
        return self.status is Status.KEY_REUSED


class Posting(NamedTuple):
    """The state of the API's clients, and of their POSTs."""

    running: tuple[Post, ...] = ()
    attempts_left: tuple[int, ...] = ()
    # The order in which they ended does not matter, nor how often it was the same.
    told: frozenset[Told] = frozenset()
    day: int = 0

    def replacing(self, post: Post, after: Post) -> "Posting":
        running = (after if other is post else other for other in self.running)
        return self._replace(running=tuple(running))

    def without(self, post: Post, told: Told) -> "Posting":
        """Return the state once a POST has ended. Its sender is content with some answers."""
        running = tuple(other for other in self.running if other is not post)
        left = self.attempts_left
        if told.status in FINAL:
            left = (*left[: told.sender], 0, *left[told.sender + 1 :])
        return self._replace(running=running, attempts_left=left, told=self.told | {told})


NO_POSTS = Posting()


class State(NamedTuple):
    """All that the rest of a schedule depends on."""

    world: World
    running: tuple[Delivery, ...] = ()
    on_their_way: tuple[OnItsWay, ...] = ()
    deliveries: int = 0
    redrives_left: int = 0
    faults_left: int = 0
    posting: Posting = NO_POSTS

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
