"""Decisions: what was put away stays so, and of two operators at once one sees the other's."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.orders.order import parse_order
from chalicelib.services.message import Message
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.decision_log import LONGEST_ON_QUEUE, PREFIX, Decisions
from ops.desk.decisions import Decided, Decision, DecisionStands
from ops.desk.order_table import Identity
from tests.builders import START, Clock, order_text
from tests.desk_fakes import FakeDecisionBucket, decisions_over

ORDER = Identity("order-7", "s-1", "7" * 64)


class World:
    """A log, and a letter that was sent an hour ago."""

    def __init__(self) -> None:
        self.clock = Clock(START + timedelta(hours=1))
        self.store = FakeDecisionBucket(self.clock)
        self.decisions = decisions_over(self.store, self.clock)
        self.letter = self.sent("m-1", START)

    def sent(self, message_id: str, sent_at: datetime | None) -> Message:
        return Message(message_id, "", "{}", sent_at=sent_at)

    def discard(self, letter: Message | None = None, **given: str) -> None:
        why = given.get("why", "resubmitted as order-7b")
        self.decisions.discard(ORDER, letter or self.letter, why)

    def resubmit(self, order_id: str = "order-7b", **changes: Any) -> None:
        order = parse_order(order_text(order_id, **changes))
        self.decisions.resubmit(ORDER, self.letter, order)


@pytest.fixture
def world() -> World:
    return World()


def test_a_decision_says_who_when_and_why(world: World) -> None:
    world.discard()

    decision = world.decisions.last(ORDER)

    assert decision == Decision(
        Decided.DISCARDED, "ana", "resubmitted as order-7b", "m-1", at=world.clock()
    )
    assert str(decision) == (
        "discarded by ana at 2026-03-01T13:00:00.000Z, because: resubmitted as order-7b"
    )


def test_an_entry_holds_nothing_of_the_order_but_ids(world: World) -> None:
    world.discard()

    ((key, (_, content)),) = world.store.contents.items()
    assert key == f"{PREFIX}order-7/s-1-{ORDER.payload_sha256}.json!000001"
    assert b"{}" not in content
    assert set(json.loads(content)) == {"what", "who", "why", "message", "id"}


@pytest.mark.parametrize("put_away", [World.discard, World.resubmit])
def test_what_was_put_away_is_not_handed_in(
    world: World, put_away: Callable[[World], None]
) -> None:
    put_away(world)

    with pytest.raises(DecisionStands, match=r"by ana .* hand it in as a new submission"):
        world.decisions.hand_in(ORDER, world.letter)


def test_another_submission_of_the_order_is_handed_in(world: World) -> None:
    world.discard()

    world.decisions.hand_in(ORDER._replace(submission_id="s-2"), world.letter)


def test_a_discard_that_was_broken_off_is_begun_again(world: World) -> None:
    world.discard()

    world.discard(why="again")

    assert len(world.store.contents) == 1


def test_a_letter_that_was_resubmitted_can_be_discarded(world: World) -> None:
    world.resubmit()

    world.discard()

    assert world.decisions.last(ORDER) == Decision(
        Decided.DISCARDED, "ana", "resubmitted as order-7b", "m-1", at=world.clock()
    )


def test_a_resubmission_that_was_broken_off_is_begun_again(world: World) -> None:
    world.resubmit()

    world.resubmit()

    assert len(world.store.contents) == 1


@pytest.mark.parametrize("otherwise", [{"order_id": "order-7c"}, {"amount": 1}])
def test_a_letter_is_resubmitted_once(world: World, otherwise: dict[str, Any]) -> None:
    """Two texts would be two submissions, of which each might be resubmitted again."""
    world.resubmit()

    with pytest.raises(DecisionStands, match="resubmitted as order-7b by ana"):
        world.resubmit(**otherwise)


def test_a_discarded_letter_is_not_resubmitted(world: World) -> None:
    world.discard()

    with pytest.raises(DecisionStands):
        world.resubmit()


def test_a_refusal_shows_no_account_that_an_earlier_reason_names(world: World) -> None:
    world.decisions.hand_in(ORDER, world.letter, why="ask the holder of 4012887001")

    with pytest.raises(DecisionStands, match=r"the holder of \*\*\*\*7001"):
        world.discard()


@pytest.mark.parametrize("put_away", [World.discard, World.resubmit])
def test_what_may_be_on_the_queue_is_not_put_away(
    world: World, put_away: Callable[[World], None]
) -> None:
    """A redrive that was killed before its delete leaves the letter in two queues."""
    world.decisions.hand_in(ORDER, world.letter)

    with pytest.raises(DecisionStands, match="may be on the orders' queue"):
        put_away(world)

    assert len(world.store.contents) == 1


@pytest.mark.parametrize("letter", ["m-1", None])
def test_the_copy_that_failed_again_is_discarded(world: World, letter: str | None) -> None:
    """Then nothing else is on the queue. The hand-in was a redrive's, or a repair's."""
    world.decisions.hand_in(ORDER, world.letter if letter else None)

    world.discard(world.sent("m-2", world.clock()))

    assert len(world.store.contents) == 2


def test_of_two_copies_one_is_not_discarded_while_the_other_may_be_on_the_queue(
    world: World,
) -> None:
    world.decisions.hand_in(ORDER, world.letter)
    world.clock.advance(minutes=1)
    world.decisions.hand_in(ORDER, world.letter)

    with pytest.raises(DecisionStands):
        world.discard(world.sent("m-3", world.clock()))


def test_a_letter_without_a_time_of_sending_is_nobodys_copy(world: World) -> None:
    world.decisions.hand_in(ORDER, world.letter)

    with pytest.raises(DecisionStands):
        world.discard(world.sent("m-2", None))


def test_the_queue_keeps_nothing_for_longer_than_that(world: World) -> None:
    world.decisions.hand_in(ORDER, world.letter)
    world.clock.now += LONGEST_ON_QUEUE + timedelta(seconds=1)

    world.discard()


def test_the_longest_time_is_longer_than_the_queues_retention() -> None:
    resources = Path("infrastructure/resources.yaml").read_text(encoding="utf-8")

    assert "MessageRetentionPeriod: 345600 # 4 days" in resources
    assert timedelta(seconds=345_600) < LONGEST_ON_QUEUE


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"what": "x"}', b"[" * 100_000, b"\xff"])
def test_an_entry_that_cannot_be_read_puts_its_submission_away(
    world: World, content: bytes
) -> None:
    world.decisions.hand_in(ORDER)
    ((key, (at, _)),) = world.store.contents.items()
    world.store.contents[key] = (at, content)

    decision = world.decisions.last(ORDER)

    assert decision
    assert decision.puts_away
    assert "can't be read" in str(decision)


def test_a_log_goes_on_after_its_last_entry(world: World) -> None:
    """Somebody may have deleted an earlier one by hand, or put something else there."""
    for _ in range(3):
        world.decisions.hand_in(ORDER)
    second = next(key for key in world.store.contents if key.endswith("!000002"))
    del world.store.contents[second]

    world.decisions.hand_in(ORDER)
    world.store.put_new(f"{second[:-6]}by hand", b'{"what": "handed in again", "who": "x"}')
    world.decisions.hand_in(ORDER)

    assert [key.rpartition("!")[2] for key in sorted(world.store.contents)] == [
        "000001",
        "000003",
        "000004",
        "000005",
        "by hand",
    ]


def test_a_log_is_about_the_object_of_its_submission(world: World) -> None:
    """They are listed in the order of the archive's keys, whatever ids there are."""
    tail = f"-{'7' * 64}.json"
    ids = [("a", "s"), ("a-b", "s"), ("a.b", "s"), ("a", f"s{tail}"), ("a", f"s{tail}-x")]
    names = [Identity(order_id, submission_id, "7" * 64) for order_id, submission_id in ids]
    for name in names:
        world.decisions.hand_in(name)
        world.decisions.hand_in(name)

    keys = [end.archive_key for end in world.decisions.ends()]

    assert keys == sorted(f"orders/{name.order_id}/{name.submission_id}{tail}" for name in names)


def test_an_orders_submissions_that_were_put_away_are_listed(world: World) -> None:
    world.discard()
    world.decisions.hand_in(ORDER._replace(submission_id="s-2"))
    world.decisions.hand_in(ORDER._replace(order_id="order-70"))

    ((identity, decision),) = world.decisions.of_order("order-7")

    assert (identity, decision.what) == (ORDER, Decided.DISCARDED)
    assert world.decisions.of_order("order-70") == []


class Meeting(FakeDecisionBucket):
    """Another operator writes just before each put."""

    def __init__(self, clock: Clock, other: Callable[[], None]) -> None:
        super().__init__(clock)
        self.other: Callable[[], None] | None = other

    def put_new(self, key: str, content: bytes) -> bool:
        other, self.other = self.other, None
        if other:
            other()
        return super().put_new(key, content)


def test_of_a_redrive_and_a_discard_at_once_one_is_refused(world: World) -> None:
    world.store = Meeting(world.clock, world.discard)
    world.decisions = decisions_over(world.store, world.clock)

    with pytest.raises(DecisionStands, match="discarded by ana"):
        world.decisions.hand_in(ORDER, world.letter)


def test_of_a_discard_and_a_redrive_at_once_one_is_refused(world: World) -> None:
    world.store = Meeting(world.clock, lambda: world.decisions.hand_in(ORDER, world.letter))
    world.decisions = decisions_over(world.store, world.clock)

    with pytest.raises(DecisionStands, match="may be on the orders' queue"):
        world.discard()


class AnswerLost(FakeDecisionBucket):
    """A put whose answer is lost is sent again, and finds its own object."""

    def put_new(self, key: str, content: bytes) -> bool:
        super().put_new(key, content)
        return False


@pytest.mark.parametrize(
    "decide", [World.discard, lambda world: world.decisions.hand_in(ORDER, world.letter)]
)
def test_an_entry_whose_answer_was_lost_is_written_once(
    world: World, decide: Callable[[World], None]
) -> None:
    world.store = AnswerLost(world.clock)
    world.decisions = decisions_over(world.store, world.clock)

    decide(world)

    assert len(world.store.contents) == 1


class Contended(FakeDecisionBucket):
    """Somebody else is always first."""

    def put_new(self, key: str, content: bytes) -> bool:
        super().put_new(key, content.replace(b"ana", b"eva"))
        return False


def test_endless_contention_is_a_failure_not_a_decision(world: World) -> None:
    decisions: Decisions = decisions_over(Contended(world.clock), world.clock)

    with pytest.raises(StoreUnavailable, match="others decide at the same time"):
        decisions.hand_in(ORDER)


def test_what_was_found_processed_ends_a_discard_for_good(world: World) -> None:
    world.discard()
    world.decisions.find_processed(ORDER)
    world.clock.now += 2 * LONGEST_ON_QUEUE

    world.decisions.find_processed(ORDER)
    world.decisions.hand_in(ORDER)

    assert len(world.store.contents) == 2
    assert world.decisions.of_order("order-7") == []
    with pytest.raises(DecisionStands, match="Replay first"):
        world.discard()
    with pytest.raises(DecisionStands, match="Replay first"):
        world.resubmit()
