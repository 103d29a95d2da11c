"""The steps of the API's clients: their attempts, all that can happen to these, and time."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.simulation.delivery import START, System
from tests.simulation.faults import Happening, faults_of
from tests.simulation.posts import DAY, Post, Reply, Sender, run_post, sender_name
from tests.simulation.state import Ended, How, Next, Posting, State, Step, Told
from tests.simulation.world import Answer, Call, Outcome, SendMessage, expiry_seconds, take_effect

FAILED = {Outcome.TIMED_OUT, Outcome.THROTTLED}
# An object's version names the delivery that put it; a POST puts none.
BY_A_POST = 0


class Attempt(NamedTuple):
    """The input of a run: a sender's number, the day, and AWS's answers so far."""

    sender: int
    day: int
    answers: tuple[Answer, ...]


class Posts:
    """Runs POSTs, each from answer to answer."""

    def __init__(self, system: System, senders: tuple[Sender, ...]) -> None:
        self._system = system
        self._senders = senders
        self._progress: dict[Attempt, Call | Reply] = {}

    @property
    def runs(self) -> int:
        """The number of runs of the code under test: one for each attempt and list of answers."""
        return len(self._progress)

    def start(self) -> Posting:
        """Make the state in which nobody has posted anything."""
        return Posting(attempts_left=tuple(sender.attempts for sender in self._senders))

    def steps(self, state: State) -> Iterator[Next]:
        """Yield every step of the senders, of their POSTs, and of time."""
        posting = state.posting
        busy = {post.sender for post in posting.running}
        for number, left in enumerate(posting.attempts_left):
            if left and number not in busy:
                yield self._begun(state, number)
        for post in posting.running:
            yield from self._steps_of(state, post)

    def come_back(self, state: State, number: int) -> Iterator[Next]:
        """Let a sender try once more, without a fault, and whatever it was told."""
        left = tuple(int(each == number) for each in range(len(self._senders)))
        state = state._replace(posting=state.posting._replace(attempts_left=left))
        step, state = self._begun(state, number)
        yield step, state
        while state.posting.running:
            step, state = next(self._steps_of(state, state.posting.running[0]))
            yield step, state

    def _begun(self, state: State, number: int) -> Next:
        posting = state.posting
        left = list(posting.attempts_left)
        left[number] -= 1
        post = Post(number, posting.day)
        posting = posting._replace(
            attempts_left=tuple(left), running=tuple(sorted((*posting.running, post)))
        )
        step = Step(f"{sender_name(number)} POSTs {self._senders[number].given.order_id}")
        return step, state._replace(posting=posting)

    def _steps_of(self, state: State, post: Post) -> Iterator[Next]:
        call = self._progress_of(post)
        assert not isinstance(call, Reply)
        effects = list(take_effect(state.world, call, BY_A_POST))
        happenings = [
            Happening(How.ANSWERED, state._replace(world=world), answer, answer.outcome)
            for world, answer in effects
        ]
        if state.faults_left:
            happenings += faults_of(call, BY_A_POST, state.with_fault(), effects)
        for happening in happenings:
            yield self._after(happening, post, call)

    def _after(self, happening: Happening, post: Post, call: Call) -> Next:
        state, sending = happening.state, isinstance(call, SendMessage)
        step = Step(happening.how.value, post.name, call, happening.outcome)
        after = post._replace(took=post.took or happening.outcome is Outcome.WRITTEN)
        if happening.crash:
            return _ended(step, state, post, Ended(after, None, state.posting.day))
        if happening.answer is None:
            after = after._replace(put_twice=post.put_twice or not sending)
            return step, state._replace(posting=state.posting.replacing(post, after))
        answer = happening.answer
        failed = answer.outcome in FAILED
        after = after._replace(
            answers=(*post.answers, answer),
            unchecked=post.unchecked or (failed and not sending),
            unconfirmed=post.unconfirmed or (failed and sending),
        )
        progress = self._progress_of(after)
        if not isinstance(progress, Reply):
            return step, state._replace(posting=state.posting.replacing(post, after))
        return _ended(step, state, post, Ended(after, progress, state.posting.day))

    def _progress_of(self, post: Post) -> Call | Reply:
        attempt = Attempt(post.sender, post.day, post.answers)
        progress = self._progress.get(attempt)
        if progress is None:
            progress = run_post(self._system, self._senders[post.sender], post.day, post.answers)
            self._progress[attempt] = progress
        return progress


def _ended(step: Step, state: State, post: Post, ended: Ended) -> Next:
    status = ended.reply and ended.reply.status
    # If nobody has learned anything from it, and it left nothing, its day does not matter.
    day = ended.day if status or ended.passed else post.day
    told = Told(post.sender, status, began=post.day, ended=day, passed=ended.passed)
    after = state._replace(posting=state.posting.without(post, told))
    return step._replace(ended=ended), after


def days(state: State, last_day: int) -> Iterator[Next]:
    """Let a day pass, after which each key has expired. DynamoDB deletes one sooner or later."""
    posting, world = state.posting, state.world
    # Before anyone has done anything, a day makes no difference.
    if posting.day < last_day and (posting.running or posting.told):
        passed = posting._replace(day=posting.day + 1)
        yield Step("a day passes"), state._replace(posting=passed)
    now = (START + posting.day * DAY).timestamp()
    for item in world.keys:
        if expiry_seconds(item) <= now:
            left = tuple(other for other in world.keys if other is not item)
            step = Step("DynamoDB deletes a key that has expired")
            yield step, state._replace(world=world._replace(keys=left))
