"""A check: an object with a name, which looks at a stage and says what it saw."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.services.unavailable import StoreUnavailable
from ops.deploy.problems import DENIED, code_of, message_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.verify.run import Run

    Look: TypeAlias = Callable[[Run], str]

# What an order needs on its way, by the names in /health.
QUEUE, DEAD_LETTER_QUEUE, BUCKET, TABLE = "queue", "deadLetterQueue", "bucket", "table"
ALL = frozenset({QUEUE, DEAD_LETTER_QUEUE, BUCKET, TABLE})
NAMES = {
    QUEUE: "the queue",
    DEAD_LETTER_QUEUE: "the dead-letter queue",
    BUCKET: "the bucket",
    TABLE: "the table",
}


class State(StrEnum):
    """The result of a check."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    DIFFERS = "differs"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """The result of a check, with a sentence of evidence. It may quote the stage: it is data."""

    state: State
    evidence: str
    seconds: float = 0.0


class Failed(Exception):
    """
    The stage does not do what it should: the message says what it does.

    `emulator` says why an emulator does so. On AWS itself this is no excuse.
    """

    def __init__(self, problem: str, emulator: str = "") -> None:
        super().__init__(problem)
        self.emulator = emulator


class SetSo(Exception):
    """The stage does something else because its own settings say so."""


class Skipped(Exception):
    """The check can't be made: the message says why."""


class Interrupted(Exception):
    """The run was stopped."""


def require(holds: object, problem: str, *, emulator: str = "") -> None:
    """
    Make sure of something.

    Raises:
        Failed: it isn't so.
    """
    if not holds:
        raise Failed(problem, emulator)


@dataclass(frozen=True)
class Check:
    """
    A check: its name, the page that promises what it shows, and the look at the stage.

    `sends`: it puts orders or messages into the stage. `last`: it looks at what the others sent.
    `needs`: without one of these, by their names in /health, it could only wait in vain.
    """

    name: str
    source: str
    look: Look
    sends: bool = True
    last: bool = False
    needs: frozenset[str] = frozenset()

    @property
    def shows(self) -> str:
        """The sentence that the check is about: the docstring of the look."""
        return " ".join((self.look.__doc__ or "").split())

    def run(self, run: Run) -> Outcome:
        """Look at the stage, unless what that needs does not answer. Never raises."""
        dead = [name for name in run.dead if name in self.needs]
        if dead:
            named = " and ".join(NAMES[name] for name in dead)
            return Outcome(State.SKIPPED, f"not checked: it needs {named}, out of reach")
        began_at = time.monotonic()
        state, evidence = self._looked(run)
        return Outcome(state, _printable(evidence), time.monotonic() - began_at)

    def _looked(self, run: Run) -> tuple[State, str]:
        try:
            return State.PASS, self.look(run)
        except Failed as failure:
            if failure.emulator and run.is_emulated:
                return State.DIFFERS, f"{failure}: {failure.emulator}"
            return State.FAIL, str(failure)
        except SetSo as setting:
            return State.DIFFERS, str(setting)
        except (Skipped, Interrupted) as reason:
            return State.SKIPPED, str(reason) or "the run was stopped"
        except (ClientError, StoreUnavailable) as error:
            return _refused(error)
        except (BotoCoreError, OSError) as error:
            return State.FAIL, f"no answer: {type(error).__name__}: {error}"
        except Exception as error:  # noqa: BLE001 (the boundary around one check)
            return State.FAIL, f"an answer of another form: {type(error).__name__}: {error}"


def check(
    name: str,
    source: str,
    *,
    sends: bool = True,
    last: bool = False,
    needs: frozenset[str] | None = None,
) -> Callable[[Look], Check]:
    """
    Make a check of a look at the stage: a decorator.

    The look returns its evidence, or raises `Failed`, `SetSo` or `Skipped`. Its docstring says what
    it shows. One that sends needs everything, unless it is said what.
    """
    every = ALL if sends else frozenset[str]()
    return lambda look: Check(name, source, look, sends, last, every if needs is None else needs)


def _printable(text: str) -> str:
    """Write what would steer a terminal as an escape: an answer may hold anything."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def is_refusal(error: StoreUnavailable | None) -> bool:
    """Tell whether AWS has answered that the caller may not do it."""
    return error is not None and str(error).partition(": ")[2] in DENIED


def _refused(error: ClientError | StoreUnavailable) -> tuple[State, str]:
    """Tell a caller who may not look from a stage that does not work."""
    if isinstance(error, StoreUnavailable):
        operation, _, code = str(error).partition(": ")
        said = str(error)
    else:
        operation, code = error.operation_name, code_of(error)
        said = f"{operation}: {code}: {message_of(error)}"
    if code in DENIED:
        return State.SKIPPED, f"your identity may not do this: {operation}"
    return State.FAIL, said
