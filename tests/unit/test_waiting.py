"""Waiting: bounded by the caller's wish, the function's time and the places that there are."""

import threading
from collections.abc import Callable

import pytest

from chalicelib.services.waiting import (
    LONGEST_PAUSE_SECONDS,
    MAX_WAIT_SECONDS,
    TIME_FOR_LAST_LOOK_SECONDS,
    WaitingRoom,
)


class NotThere(LookupError):
    """The answer is not there yet."""


class Time:
    """Time that goes on only while somebody sleeps, or looks."""

    def __init__(self, seconds_per_look: float = 0.02) -> None:
        self.now = 1_000.0
        self.looks: list[float] = []
        self._seconds_per_look = seconds_per_look

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= LONGEST_PAUSE_SECONDS
        self.now += seconds

    def answer_from(self, seconds: float) -> Callable[[], str]:
        """Make the look at an answer that is there after so many seconds."""
        there = self.now + seconds

        def look() -> str:
            self.looks.append(self.now)
            found = self.now >= there
            self.now += self._seconds_per_look
            if not found:
                raise NotThere
            return "answer"

        return look

    def left_of(self, seconds: float) -> Callable[[], float]:
        end = self.now + seconds
        return lambda: (end - self.now) * 1000


NEVER = float("inf")


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def room(time: Time) -> WaitingRoom:
    return WaitingRoom(1, time.sleep, time.monotonic)


def test_what_is_there_is_answered_at_once(room: WaitingRoom, time: Time) -> None:
    assert room.ask(time.answer_from(0), missing=NotThere, wait_seconds=10) == "answer"

    assert len(time.looks) == 1


def test_without_a_wait_there_is_one_look(room: WaitingRoom, time: Time) -> None:
    with pytest.raises(NotThere):
        room.ask(time.answer_from(NEVER), missing=NotThere, wait_seconds=0)

    assert len(time.looks) == 1


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.3, 4, 9.9])
def test_the_answer_comes_as_soon_as_it_is_there(
    room: WaitingRoom, time: Time, seconds: float
) -> None:
    started = time.now

    answer = room.ask(time.answer_from(seconds), missing=NotThere, wait_seconds=10)

    assert answer == "answer"
    assert time.now - started < seconds + LONGEST_PAUSE_SECONDS + 0.1


@pytest.mark.parametrize("seconds", [0.02, 0.04, 0.09, 0.2, 0.5, 1.2])
def test_the_answer_comes_at_most_twice_as_late_as_it_could(seconds: float) -> None:
    """An order is recorded after some 50 ms: a first pause of 100 ms would be most of the wait."""
    time = Time(seconds_per_look=0.005)
    room = WaitingRoom(1, time.sleep, time.monotonic)
    started = time.now

    room.ask(time.answer_from(seconds), missing=NotThere, wait_seconds=10)

    assert time.now - started < 2 * seconds + 0.05


@pytest.mark.parametrize("wait_seconds", range(1, MAX_WAIT_SECONDS + 1))
def test_a_wait_is_as_long_as_was_asked_for_and_no_longer(
    room: WaitingRoom, time: Time, wait_seconds: int
) -> None:
    started = time.now

    with pytest.raises(NotThere):
        room.ask(time.answer_from(NEVER), missing=NotThere, wait_seconds=wait_seconds)

    assert wait_seconds <= time.now - started < wait_seconds + 0.1


def test_the_longest_wait_looks_a_bounded_number_of_times(room: WaitingRoom, time: Time) -> None:
    with pytest.raises(NotThere):
        room.ask(time.answer_from(NEVER), missing=NotThere, wait_seconds=MAX_WAIT_SECONDS)

    assert len(time.looks) <= 14


@pytest.mark.parametrize("function_seconds", [3, 9.5, 10, 12, 20])
def test_a_wait_leaves_the_function_time_for_a_last_look(
    room: WaitingRoom, time: Time, function_seconds: float
) -> None:
    """The last look may have to give up on a silent AWS."""
    time_left_ms = time.left_of(function_seconds)

    with pytest.raises(NotThere):
        room.ask(
            time.answer_from(NEVER), missing=NotThere, wait_seconds=10, time_left_ms=time_left_ms
        )

    assert len(time.looks) == 1 or function_seconds > TIME_FOR_LAST_LOOK_SECONDS
    assert time_left_ms() / 1000 >= min(function_seconds, TIME_FOR_LAST_LOOK_SECONDS) - 0.05


def test_another_failure_ends_the_wait(room: WaitingRoom, time: Time) -> None:
    looks = iter([NotThere(), ConnectionError()])

    def fail() -> str:
        raise next(looks)

    with pytest.raises(ConnectionError):
        room.ask(fail, missing=NotThere, wait_seconds=10)

    assert room.ask(time.answer_from(1), missing=NotThere, wait_seconds=10) == "answer"


@pytest.mark.parametrize("places", [0, 1, 3])
def test_only_so_many_wait_at_a_time(places: int) -> None:
    """Whoever finds no place is answered at once, and places become free again."""
    at_rest, go_on = threading.Semaphore(0), threading.Event()

    def sleep(_seconds: float) -> None:
        at_rest.release()
        assert go_on.wait(10)

    room = WaitingRoom(places, sleep)
    answers: list[str] = []

    def wait() -> None:
        looks = iter([NotThere()])

        def look() -> str:
            for missing in looks:
                raise missing
            return "answer"

        answers.append(room.ask(look, missing=NotThere, wait_seconds=10))

    threads = [threading.Thread(target=wait) for _ in range(places)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert at_rest.acquire(timeout=10)

    with pytest.raises(NotThere):
        room.ask(Time().answer_from(NEVER), missing=NotThere, wait_seconds=10)
    go_on.set()
    for thread in threads:
        thread.join(10)

    assert answers == ["answer"] * places
    if places:
        wait()
        assert len(answers) == places + 1
