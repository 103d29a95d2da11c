"""Outages of the queue, or of the table's stream, as the worker meets them."""

import logging
import threading

FIRST_BACKOFF_SECONDS = 0.25
LONGEST_BACKOFF_SECONDS = 5.0

log = logging.getLogger(__name__)


class Outage:
    """
    A time in which the queue, or what `source` names, can't be read, shared by the pollers.

    It is logged once when it begins and once when it is over, however often it is met.
    """

    def __init__(self, source: str = "The queue") -> None:
        self._source = source
        self._lock = threading.Lock()
        self._backoff_seconds = 0.0

    def note_failure(self, error: Exception) -> float:
        """Note a failure, and return how many seconds to wait before the next attempt."""
        with self._lock:
            if self._backoff_seconds == 0:
                log.warning("%s can't be read, trying again until it can: %s", self._source, error)
                self._backoff_seconds = FIRST_BACKOFF_SECONDS
            else:
                self._backoff_seconds = min(2 * self._backoff_seconds, LONGEST_BACKOFF_SECONDS)
            return self._backoff_seconds

    def note_success(self) -> None:
        with self._lock:
            if self._backoff_seconds > 0:
                log.warning("%s can be read again", self._source)
            self._backoff_seconds = 0.0
