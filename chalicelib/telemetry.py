"""
Telemetry: one log line per request and per message, and the metrics of each batch.

No account number, no amount and no payload ever gets into a log. So errors are logged by their
type and place, never by their message, which may quote an order; the exceptions are
`StoreUnavailable`, `SettingsError` and `UnreadableRecord`, whose messages are ours and quote
nothing of an order.
"""

import json
import logging
import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from functools import partial, wraps
from types import MappingProxyType
from typing import IO, Any, Concatenate, ParamSpec

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.orders.errors import UnreadableOrder
from chalicelib.orders.record import Status, UnreadableRecord
from chalicelib.orders.settle import Verdict
from chalicelib.orders.traceparent import TRACEPARENT
from chalicelib.services.message import Message
from chalicelib.services.processed import Processed
from chalicelib.services.unavailable import StoreUnavailable
from chalicelib.settings import DEFAULT_SERVICE, LogSettings, SettingsError

CLIENT_LIBRARIES = ("botocore", "urllib3")
METRICS_NAMESPACE = "Orders"
MAX_KEY_CHARACTERS = 256
UNSPECIFIED_CHANNEL = "unspecified"
TIMESTAMP = "%Y-%m-%dT%H:%M:%S.%FZ"  # %F is Powertools' directive for milliseconds
RECORDED_METRIC = {
    Status.ACCEPTED: "OrdersAccepted",
    Status.REJECTED: "OrdersRejected",
    Status.DUPLICATE: "OrdersDuplicate",
}
# Powertools' own keys, which say nothing on a terminal.
NOT_SHOWN = {"level", "message", "timestamp", "location", "service", "sampling_rate"}
COLOURS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m"}
DIM, RESET = "\x1b[2m", "\x1b[0m"

Given = ParamSpec("Given")


class TextFormatter(LambdaPowertoolsFormatter):
    """Lines for people: the time, the message, and the keys as `name=value`."""

    def __init__(self, colour: bool) -> None:
        super().__init__(datefmt=TIMESTAMP, utc=True)
        self._colour = colour

    def serialize(self, log: Mapping[str, Any]) -> str:
        keys = " ".join(
            f"{name}={_on_one_line(value)}" for name, value in log.items() if name not in NOT_SHOWN
        )
        time, level, message = log["timestamp"], log["level"], _visible(log["message"])
        if not self._colour:
            return f"{time} {level:<7} {message:<20} {keys}"
        emphasis = COLOURS.get(level, "")
        return f"{DIM}{time}{RESET} {emphasis}{level:<7} {message:<20}{RESET} {DIM}{keys}{RESET}"


def hold_back_libraries() -> None:
    """
    Keep what the clients of AWS log below WARNING out of the log, whatever level Lambda is told.

    Lambda gives its log level to the root logger, and so to all others. At DEBUG botocore logs
    whole requests: account numbers, amounts and signatures.
    """
    for name in CLIENT_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def make_logger(settings: LogSettings, stream: IO[str] | None = None) -> Logger:
    """Make the logger of the app: JSON lines, or lines of text for a terminal."""
    service = settings.service
    if settings.format == "text":
        formatter = TextFormatter(settings.colour)
        return Logger(service=service, stream=stream or sys.stdout, logger_formatter=formatter)
    return Logger(
        service=service,
        stream=stream or sys.stdout,
        datefmt=TIMESTAMP,
        utc=True,
        log_record_order=["timestamp", "level", "message"],
        # In ASCII, unlike Powertools' own: some viewers take U+2028 for the end of a line.
        json_serializer=partial(json.dumps, separators=(",", ":"), default=str),
    )


def never_raising(
    report: "Callable[Concatenate[Telemetry, Given], None]",
) -> "Callable[Concatenate[Telemetry, Given], None]":
    """
    Make a report that logs its own failure, and lets whoever reports go on.

    What is reported has happened: an order is recorded, and must be acknowledged.
    """

    @wraps(report)
    def attempt(self: "Telemetry", /, *args: Given.args, **kwargs: Given.kwargs) -> None:
        try:
            report(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 (the boundary around one report)
            self._failed(report.__name__, error)

    return attempt


class Telemetry:
    """
    Logs and counts what happens. It can be used from several threads at once.

    No report raises: `failures` counts those that failed.
    """

    def __init__(self, logger: Logger, service: str = DEFAULT_SERVICE) -> None:
        self._logger = logger
        self._service = service
        self.failures = 0

    @never_raising
    def setting_ignored(self, name: str, value: str) -> None:
        """Log a setting that can't be used: it is as if it were not set."""
        self._logger.warning("setting ignored", extra={"setting": f"{name}={value!r}"})

    @never_raising
    def answered(
        self,
        *,
        method: str,
        route: str,
        status: int,
        duration_ms: int,
        request_id: str,
        fields: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """
        Log an answered request. The route is the app's own pattern, not the caller's path.

        `fields` are the queued or judged order, or the problem and the codes of its errors.
        """
        keys = {"status": status, "durationMs": duration_ms, "requestId": request_id}
        self._logger.info("%s %s", method, route, extra={**keys, **fields})

    @never_raising
    def request_failed(self, error: Exception, request_id: str) -> None:
        """Log a request that was answered with 500 or 503."""
        self._logger.error("request failed", extra={"requestId": request_id, **_error_keys(error)})

    @never_raising
    def suspects_tried(self, suspects: Sequence[Message]) -> None:
        """Log which suspects are tried next: if the function dies, one of them kills it."""
        ids = [message.message_id for message in suspects]
        self._logger.info("suspects", extra={"messageIds": ids})

    @never_raising
    def processed(self, processed: Processed) -> None:
        """Log a message that was processed, or failed."""
        keys = _message_keys(processed)
        match processed.result:
            case Verdict() as verdict:
                message = verdict.record.status.value.lower() if verdict.new else "redelivered"
                log = self._logger.warning if verdict.conflicting else self._logger.info
                log(message, extra=keys | _verdict_keys(verdict))
            case UnreadableOrder() as unreadable:
                self._logger.warning("unreadable", extra=keys | {"reason": unreadable.reason})
            case failure:
                self._logger.error("failed", extra=keys | _error_keys(failure))

    @never_raising
    def batch_processed(self, batch: Sequence[Processed]) -> None:
        """Publish the metrics of a batch, for the whole service and for each channel."""
        by_channel = defaultdict(list)
        for processed in batch:
            by_channel[_channel(processed)].append(processed)
        for channel, of_channel in by_channel.items():
            self._publish(channel, of_channel)

    @never_raising
    def left_undeleted(self, count: int, error: StoreUnavailable) -> None:
        """Log that finished messages could not be deleted: they will be delivered again."""
        self._logger.warning("left on the queue", extra={"messages": count, **_error_keys(error)})

    @never_raising
    def key_unchecked(
        self, error: StoreUnavailable, *, submission_id: str, request_id: str
    ) -> None:
        """Log and count an order that went on although its idempotency key was not checked."""
        keys = {"submissionId": submission_id, "requestId": request_id, **_error_keys(error)}
        self._logger.warning("key unchecked", extra=keys)
        with self._counted() as metrics:
            metrics.add_metric("KeysUnchecked", MetricUnit.Count, 1)

    @never_raising
    def record_unreadable(self, unreadable: UnreadableRecord) -> None:
        """Log that no event can be made of an item: trying again would change nothing."""
        self._logger.error("unreadable record", extra=_unreadable_keys(unreadable))

    @never_raising
    def day_sealed(self, fields: Mapping[str, Any]) -> None:
        """Log the seal of a day: its counts and hashes."""
        self._logger.info("day sealed", extra=fields)

    @never_raising
    def days_left(self, days: Sequence[date]) -> None:
        """Log and count the days that are over and have no seal. A later run goes on with them."""
        if days:
            keys = {"days": len(days), "next": days[0].isoformat()}
            self._logger.warning("days left unsealed", extra=keys)
        with self._counted() as metrics:
            metrics.add_metric("DaysUnsealed", MetricUnit.Count, len(days))

    def _failed(self, report: str, error: Exception) -> None:
        self.failures += 1
        keys = {"of": report, "failures": self.failures, **_error_keys(error)}
        # There is no other place to say it.
        with suppress(Exception):
            self._logger.error("telemetry failed", extra=keys)

    def _publish(self, channel: str, batch: Sequence[Processed]) -> None:
        with self._counted() as metrics:
            # Beside the service alone, which Powertools adds.
            metrics.add_dimensions(service=self._service, channel=channel)
            counts = Counter(name for processed in batch for name in _names_of(processed))
            for name, count in counts.items():
                metrics.add_metric(name, MetricUnit.Count, count)
            for processed in batch:
                if processed.verdict and processed.verdict.new and processed.age_ms is not None:
                    # Count them apart: a retry's wait for its visibility timeout is no slowness.
                    first = processed.message.receive_count == 1
                    name = "ProcessingAge" if first else "ProcessingAgeRetried"
                    metrics.add_metric(name, MetricUnit.Milliseconds, processed.age_ms)

    @contextmanager
    def _counted(self) -> Iterator[EphemeralMetrics]:
        """Lend metrics of its own to one report, and publish what it adds."""
        metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE, service=self._service)
        yield metrics
        # At 100 values Powertools publishes by itself, and would warn that nothing is left.
        if metrics.metric_set:
            metrics.flush_metrics()


def _names_of(processed: Processed) -> list[str]:
    """Name the metrics that this delivery counts in."""
    names = ["OrdersReceived"] if processed.message.receive_count == 1 else []
    if processed.failure:
        return [*names, "OrdersFailed"]
    if processed.verdict is None:
        return [*names, "OrdersUnreadable"]
    if not processed.verdict.new:
        return [*names, "Redeliveries"]
    names.append(RECORDED_METRIC[processed.verdict.record.status])
    if processed.verdict.conflicting:
        names.append("OrdersConflicting")
    return names


def _channel(processed: Processed) -> str:
    channel = processed.submission.channel if processed.submission else None
    return channel or UNSPECIFIED_CHANNEL


def _message_keys(processed: Processed) -> dict[str, Any]:
    submission = processed.submission
    keys = {
        "orderId": submission.order.id if submission else None,
        "submissionId": processed.submission_id,
        "requestId": processed.request_id,
        "channel": submission.channel if submission else None,
        "messageId": processed.message.message_id,
        "receiveCount": processed.message.receive_count,
        "ageMs": processed.age_ms,
    }
    # Most have none, and need not pay for it.
    if TRACEPARENT in processed.message.message_attributes:
        keys["traceId"] = processed.trace_id
    return _without_none(keys)


def _verdict_keys(verdict: Verdict) -> dict[str, Any]:
    record = verdict.record
    return _without_none(
        {
            "isDuplicate": record.is_duplicate,
            "errors": [f"{error.field}:{error.code}" for error in record.errors] or None,
            "differs": list(record.differs) or None,
        }
    )


def _error_keys(error: Exception) -> dict[str, Any]:
    keys: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, StoreUnavailable | SettingsError):
        return keys | {"detail": str(error)}
    if isinstance(error, UnreadableRecord):
        return keys | _unreadable_keys(error)
    frames = traceback.extract_tb(error.__traceback__)
    return keys | {"at": [f"{frame.name}:{frame.lineno}" for frame in frames[-5:]]}


def _unreadable_keys(unreadable: UnreadableRecord) -> dict[str, Any]:
    """Name the item. Its keys are someone's own, and may be anything: so they are cut."""
    return {
        "orderId": unreadable.order_id[:MAX_KEY_CHARACTERS],
        "recordId": unreadable.record_id[:MAX_KEY_CHARACTERS],
        "problem": unreadable.problem,
    }


def _without_none(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in keys.items() if value is not None}


def _visible(message: str) -> str:
    """Write a message, which may quote an error of AWS, without control characters."""
    return message if message.isprintable() else json.dumps(message)[1:-1]


def _on_one_line(value: Any) -> str:
    """Write a value in printable characters without a space: no input can forge a line."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return text if text.isprintable() and " " not in text else json.dumps(text)
