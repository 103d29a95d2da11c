"""Work that goes on while pages come and go: one of a kind at a time, and its progress."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from contextlib import closing
from typing import TYPE_CHECKING, Generic, TypeVar

from chalicelib.services.unavailable import StoreUnavailable
from ops.console.unexpected import log_unexpected
from ops.desk.masking import masked_text
from ops.roles.denial import denial_in

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ops.desk.letters import Handled
    from ops.roles.denial import Denial

AnyWork = TypeVar("AnyWork", bound="Work")


class JobRunning(Exception):
    """There is one already: two at a time would take each other's letters."""


class Work(ABC):
    """Goes on in a thread of its own, can be asked to stop, and always ends in words."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.error: str | None = None
        self.denial: Denial | None = None
        self.unexpected: Exception | None = None
        self.ended = False
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Stop soon: what is done stays done."""
        self._cancelled.set()

    def run(self) -> None:
        try:
            self._work()
        except StoreUnavailable as error:
            self.error, self.denial = masked_text(str(error)), denial_in(error)
        except Exception as error:  # noqa: BLE001 (the boundary of a thread: it ends in words)
            log_unexpected(error)
            self.unexpected = error
        finally:
            self.ended = True

    @abstractmethod
    def _work(self) -> None:
        """Do it, and look at `cancelled` now and then."""


class Job(Work):
    """Handles letters one by one. Those that are not reached stay queued."""

    def __init__(self, what: str, planned: int, handle: Callable[[], Generator[Handled]]) -> None:
        """Prepare a job. `what` is `redrive` or `discard`."""
        super().__init__(what)
        self.planned = planned
        self.done = 0
        self.failed = 0
        self._handle = handle

    def _work(self) -> None:
        with closing(self._handle()) as handled:
            for each in handled:
                self._count(each)
                if self.cancelled:
                    return

    def _count(self, handled: Handled) -> None:
        if handled.error is None:
            self.done += 1
        else:
            self.failed += 1
            self.error, self.denial = handled.error, handled.denial


class Jobs(Generic[AnyWork]):
    """The job of a kind that runs, or ran last."""

    def __init__(self) -> None:
        self.latest: AnyWork | None = None
        self._lock = threading.Lock()

    @property
    def running(self) -> AnyWork | None:
        return self.latest if self.latest and not self.latest.ended else None

    def start(self, job: AnyWork) -> None:
        """
        Start a job, unless one is running.

        Raises:
            JobRunning: wait for the other one, or cancel it.
        """
        with self._lock:
            if self.running:
                raise JobRunning
            self.latest = job
        # Not a daemon: an interpreter that ends waits until the letter at hand is dealt with.
        threading.Thread(target=job.run, name=job.what).start()

    def cancel(self) -> None:
        """Ask the running job, if there is one, to stop."""
        if self.running:
            self.running.cancel()
