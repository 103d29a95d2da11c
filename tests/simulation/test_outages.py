"""Two hours without the table cost no good order; a message that kills costs only itself."""

from collections.abc import Iterator, Sequence
from statistics import mean

import pytest

from chalicelib.services.message import Message
from chalicelib.services.processed import Processed
from chalicelib.services.processing import Processor
from chalicelib.services.suspects import FIRST_SUSPECT_RECEIVE
from tests.simulation.outage import BATCH_SIZE, MAX_RECEIVES, VISIBILITY_MINUTES, Night

BRIDGED_MINUTES = (MAX_RECEIVES - 1) * VISIBILITY_MINUTES
# Long enough for every message to be recorded, or to be a dead letter.
UNTIL_ALL_IS_OVER = (MAX_RECEIVES + 1) * VISIBILITY_MINUTES
RUNS = 100
DEADLY = "deadly"
MATES = tuple(f"mate-{number}" for number in range(BATCH_SIZE - 1))

both_protocols = pytest.mark.parametrize("partial_batch", [False, True])


class AllTogether(Processor):
    """A processor that suspects no message: each batch is one part."""

    def process_batch(self, messages: Sequence[Message], *_: object) -> list[Processed]:
        fresh = [message._replace(receive_count=1) for message in messages]
        return super().process_batch(fresh)


def outage(minutes: int, *, partial_batch: bool = True) -> Night:
    """Send an order in each minute of an outage of the table, and go on until all is over."""
    night = Night(partial_batch=partial_batch)
    with night.records.outage():
        for minute in range(minutes):
            night.send(f"order-{minute}")
            night.go_on(1)
    night.go_on(UNTIL_ALL_IS_OVER)
    return night


def nights(*order_ids: str, outage_minutes: int = 0, **settings: object) -> Iterator[Night]:
    """Send the orders at one moment, as one batch; each night has other message ids."""
    for run in range(RUNS):
        night = Night(deadly=frozenset({DEADLY, "another"}), **settings)  # type: ignore[arg-type]
        night.send(*order_ids, run=run)
        with night.records.outage(down=outage_minutes > 0):
            night.go_on(outage_minutes)
        night.go_on(UNTIL_ALL_IS_OVER)
        yield night


@both_protocols
def test_an_outage_of_two_hours_sends_no_order_to_the_dead_letter_queue(
    partial_batch: bool,
) -> None:
    night = outage(120, partial_batch=partial_batch)

    assert night.dead() == []
    assert len(night.recorded()) == len(night.records.all()) == 120


def test_the_receives_bridge_an_outage_of_all_visibility_timeouts_between_them() -> None:
    """SQS moves a message in place of one receive more: the last receive has to be a good one."""
    assert outage(BRIDGED_MINUTES).dead() == []
    assert outage(BRIDGED_MINUTES + 1).dead() == ["order-0"]


def test_an_order_is_recorded_within_a_visibility_timeout_after_an_outage() -> None:
    night = outage(120)

    ends = [order.sent_at + order.delay for order in night.recorded()]
    assert max(ends) <= 120 + VISIBILITY_MINUTES


@both_protocols
def test_a_message_that_kills_is_the_only_dead_letter_of_its_batch(partial_batch: bool) -> None:
    """Its batch-mates come back with it, but not for long."""
    delays: list[int] = []
    for night in nights(DEADLY, *MATES, partial_batch=partial_batch):
        assert night.dead() == [DEADLY]
        delays += [order.delay for order in night.recorded()]

    assert len(delays) == RUNS * len(MATES)
    # The usual receives all together; then a chance of more than one in three at each.
    assert mean(delays) < (FIRST_SUSPECT_RECEIVE + 2) * VISIBILITY_MINUTES


def test_a_message_that_kills_costs_one_death_at_each_receive() -> None:
    night = next(nights(DEADLY, *MATES))

    assert night.deaths == MAX_RECEIVES


def test_without_suspicion_the_whole_batch_would_be_dead_letters() -> None:
    night = next(nights(DEADLY, *MATES, processor=AllTogether))

    assert sorted(night.dead()) == sorted([DEADLY, *MATES])


def test_a_message_that_kills_delays_no_order_that_comes_once_it_is_suspected() -> None:
    """All others are done, and off the queue, before the first suspect is tried."""
    night = Night(deadly=frozenset({DEADLY}))
    night.send(DEADLY)
    night.go_on((FIRST_SUSPECT_RECEIVE - 1) * VISIBILITY_MINUTES)
    night.send(*MATES)
    night.go_on(1)

    assert [order.delay for order in night.recorded()] == [0] * len(MATES)


@pytest.mark.parametrize("size", [2, BATCH_SIZE, 100])
def test_a_batch_of_any_size_gets_rid_of_its_deadly_message(size: int) -> None:
    mates = [f"mate-{number}" for number in range(size - 1)]

    for night, _ in zip(nights(DEADLY, *mates, batch_size=size), range(10), strict=False):
        assert night.dead() == [DEADLY]


def test_two_messages_that_kill_take_no_other_along() -> None:
    for night in nights(DEADLY, "another", *MATES[1:]):
        assert sorted(night.dead()) == ["another", DEADLY]


def test_after_an_outage_of_two_hours_few_receives_are_left_for_a_message_that_kills() -> None:
    """
    Both together are the limit: about one batch-mate in a hundred becomes a dead letter.

    An operator redrives it: no order is lost.
    """
    dead = sum(len(night.dead()) - 1 for night in nights(DEADLY, *MATES, outage_minutes=121))

    assert 0 < dead < 0.03 * RUNS * len(MATES)
