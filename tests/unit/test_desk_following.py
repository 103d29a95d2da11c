"""Submissions are followed until their outcome is known, by few calls however many wait."""

from collections.abc import Generator, Iterable
from typing import Any, cast

import pytest

from chalicelib.orders.record import Record
from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.following import LETTER_AFTER_SECONDS, LOOKED_UP_AT_ONCE, Following
from ops.desk.letters import DeadLetter
from ops.desk.order_table import Identity


class Stage:
    """A stage whose records and letters a test adds, and which counts the looks at it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.records: dict[Identity, Record] = {}
        self.letters: list[str] = []
        self.asked: list[list[Identity]] = []
        self.letter_looks = 0
        self.looks_open = 0
        self.following = Following(self._recorded, self._look, lambda: self.now)

    def record(self, name: Identity) -> Record:
        record = cast("Record", object())
        self.records[name] = record
        return record

    def _recorded(self, identities: Iterable[Identity]) -> dict[Identity, Record]:
        self.asked.append(list(identities))
        return {name: self.records[name] for name in self.asked[-1] if name in self.records}

    def _look(self) -> Any:
        return self._letters()

    def _letters(self) -> Generator[DeadLetter]:
        self.letter_looks += 1
        self.looks_open += 1
        try:
            for name in self.letters:
                letter: Any = type("Letter", (), {"submission_id": name})()
                yield letter
        finally:
            self.looks_open -= 1


def identity(number: int = 1) -> Identity:
    return Identity(f"order-{number}", f"sub-{number}", "a" * 64)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_submission_is_followed_until_it_is_recorded(stage: Stage) -> None:
    followed = stage.following.follow("sub-1", identity())

    assert stage.following.look() is False
    assert stage.following.waiting == 1
    record = stage.record(identity())
    assert stage.following.look() is True

    assert followed.outcome is record
    assert stage.following.waiting == 0


def test_nothing_is_asked_once_all_is_known(stage: Stage) -> None:
    stage.record(identity())
    stage.following.follow("sub-1", identity())
    stage.following.look()
    asked = len(stage.asked)

    stage.following.look()

    assert len(stage.asked) == asked
    assert stage.letter_looks == 0


def test_what_no_order_can_be_read_from_is_sought_among_the_dead_letters(stage: Stage) -> None:
    followed = stage.following.follow("message-1", None)
    stage.letters = ["other", "message-1", "later"]
    stage.following.look()
    assert stage.letter_looks == 0

    stage.now = 1.0
    stage.following.look()

    assert followed.outcome is not None
    assert stage.asked == []
    assert stage.looks_open == 0


def test_an_order_is_sought_among_the_dead_letters_late_and_ever_less_often(stage: Stage) -> None:
    stage.following.follow("sub-1", identity())

    for second in range(int(LETTER_AFTER_SECONDS) * 9):
        stage.now = float(second)
        stage.following.look()

    # After 20, 40, 80 and 160 seconds.
    assert stage.letter_looks == 4
    stage.letters = ["sub-1"]
    stage.now = LETTER_AFTER_SECONDS * 16
    assert stage.following.look() is True


def test_a_look_takes_few_of_many_and_each_gets_its_turn(stage: Stage) -> None:
    for number in range(LOOKED_UP_AT_ONCE * 3):
        stage.following.follow(f"sub-{number}", identity(number))

    for _ in range(3):
        stage.following.look()

    assert [len(each) for each in stage.asked] == [LOOKED_UP_AT_ONCE] * 3
    assert len({name for each in stage.asked for name in each}) == LOOKED_UP_AT_ONCE * 3


def test_a_look_that_fails_loses_no_submission(stage: Stage) -> None:
    def fail(_: Iterable[Identity]) -> dict[Identity, Record]:
        raise StoreUnavailable("DynamoDB BatchGetItem: no answer")

    following = Following(fail, stage._look, lambda: stage.now)
    following.follow("sub-1", identity())

    with pytest.raises(StoreUnavailable):
        following.look()

    assert following.waiting == 1
