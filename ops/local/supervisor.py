"""Keeps the processes of `make run` alive: one that ends is started again, sooner or later."""

import time
from collections.abc import Callable, Sequence

from ops.local.processes import ChildProcess, OpsProcess

GLANCE_SECONDS = 0.2
# Before the first restart, the second, ... and before each further one.
PAUSES_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
# One that has worked this long and ends then has not ended in a row.
STEADY_SECONDS = 10.0
# From here on it is no accident.
MANY_ENDS = 5

# Says a line to the user.
Say = Callable[[str], None]


class Supervised:
    """One process that is started again whenever it ends."""

    def __init__(self, process: OpsProcess, consequence: str, now: float) -> None:
        """`consequence` is what its end means to the user."""
        self._process = process
        self._consequence = consequence
        self._started_at = now
        self._due_at: float | None = None
        self._ends_in_a_row = 0
        self._awaited = False

    def look(self, now: float, say: Say) -> None:
        """Start it again if it is time to, and say what has changed."""
        if self._due_at is not None:
            if now >= self._due_at:
                self._start(now, say)
        elif not self._process.is_running:
            self._plan(now, self._process.how_it_ended(), self._process.what_to_do(), say)
        elif self._awaited and self._process.is_ready():
            self._awaited = False
            say(f"{capitalised(self._process.name)} is up again.")
        elif now - self._started_at > STEADY_SECONDS:
            self._ends_in_a_row = 0

    def _start(self, now: float, say: Say) -> None:
        self._due_at = None
        try:
            self._process.restart()
        except OSError as error:
            how = f"{self._process.name} can't be started ({error.strerror})"
            self._plan(now, how, "Close other programs.", say)
            return
        self._started_at, self._awaited = now, True

    def _plan(self, now: float, how: str, advice: str, say: Say) -> None:
        pause = PAUSES_SECONDS[min(self._ends_in_a_row, len(PAUSES_SECONDS) - 1)]
        self._ends_in_a_row += 1
        self._due_at = now + pause
        often = f", {self._ends_in_a_row} times in a row" if self._ends_in_a_row > 1 else ""
        when = f" in {pause:g} s" if pause else ""
        sentences = [f"{capitalised(how)}{often}: starting it again{when}."]
        if self._ends_in_a_row == 1:
            sentences += [advice, self._consequence]
        if self._ends_in_a_row >= MANY_ENDS:
            sentences += [advice, "Ctrl-C stops everything."]
        say(" ".join(filter(None, sentences)))


def keep_alive(
    supervised: Sequence[Supervised],
    until: ChildProcess,
    say: Say,
    look_around: Callable[[], None] = lambda: None,
) -> None:
    """
    Start again what ends, until this one process ends, which can't be started again.

    `look_around` is called at each glance.
    """
    while until.is_running:
        for each in supervised:
            each.look(time.monotonic(), say)
        look_around()
        time.sleep(GLANCE_SECONDS)


def capitalised(text: str) -> str:
    """Begin a sentence with the name of a process."""
    return text[0].upper() + text[1:]
