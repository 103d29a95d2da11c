"""Pausing and resuming: the audit trail first, and how long what waits is safe."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.audit_trail import Action, AuditTrail
from ops.desk.processing import PAUSE, RESUME, Note, Processing, Waiting
from ops.processing_switch import Position
from tests.builders import START, Clock
from tests.desk_fakes import RETENTION, FakeOrdersQueue, FakeOrderTable, FakeSwitch


class World:
    """The processing over fakes."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.table = FakeOrderTable()
        self.trail = self._trail(self.table)
        self.hurried_table = FakeOrderTable()
        self.hurried_table.items = self.table.items
        self.switch = FakeSwitch(lambda: self.queue.kept)
        self.queue = FakeOrdersQueue()
        self.processing = Processing(
            self.switch,
            self.queue,
            self.trail,
            hurried=self._trail(self.hurried_table),
            own_maximum=5,
            who=lambda: "arn:ana",
            clock=self.clock,
        )

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Take the table out of everybody's reach."""
        with self.table.outage(), self.hurried_table.outage():
            yield

    def _trail(self, table: FakeOrderTable) -> AuditTrail:
        return AuditTrail(table, stage="prod", who=lambda: "arn:ana", clock=self.clock)


def actions(trail: AuditTrail) -> list[Action]:
    today = START.date()
    return list(trail.newest_first(today - timedelta(days=30), today + timedelta(days=30)))


@pytest.fixture
def world() -> World:
    return World()


def test_a_pause_is_written_down_before_it_is_made(world: World) -> None:
    look = world.processing.pause("table is throttled")

    assert look.paused
    assert look.by
    assert (look.by.who, look.by.why, look.by.at) == ("arn:ana", "table is throttled", START)
    assert world.switch.turns == [look.by]
    (action,) = actions(world.trail)
    assert (action.what, action.why, action.details) == (PAUSE, "table is throttled", {})
    assert look.by.in_trail


def test_it_can_be_paused_while_the_table_is_gone_and_the_trail_has_it_before_it_goes_on(
    world: World,
) -> None:
    """The table is why: the note is on the queue until there is a trail again."""
    with world.outage():
        look = world.processing.pause("table is gone")
        with pytest.raises(StoreUnavailable):
            world.processing.resume("too early")
    assert look.by == Note(START, "arn:ana", "table is gone", in_trail=False)
    assert not world.switch.now.is_on
    world.clock.advance(hours=1)

    world.processing.resume("it is back")

    # Both at one moment of this clock.
    entries = {action.what: action for action in actions(world.trail)}
    assert entries.keys() == {PAUSE, RESUME}
    assert entries[RESUME].why == "it is back"
    paused = entries[PAUSE]
    assert (paused.why, paused.details) == (
        "table is gone",
        {"pausedAt": "2026-03-01T12:00:00.000Z", "pausedBy": "arn:ana"},
    )


def test_a_pause_gives_up_on_a_slow_table_and_a_resume_waits_for_it(world: World) -> None:
    with world.hurried_table.outage():
        look = world.processing.pause("table is slow")
        world.processing.resume()

    assert look.by
    assert not look.by.in_trail
    assert sorted(action.what for action in actions(world.trail)) == [PAUSE, RESUME]


def test_a_late_entry_is_written_once(world: World) -> None:
    with world.outage():
        world.processing.pause("table is gone")
    world.switch.fails = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            world.processing.resume()

    assert [action.what for action in actions(world.trail)].count(PAUSE) == 1


def test_a_note_that_can_not_be_kept_is_no_pause(world: World) -> None:
    with world.queue.outage(), pytest.raises(StoreUnavailable):
        world.processing.pause("x")

    assert world.switch.now.is_on
    assert actions(world.trail) == []


def test_a_pause_that_is_refused_leaves_no_note(world: World) -> None:
    """Else a later pause by other means would be this operator's."""
    world.switch.fails = True

    with pytest.raises(StoreUnavailable):
        world.processing.pause("table is throttled")

    assert world.queue.kept is None


def test_a_pause_that_is_made_though_its_answer_was_lost_keeps_its_note(world: World) -> None:
    world.switch.fails = True
    world.switch.turns_all_the_same = True

    with pytest.raises(StoreUnavailable):
        world.processing.pause("table is throttled")

    look = world.processing.look()
    assert look.by
    assert (look.paused, look.by.why) == (True, "table is throttled")


def test_who_pauses_twice_changes_nothing_and_sees_the_first_pause(world: World) -> None:
    world.processing.pause("first")
    world.clock.advance(hours=1)

    look = world.processing.pause("second")

    assert look.by
    assert look.by.why == "first"
    assert len(world.switch.turns) == 1


def test_what_goes_on_already_is_not_resumed_again(world: World) -> None:
    look = world.processing.resume("no pause")

    assert not look.paused
    assert actions(world.trail) == []


def test_a_resume_is_written_down_with_its_concurrency(world: World) -> None:
    world.processing.pause("table is throttled")
    world.clock.advance(hours=1)

    look = world.processing.resume("it is back", maximum_concurrency=2)

    newest = actions(world.trail)[0]
    assert (newest.what, newest.why, newest.details) == (
        RESUME,
        "it is back",
        {"maximumConcurrency": "2"},
    )
    assert (look.paused, look.position.maximum_concurrency) == (False, 2)
    # 1,000 orders, in batches of 10, two of them at once, a tenth of a second each.
    assert look.drain_seconds == 5


def test_a_stage_is_slowed_until_its_concurrency_is_what_its_settings_say(world: World) -> None:
    slowed = [
        world.processing.resume(maximum_concurrency=2).slowed,
        world.processing.look().slowed,
        world.processing.resume(maximum_concurrency=5).slowed,
    ]

    assert slowed == [True, True, False]


def test_the_concurrency_can_be_raised_again_after_the_resume(world: World) -> None:
    world.processing.pause("table is throttled")
    world.processing.resume(maximum_concurrency=2)

    look = world.processing.resume(maximum_concurrency=50)

    assert look.position.maximum_concurrency == 50


def test_without_a_maximum_nobody_knows_how_long_it_takes(world: World) -> None:
    world.switch.now = Position(is_on=True)

    assert world.processing.look().drain_seconds is None


def test_a_pause_by_other_means_has_no_one(world: World) -> None:
    world.switch.now = world.switch.now._replace(is_on=False)

    look = world.processing.look()

    assert (look.paused, look.by, look.safe_until) == (True, None, None)


def test_a_pause_by_other_means_after_a_resume_is_not_the_pause_before(world: World) -> None:
    world.processing.pause("first")
    world.clock.advance(minutes=1)
    world.processing.resume()
    world.switch.now = world.switch.now._replace(is_on=False)

    assert world.processing.look().by is None


def test_orders_are_safe_until_the_retention_after_the_pause_ends(world: World) -> None:
    world.processing.pause("table is throttled")
    world.clock.advance(hours=5)

    assert world.processing.look().safe_until == START + RETENTION


def test_an_order_that_is_older_than_the_pause_ends_first(world: World) -> None:
    world.processing.pause("table is throttled")
    world.clock.advance(hours=5)
    world.queue.now = world.queue.now._replace(oldest=timedelta(hours=7))

    assert world.processing.look().safe_until == START - timedelta(hours=2) + RETENTION


def test_a_failing_order_that_sqs_leaves_out_of_the_age_counts_from_the_pause(
    world: World,
) -> None:
    world.processing.pause("table is throttled")
    world.clock.advance(hours=5)
    world.queue.now = world.queue.now._replace(oldest=timedelta(minutes=1))

    assert world.processing.look().safe_until == START + RETENTION


def test_an_empty_queue_has_nothing_to_lose(world: World) -> None:
    world.queue.now = Waiting(0, RETENTION)

    assert world.processing.pause("table is throttled").safe_until is None


def test_a_look_does_not_need_the_table(world: World) -> None:
    world.processing.pause("table is throttled")

    with world.outage():
        look = world.processing.look()

    assert look.by
    assert look.by.in_trail
