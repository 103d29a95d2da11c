"""Whether an operator has paused the processing of the local stage: the worker looks at a tag."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ops.processing_switch import PAUSED_TAG

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sqs import SQSClient

LOOK_SECONDS = 0.5


class PauseTag:
    """The queue's tag, looked at twice a second at most, however many ask."""

    def __init__(
        self, client: SQSClient, queue_url: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._queue_url = queue_url
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at: float | None = None
        self._paused = False

    def is_set(self) -> bool:
        """Say whether it was set at the last look that succeeded."""
        # Each poller waits for the first look: one that went on without it would take messages.
        with self._lock:
            now = self._clock()
            if self._looked_at is None or now - self._looked_at >= LOOK_SECONDS:
                self._looked_at = now
                self._look()
            return self._paused

    def _look(self) -> None:
        try:
            tags = self._client.list_queue_tags(QueueUrl=self._queue_url).get("Tags", {})
        except (BotoCoreError, ClientError):
            # The poll that follows says that the queue can't be read.
            return
        self._paused = PAUSED_TAG.items() <= tags.items()
