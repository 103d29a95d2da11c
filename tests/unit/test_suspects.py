"""Suspects: what came back time and again is tried apart, each part off the queue at once."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chalicelib.orders.submission import Submission
from chalicelib.services.message import Message
from chalicelib.services.processing import Processor
from chalicelib.services.suspects import FIRST_SUSPECT_RECEIVE, parts_of
from chalicelib.services.time_limit import OutOfTime
from tests.builders import Clock, order_text, sqs_message
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore, FakeReporter

FRESH = FIRST_SUSPECT_RECEIVE - 1


class System:
    """A processor over fakes, which looks at the queue as each order is archived."""

    def __init__(self) -> None:
        self.queue = FakeQueue()
        self.reporter = FakeReporter()
        self.records = FakeRecordStore()
        self.archive = WatchingArchive(self.queue)

    def process(self, *messages: Message, **options: Any) -> list[str]:
        """Process a batch; return the messages that failed."""
        processor = Processor(
            records=self.records,
            archive=self.archive,
            queue=self.queue,
            reporter=self.reporter,
            clock=Clock(),
        )
        batch = processor.process_batch(messages, **options)
        assert len(batch) == len(messages)
        return [each.message.message_id for each in batch if each.failure]


class WatchingArchive(FakeArchive):
    """Notes the messages that were off the queue as an order was archived."""

    def __init__(self, queue: FakeQueue) -> None:
        super().__init__()
        self._queue = queue
        self.off_the_queue: dict[str, list[str]] = {}

    def keep(self, submission: Submission) -> None:
        self.off_the_queue[submission.order.id] = list(self._queue.deleted)
        super().keep(submission)


def message(name: str, receive_count: int, text: str | None = None) -> Message:
    """Make a message whose id is its order's."""
    body = order_text(name) if text is None else text
    return sqs_message(body, message_id=name, receive_count=receive_count)


def messages(count: int, receive_count: int) -> list[Message]:
    return [message(f"{receive_count}-{number}", receive_count) for number in range(count)]


def ids(*parts: Sequence[Message]) -> list[str]:
    return [each.message_id for part in parts for each in part]


def sizes(batch: list[Message]) -> list[int]:
    return [len(part) for part in parts_of(batch)]


@pytest.fixture
def system() -> System:
    return System()


def test_a_batch_without_suspects_is_one_part_in_the_order_received() -> None:
    batch = messages(100, FRESH)

    assert list(parts_of(batch)) == [batch]


@pytest.mark.parametrize(
    ("count", "parts"),
    [(1, [1]), (2, [1, 1]), (10, [1, 2, 4, 3]), (100, [1, 2, 4, 8, 16, 32, 37])],
)
def test_suspects_are_parted_into_one_two_four_and_so_on(count: int, parts: list[int]) -> None:
    assert sizes(messages(count, FIRST_SUSPECT_RECEIVE)) == parts


def test_what_is_no_suspect_comes_first() -> None:
    suspects, fresh = messages(3, FIRST_SUSPECT_RECEIVE), messages(4, FRESH)

    first, *others = parts_of([*suspects, *fresh])

    assert first == fresh
    assert Counter(ids(*others)) == Counter(ids(suspects))


def test_each_receive_has_another_order_of_suspects() -> None:
    """Whatever message kills, no batch-mate is behind it each time."""
    orders = [
        ids(*parts_of([message(name, receive) for name in "abcdefghij"]))
        for receive in range(FIRST_SUSPECT_RECEIVE, 30)
    ]

    for mate in "bcdefghij":
        before = sum(order.index(mate) < order.index("a") for order in orders)
        assert 0 < before < len(orders)


def test_a_usual_batch_deletes_nothing_by_itself(system: System) -> None:
    system.process(*messages(10, FRESH))

    assert system.queue.deleted == []
    assert system.reporter.suspects == []


def test_a_part_begins_only_when_what_was_done_is_off_the_queue(system: System) -> None:
    fresh, suspects = messages(2, 1), messages(3, FIRST_SUSPECT_RECEIVE)

    failed = system.process(*suspects, *fresh)

    first, second = system.reporter.suspects
    assert failed == []
    assert (len(first), len(second)) == (1, 2)
    assert all(system.archive.off_the_queue[each.message_id] == [] for each in fresh)
    assert system.archive.off_the_queue[first[0]] == ["1-0", "1-1"]
    assert all(system.archive.off_the_queue[each] == ["1-0", "1-1", *first] for each in second)
    # The answer for the batch takes the last part off.
    assert not {*second} & {*system.queue.deleted}


def test_what_failed_stays_on_the_queue(system: System) -> None:
    batch = messages(4, FIRST_SUSPECT_RECEIVE)

    with system.records.outage():
        failed = system.process(*batch)

    assert Counter(failed) == Counter(ids(batch))
    assert system.queue.deleted == []


def test_an_unreadable_message_is_done_too(system: System) -> None:
    system.process(message("unreadable", 1, "[]"), message("suspect", FIRST_SUSPECT_RECEIVE))

    assert len(system.queue.dead_letters) == 1
    assert system.archive.off_the_queue["suspect"] == ["unreadable"]


def test_a_queue_that_deletes_nothing_holds_no_part_up(system: System) -> None:
    with system.queue.outage():
        failed = system.process(*messages(1, 1), *messages(2, FIRST_SUSPECT_RECEIVE))

    assert failed == []
    assert len(system.records.all()) == 3
    assert system.reporter.undeleted == [1, 1]


def test_each_part_is_counted_before_the_next_begins(system: System) -> None:
    """If the next part kills the function, the orders of this one were counted."""
    system.process(*messages(2, 1), *messages(3, FIRST_SUSPECT_RECEIVE))

    assert list(map(len, system.reporter.batches)) == [2, 1, 2]


def time_for(calls: int) -> Callable[[], float]:
    """Leave time for so many looks at the clock, the first one included."""
    looks = iter([60_000.0] * calls)
    return lambda: next(looks, 0.0)


def test_no_delete_begins_when_the_time_is_over(system: System) -> None:
    """The rest fails at once then, and the answer for the batch says what is done."""
    # The clock is looked at once in the beginning, and before each of the two calls of an order.
    failed = system.process(
        *messages(1, 1), *messages(2, FIRST_SUSPECT_RECEIVE), time_left_ms=time_for(3)
    )

    assert len(failed) == 2
    assert {type(each.failure) for each in system.reporter.messages} == {type(None), OutOfTime}
    assert system.queue.deleted == []
