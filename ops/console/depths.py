"""
The depths of the queues over the last 24 hours.

SQS itself keeps no history. What was before the console started comes from CloudWatch, which a
deployed stage has; from then on the console looks by itself, every few seconds.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.services.unavailable import StoreUnavailable
from ops.console.unexpected import log_unexpected
from ops.desk.stage import CLIENT_CONFIG

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ops.desk.stage import Stage

LOOK_SECONDS = 5.0
KEPT_FOR = timedelta(hours=24)
# CloudWatch's shortest period for SQS is a minute; five are enough for a plot of a day.
FINE_PERIOD, COARSE_PERIOD = 60, 300
FINE_FOR = timedelta(hours=3)
METRIC = "ApproximateNumberOfMessagesVisible"


class Depth(NamedTuple):
    """The numbers of messages at a moment."""

    at: datetime
    queue: int
    in_flight: int
    dead_letters: int


class Depths:
    """The depths of a stage's queues, now and before."""

    def __init__(
        self,
        look: Callable[[], Mapping[str, int]],
        history: Callable[[datetime, datetime], Iterable[Depth]],
        clock: Callable[[], datetime],
    ) -> None:
        self._look = look
        self._history = history
        self._clock = clock
        self._seen: deque[Depth] = deque(maxlen=int(KEPT_FOR.total_seconds() / LOOK_SECONDS))

    def look(self) -> Depth:
        """
        Look at the depths, and keep them.

        Raises:
            StoreUnavailable: try again.
        """
        found = self._look()
        depth = Depth(
            self._clock(),
            found["queue"],
            found["inFlight"],
            found["deadLetters"] + found["deadLettersHidden"],
        )
        self._seen.append(depth)
        return depth

    def since(self, moment: datetime) -> Sequence[Depth]:
        """Return the depths that were seen since then, oldest first."""
        return [depth for depth in tuple(self._seen) if depth.at >= moment]

    def watch(self, stop: threading.Event) -> None:
        """Read CloudWatch's values, then look every few seconds, until told to stop."""
        self._try(self._recall)
        while not stop.wait(LOOK_SECONDS):
            self._try(self.look)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except StoreUnavailable:
            # A gap in the plot says it, which begins where the console does without the metrics.
            return
        except Exception as error:  # noqa: BLE001 (the next look comes, whatever this one met)
            log_unexpected(error)

    def _recall(self) -> None:
        end = self._clock()
        recalled = self._history(end - KEPT_FOR, end)
        self._seen.extendleft(sorted(recalled, reverse=True))


def cloudwatch_history(stage: Stage) -> Callable[[datetime, datetime], list[Depth]]:
    """Make the function that asks CloudWatch about a stage's queues."""

    def read(start: datetime, end: datetime) -> list[Depth]:
        client: Any = stage.session.client(
            "cloudwatch", endpoint_url=stage.endpoint_url, config=CLIENT_CONFIG
        )
        fine = max(start, end - FINE_FOR)
        names = (_name(stage.settings.queue_url), _name(stage.settings.dead_letter_queue_url))
        return [
            *_read(client, names, start, fine, COARSE_PERIOD),
            *_read(client, names, fine, end, FINE_PERIOD),
        ]

    return read


def _read(
    client: Any, names: tuple[str, str], start: datetime, end: datetime, period: int
) -> list[Depth]:
    if start >= end:
        return []
    with unavailable_on_failure("CloudWatch GetMetricData"):
        answer = client.get_metric_data(
            StartTime=start,
            EndTime=end,
            MetricDataQueries=[
                _query(identity, name, period)
                for identity, name in zip(("queue", "letters"), names, strict=True)
            ],
        )
    values = {
        result["Id"]: dict(zip(result.get("Timestamps", []), result.get("Values", []), strict=True))
        for result in answer.get("MetricDataResults", [])
    }
    queue, letters = values.get("queue", {}), values.get("letters", {})
    return [
        Depth(moment.astimezone(UTC), int(queue.get(moment, 0)), 0, int(letters.get(moment, 0)))
        for moment in queue.keys() | letters.keys()
    ]


def _query(identity: str, queue_name: str, period: int) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/SQS",
        "MetricName": METRIC,
        "Dimensions": [{"Name": "QueueName", "Value": queue_name}],
    }
    return {
        "Id": identity,
        "MetricStat": {"Metric": metric, "Period": period, "Stat": "Maximum"},
    }


def _name(queue_url: str) -> str:
    return queue_url.rsplit("/", 1)[1]
