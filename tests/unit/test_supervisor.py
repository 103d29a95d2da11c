"""Processes that end are started again: at once, then ever later, and each time in one line."""

import itertools
from typing import Any

from ops.local.supervisor import PAUSES_SECONDS, STEADY_SECONDS, Supervised, keep_alive


class FakeProcess:
    """Runs until it is told to end."""

    name = "the worker"

    def __init__(self) -> None:
        self.is_running = True
        self.ready = False
        self.starts = 0
        self.unable: OSError | None = None

    def is_ready(self) -> bool:
        return self.ready

    def restart(self) -> None:
        if self.unable:
            raise self.unable
        self.starts += 1
        self.is_running, self.ready = True, False

    def how_it_ended(self) -> str:
        return "the worker ended with exit code 1"

    def what_to_do(self) -> str:
        return "Its own lines above say why."


class Watch:
    """A process under supervision, with a clock that the test sets."""

    def __init__(self) -> None:
        process: Any = FakeProcess()
        self.process = process
        self.said: list[str] = []
        self.now = 100.0
        self._supervised = Supervised(process, "No order is lost.", self.now)

    def look(self, after_seconds: float = 0.0) -> None:
        self.now += after_seconds
        self._supervised.look(self.now, self.said.append)

    def end(self) -> None:
        self.process.is_running = False
        self.look()


def test_a_process_that_ends_is_started_again_at_once_and_its_end_is_said() -> None:
    watch = Watch()

    watch.end()
    watch.look()

    assert watch.process.starts == 1
    (said,) = watch.said
    assert said == (
        "The worker ended with exit code 1: starting it again. Its own lines above say why. No "
        "order is lost."
    )


def test_it_is_said_once_that_a_process_is_up_again() -> None:
    watch = Watch()
    watch.end()
    watch.look()
    watch.look()

    watch.process.ready = True
    watch.look()
    watch.look()

    assert watch.said[1:] == ["The worker is up again."]


def test_a_process_that_runs_from_the_beginning_is_not_said_to_be_up() -> None:
    watch = Watch()
    watch.process.ready = True

    watch.look()

    assert watch.said == []


def test_one_that_ends_again_and_again_is_started_ever_later_but_never_given_up() -> None:
    watch = Watch()
    waited = []
    for _ in range(9):
        watch.end()
        ended_at, starts = watch.now, watch.process.starts
        while watch.process.starts == starts:
            watch.look(0.5)
        waited.append(watch.now - ended_at)

    assert waited == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert len(watch.said) == 9
    assert watch.said[2] == (
        "The worker ended with exit code 1, 3 times in a row: starting it again in 2 s."
    )


def test_from_the_fifth_time_on_it_is_said_where_to_look() -> None:
    watch = Watch()
    for _ in range(5):
        watch.end()
        watch.look(max(PAUSES_SECONDS))

    said_why = ["Its own lines above say why" in line for line in watch.said]
    assert said_why == [True, False, False, False, True]
    assert watch.said[-1].endswith(" Ctrl-C stops everything.")


def test_one_that_has_worked_for_a_while_has_not_ended_in_a_row() -> None:
    watch = Watch()
    watch.end()
    watch.look()
    watch.look(STEADY_SECONDS + 1)

    watch.end()

    assert "in a row" not in watch.said[-1]


def test_a_process_that_cannot_be_started_counts_as_one_that_ended() -> None:
    watch = Watch()
    watch.process.unable = BlockingIOError(11, "Resource temporarily unavailable")
    watch.end()

    watch.look()
    watch.process.unable = None
    watch.look(1.0)

    assert watch.said[1].startswith(
        "The worker can't be started (Resource temporarily unavailable), 2 times in a row"
    )
    assert "Ctrl-C" not in watch.said[1]
    assert watch.process.starts == 1


def test_the_watch_ends_with_the_emulator_alone(monkeypatch: Any) -> None:
    monkeypatch.setattr("ops.local.supervisor.GLANCE_SECONDS", 0.0)
    emulator: Any = FakeProcess()
    worker: Any = FakeProcess()
    worker.is_running = False
    glances = itertools.count(1)

    def look_around() -> None:
        emulator.is_running = next(glances) < 5

    keep_alive([Supervised(worker, "", 0.0)], emulator, lambda _: None, look_around)

    assert worker.starts == 1
