"""Work that goes on while pages come and go: one redrive or discard at a time, and its progress."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

from chalicelib.services.unavailable import StoreUnavailable
from ops.console.unexpected import log_unexpected
from ops.desk.masking import masked_text
from ops.roles.denial import denial_in

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ops.desk.letters import Handled
    from ops.roles.denial import Denial


class JobRunning(Exception):
    """There is one already: two at a time would take each other's letters."""


class Job:
    """Handles letters one by one in a thread of its own, and can be asked to stop."""

    def __init__(self, what: str, planned: int, handle: Callable[[], Generator[Handled]]) -> None:
        """Prepare a job. `what` is `redrive` or `discard`."""
        self.what = what
        self.planned = planned
        self.done = 0
        self.failed = 0
        self.error: str | None = None
        self.denial: Denial | None = None
        self.unexpected: Exception | None = None
        self.ended = False
        self._handle = handle
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Stop after the current letter: finished letters stay finished, the rest stays queued."""
        self._cancelled.set()

    def run(self) -> None:
        try:
            with closing(self._handle()) as handled:
                for each in handled:
                    self._count(each)
                    if self.cancelled:
                        return
        except StoreUnavailable as error:
            self.error, self.denial = masked_text(str(error)), denial_in(error)
        except Exception as error:  # noqa: BLE001 (the boundary of a thread: it ends in words)
            log_unexpected(error)
            self.unexpected = error
        finally:
            self.ended = True

    def _count(self, handled: Handled) -> None:
        if handled.error is None:
            self.done += 1
        else:
            self.failed += 1
            self.error, self.denial = handled.error, handled.denial


class Jobs:
    """The job that runs, or ran last."""

    def __init__(self) -> None:
        self.latest: Job | None = None
        self._lock = threading.Lock()

    @property
    def running(self) -> Job | None:
        return self.latest if self.latest and not self.latest.ended else None

    def start(self, job: Job) -> None:
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
        threading.Thread(target=job.run, name=f"dead-letters-{job.what}").start()

    def cancel(self) -> None:
        """Ask the running job, if there is one, to stop."""
        if self.running:
            self.running.cancel()
