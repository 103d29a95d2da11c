"""A tap: a queue behind a stage's bus or topic for as long as somebody listens."""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.event_sources import events_of
from ops.desk.masking import masked_text
from ops.desk.tap_queues import LOAN, TapQueues, name_of_queue
from ops.stop_signals import stop_signals_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from ops.desk.event_sources import EventSource
    from ops.desk.stage import Stage

# Between two polls it looks whether it is to stop.
POLL_SECONDS = 5
RENEWAL_SECONDS = LOAN.total_seconds() / 5


class EventTap:
    """
    The events of a stage as they come, in a `with` block. Its end removes what the tap has made.

    The queue is made first and removed last: whatever else a killed tap has left, its queue is
    there, by which the next one finds it.
    """

    def __init__(
        self,
        name: str,
        source: EventSource,
        queues: TapQueues,
        elapsed: Callable[[], float],
    ) -> None:
        self.name = name
        self.source = source
        self._queues = queues
        self._elapsed = elapsed
        self._url = ""
        self._renewed_at = 0.0

    @classmethod
    def on(
        cls,
        stage: Stage,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> Self:
        """
        Make the tap of a stage; it touches nothing yet.

        Raises:
            StageUnavailable: the stage publishes no events.
        """
        source = events_of(stage)
        name = name_of_queue(stage.name, stage.operator, new_id()[:8])
        queues = TapQueues(stage.sqs, stage.name, stage.settings.queue_url, clock)
        return cls(name, source, queues, elapsed)

    def __enter__(self) -> Self:
        try:
            self._renewed_at = self._elapsed()
            self._url = self._queues.make(self.name, self.source)
            self.source.attach(self.name)
        except BaseException:
            # The failure says more than that of a second call would.
            with suppress(StoreUnavailable):
                self._remove(self.name)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._remove(self.name)
        except StoreUnavailable as error:
            minutes = LOAN.total_seconds() / 60
            raise StoreUnavailable(
                f"{error}. Queue {self.name} and its {self.source.link} may still be there: the "
                f"next `events tail` on this stage removes them, from {minutes:g} minutes on"
            ) from error

    @property
    def key(self) -> str | None:
        """The stage's own key, with which the queue is encrypted too; None for SQS's."""
        return self._queues.key

    def remove_forgotten(self) -> list[str]:
        """Remove what killed taps of this stage have left: the names of their queues."""
        forgotten = self._queues.forgotten()
        for name in forgotten:
            self._remove(name)
        return forgotten

    def follow(
        self, seconds: float | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[dict[str, Any]]:
        """Yield each event as it comes, for so many seconds, or until `stopped` says so."""
        ends = math.inf if seconds is None else self._elapsed() + seconds
        while not stopped() and (left := ends - self._elapsed()) > 0:
            self._renew_in_time()
            wait = math.ceil(min(left, POLL_SECONDS))
            yield from map(self.source.heard, self._queues.receive(self._url, wait))

    def _renew_in_time(self) -> None:
        now = self._elapsed()
        if now - self._renewed_at >= RENEWAL_SECONDS:
            self._queues.renew(self._url)
            self._renewed_at = now

    def _remove(self, name: str) -> None:
        with stop_signals_wait():
            self.source.detach(name)
            self._queues.remove(name)


def event_to_show(event: dict[str, Any], *, show_accounts: bool) -> dict[str, Any]:
    """
    Prepare an event for a reader.

    Ours hold no accounts. But a sender may have put one into its own submission id, and others may
    publish here too.
    """
    with suppress(ValueError, RecursionError):
        text = json.dumps(event)
        shown: dict[str, Any] = json.loads(text if show_accounts else masked_text(text))
        return shown
    return {"message": "This event is nested too deeply to be shown."}
