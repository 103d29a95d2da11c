"""Failures that nobody expects: named in a line that gives nothing away, and logged."""

import threading
from collections.abc import Generator
from datetime import UTC, datetime
from typing import cast

import pytest

from ops.console.depths import Depth, Depths
from ops.console.jobs import Job
from ops.console.unexpected import SHOWN_CHARACTERS, described
from ops.desk.letters import DeadLetter, Handled

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("bad\n value"), "ValueError: bad value"),
        (KeyError(), "KeyError"),
        (RuntimeError("of 9121000418450200051332"), "RuntimeError: of ****1332"),
        (RuntimeError('{"toAccount": "x12"}'), 'RuntimeError: {"toAccount": "****"}'),
        (RuntimeError("AKIAIOSFODNN7EXAMPLE was refused"), "RuntimeError: … was refused"),
        (RuntimeError(f"token {'aB3/' * 12} ended"), "RuntimeError: token … ended"),
    ],
)
def test_a_failure_is_named_without_accounts_and_secrets(error: Exception, words: str) -> None:
    assert described(error) == words


def test_a_long_message_is_cut() -> None:
    assert len(described(ValueError("no " * 5000))) <= SHOWN_CHARACTERS + 1


def test_a_job_that_fails_says_so_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    def handle() -> Generator[Handled]:
        yield Handled(cast("DeadLetter", None))
        raise ValueError("a reason is needed")

    job = Job("discard", 2, handle)

    job.run()

    assert job.ended
    assert str(job.unexpected) == "a reason is needed"
    assert job.done == 1
    assert "Traceback" in caplog.text


class Stop:
    """A wish to stop, after so many looks."""

    def __init__(self, looks: int) -> None:
        self._left = looks

    def wait(self, _seconds: float) -> bool:
        self._left -= 1
        return self._left < 0


def test_neither_a_look_nor_a_recall_that_fails_ends_the_watch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found: list[dict[str, int]] = [
        {"queue": 7, "inFlight": 0, "deadLetters": 0, "deadLettersHidden": 0},
        {},
    ]

    def history(_start: datetime, _end: datetime) -> list[Depth]:
        raise TypeError("no metrics")

    depths = Depths(found.pop, history, lambda: NOON)

    depths.watch(cast("threading.Event", Stop(2)))

    assert [depth.queue for depth in depths.since(NOON)] == [7]
    assert "KeyError" in caplog.text
    assert "TypeError: no metrics" in caplog.text
