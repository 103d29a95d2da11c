"""
Recovery tools and each other's decisions: any sequence of them, each killed at any point.

Operators redrive, discard, edit and resubmit, repair and replay while orders are processed or
fail. Whatever they do, a submission that was put away is never recorded later, no transfer is
accepted twice, and nothing is lost. A channel may hand in again what was put away: then it is
recorded, and stays so from the next repair on.
"""

from collections.abc import Callable
from typing import ClassVar, TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ops.desk.decision_log import Decisions
from ops.desk.order_table import Identity
from tests.properties.recovery import Stage
from tests.properties.recovery_mistakes import MISTAKES
from tests.properties.recovery_mistakes import LooksAtTheLastHandInOnly as LooksAtTheLast

Item = TypeVar("Item")

AT_MOST = 2
# The longest tool makes hardly more changes for so few letters.
CHANGES = 8
DAYS = 6

changes = st.none() | st.integers(0, CHANGES)
positions = st.integers(0, 9)
# What becomes of the id, and of the text.
edits = st.sampled_from([("", "x"), ("b", "x"), ("b", "y"), ("c", "x")])


class Recovery(RuleBasedStateMachine):
    """A stage, and what its operators may do. Between two actions 40 minutes pass."""

    decisions: ClassVar[type[Decisions]] = Decisions

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(self.decisions)
        self.accepted_ever: set[str] = set()
        self.rebuilding = False
        # Submissions that were recorded when a repair came to its end.
        self.repaired: set[Identity] = set()

    @precondition(lambda self: len(self.stage.handed_in) < AT_MOST)
    @rule()
    def hand_in(self) -> None:
        self.stage.hand_in(f"order-{len(self.stage.handed_in)}")

    @precondition(lambda self: self.unrecorded_put_away and not self.rebuilding)
    @rule(at=positions)
    def hand_in_again_what_was_put_away(self, at: int) -> None:
        self.stage.hand_in_again(_pick(self.unrecorded_put_away, at))

    @precondition(lambda self: self.stage.queue)
    @rule(at=positions)
    def process(self, at: int) -> None:
        self.stage.process(_pick(self.stage.queue, at))
        self.stage.rest()

    @precondition(lambda self: self.stage.queue)
    @rule(at=positions)
    def fail(self, at: int) -> None:
        self.stage.fail(_pick(self.stage.queue, at))
        self.stage.rest()

    @precondition(lambda self: self.may_decide)
    @rule(at=positions, change=changes)
    def redrive(self, at: int, change: int | None) -> None:
        self._do(lambda: self.stage.redrive(self._letter(at)), change)

    @precondition(lambda self: self.may_decide)
    @rule(at=positions, change=changes)
    def discard(self, at: int, change: int | None) -> None:
        self._do(lambda: self.stage.discard(self._letter(at)), change)

    @precondition(lambda self: self.may_decide)
    @rule(at=positions, edited=edits, change=changes)
    def edit_and_resubmit(self, at: int, edited: tuple[str, str], change: int | None) -> None:
        message_id = self._letter(at)
        suffix, note = edited
        order_id = f"{self.stage.order_of(message_id)}{suffix}"
        self._do(lambda: self.stage.resubmit(message_id, order_id, note), change)

    @precondition(lambda self: not self.rebuilding)
    @rule(change=changes)
    def repair(self, change: int | None) -> None:
        self._do(self._repair, change)

    @rule(change=changes)
    def lose_the_table_and_replay(self, change: int | None) -> None:
        """Until a replay has come to its end, whoever decides does so about half a table."""
        if not self.rebuilding:
            self.accepted_ever -= self._accepted_by_channels_alone()
            self.stage.lose_the_table()
        self.rebuilding = True
        self._do(self._replay, change)

    @precondition(lambda self: not self.stage.queue)
    @rule()
    def wait_longer_than_the_queue_keeps_a_message(self) -> None:
        for _ in range(DAYS * 36):
            self.stage.rest()

    @invariant()
    def what_was_put_away_is_not_recorded(self) -> None:
        recorded = self.stage.put_away() & self.stage.records().keys()

        assert recorded <= self.stage.overtaken

    @invariant()
    def no_transfer_is_accepted_twice(self) -> None:
        accepted = set(self.stage.accepted()) - self.stage.overtaken
        transfers = [self.stage.handed_in[name] for name in accepted]

        assert len(transfers) == len(set(transfers))

    @invariant()
    def what_was_accepted_stays_so(self) -> None:
        accepted = {name.order_id for name in self.stage.accepted()}

        assert self.rebuilding or self.accepted_ever <= accepted
        self.accepted_ever |= accepted

    def teardown(self) -> None:
        """Recover all: then every submission is recorded, or was put away."""
        if self.rebuilding:
            self.stage.replay()
        self.stage.redrive()
        while self.stage.queue:
            self.stage.process(self.stage.queue[0])
        self.rebuilding = False
        self.what_was_put_away_is_not_recorded()
        self.no_transfer_is_accepted_twice()
        self.what_was_accepted_stays_so()

        assert self.stage.handed_in.keys() == self.stage.records().keys() | self.stage.put_away()

    @property
    def may_decide(self) -> bool:
        return bool(self.stage.dead_letters.messages) and not self.rebuilding

    def _do(self, tool: Callable[[], object], change: int | None) -> None:
        with self.stage.fuse.killing_before(change):
            tool()
        self.stage.rest()

    @property
    def unrecorded_put_away(self) -> list[Identity]:
        return sorted(self.stage.put_away() - self.stage.records().keys())

    def _accepted_by_channels_alone(self) -> set[str]:
        """Name the orders that were put away, and of which no repair has seen the record."""
        unseen = self.stage.overtaken - self.repaired
        return {name.order_id for name in self.stage.accepted() if name in unseen}

    def _repair(self) -> None:
        if self.stage.repair():
            self.repaired |= self.stage.records().keys()

    def _replay(self) -> None:
        self.rebuilding = not self.stage.replay()

    def _letter(self, at: int) -> str:
        return _pick(sorted(self.stage.dead_letters.messages), at)


def _pick(items: list[Item], at: int) -> Item:
    return items[at % len(items)]


TestRecovery = Recovery.TestCase
TestRecovery.settings = settings(stateful_step_count=25)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_model_finds_each_mistake(mistake: type[Decisions]) -> None:
    class Mistaken(Recovery):
        decisions = mistake

    # A mistake need not be explained in as few steps as can be.
    search = settings(max_examples=2_000, stateful_step_count=25, phases=[Phase.generate])

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Mistaken, settings=search)


# The change of a redrive that deletes its one letter: after two entries and the send.
DELETE = 3


@pytest.mark.parametrize(("decisions", "is_kept"), [(Decisions, True), (LooksAtTheLast, False)])
def test_one_of_two_copies_is_not_discarded_while_the_other_is_on_the_queue(
    decisions: type[Decisions], *, is_kept: bool
) -> None:
    """The search finds this mistake too, but needs minutes for so many steps."""
    stage = Stage(decisions)
    stage.hand_in("order-7")
    stage.fail(stage.queue[0])
    stage.rest()
    for change in (DELETE, None):
        with stage.fuse.killing_before(change):
            stage.redrive()
        stage.rest()
    first, second = stage.queue

    stage.fail(second)
    stage.rest()
    stage.discard(second.message_id)
    stage.process(first)

    assert (second.message_id in stage.dead_letters.messages) == is_kept
    assert (not stage.put_away() & stage.records().keys()) == is_kept
