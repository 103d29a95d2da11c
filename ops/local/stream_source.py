"""The other half of the worker: it does what Lambda's mapping of the table's stream does on AWS."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ops.local.lambda_events import LambdaContext, stream_event
from ops.local.outage import Outage
from ops.stage_names import LOCAL_STAGE, publisher_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Handler = Callable[[dict[str, Any], LambdaContext], object]

# As the mapping of a deployed stage is set.
BATCH_SIZE = 100
ATTEMPTS = 11
TIMEOUT_SECONDS = 60.0
# Lambda looks about as often.
PAUSE_SECONDS = 0.25
# Times the first one.
LONGEST_PAUSE = 20

log = logging.getLogger(__name__)


class StreamMapping:
    """
    Reads the table's stream from its beginning, and invokes a handler with batches of changes.

    It keeps its place in memory only: after a new start, the changes of the last 24 hours come
    again, as they may on Lambda. A batch that fails comes again as a whole, and is given up after
    so many attempts as on Lambda, which halves it meanwhile and keeps a note in a queue.
    """

    def __init__(
        self,
        streams: Any,
        handler: Handler,
        stream_arn: str,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        """`streams` is a client of DynamoDB Streams."""
        self._streams = streams
        self._handler = handler
        self._stream_arn = stream_arn
        self._pause_seconds = pause_seconds
        self._stopping = threading.Event()
        self._outage = Outage("The table's stream")
        self._iterator: str | None = None
        self._read_up_to: str | None = None

    def run(self) -> None:
        """Hand on changes until `stop` is called; then those that are still there, and return."""
        while not self._stopping.is_set():
            if not self._hand_on():
                self._stopping.wait(self._pause_seconds)
        while self._hand_on():
            pass

    def stop(self) -> None:
        """Let `run` come to its end. Returns at once."""
        self._stopping.set()

    def _hand_on(self) -> int:
        """Hand on the next changes: how many there were."""
        try:
            changes = self._read()
        except (BotoCoreError, ClientError) as error:
            # An iterator is good for 15 minutes only.
            self._iterator = None
            self._stopping.wait(self._outage.note_failure(error))
            return 0
        self._outage.note_success()
        if changes:
            self._invoke(changes)
            self._read_up_to = changes[-1]["dynamodb"]["SequenceNumber"]
        return len(changes)

    def _read(self) -> Sequence[Any]:
        iterator = self._iterator or self._first_iterator()
        answer = self._streams.get_records(ShardIterator=iterator, Limit=BATCH_SIZE)
        self._iterator = answer.get("NextShardIterator")
        changes: Sequence[Any] = answer.get("Records", [])
        return changes

    def _first_iterator(self) -> str:
        # The emulator keeps a stream in one shard.
        stream = self._streams.describe_stream(StreamArn=self._stream_arn)["StreamDescription"]
        place = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._read_up_to}
            if self._read_up_to
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        shard = stream["Shards"][0]["ShardId"]
        answer = self._streams.get_shard_iterator(
            StreamArn=self._stream_arn, ShardId=shard, **place
        )
        iterator: str = answer["ShardIterator"]
        return iterator

    def _invoke(self, changes: Sequence[Any]) -> None:
        event = stream_event(changes, self._stream_arn)
        pause = self._pause_seconds
        for attempt in range(1, ATTEMPTS + 1):
            failure = self._failure(event)
            if failure is None:
                return
            # Only the type: a message may quote the order, and no log may.
            log.warning("Events of %s changes failed with %s", len(changes), failure)
            if self._stopping.wait(pause) and attempt > 1:
                break
            pause = min(2 * pause, LONGEST_PAUSE * self._pause_seconds)
        log.error("Events of %s changes are given up: see docs/events.md", len(changes))

    def _failure(self, event: dict[str, Any]) -> str | None:
        context = LambdaContext(publisher_name(LOCAL_STAGE), TIMEOUT_SECONDS)
        try:
            self._handler(event, context)
        # The function's boundary: anything that escapes it, SystemExit too, is a failed invocation.
        except (Exception, SystemExit) as error:  # noqa: BLE001 (see above)
            return type(error).__name__
        return None
