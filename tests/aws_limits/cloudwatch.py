"""
CloudWatch: metrics, in requests and embedded in log lines, and the lines themselves.

CloudWatch answers nobody who writes a line: it leaves out the metrics that it can't take.
"""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.aws_limits.messages import bytes_of
from tests.aws_limits.rule import Call, Rule

MONITORING = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
REFERENCE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference"
EMBEDDED = f"{MONITORING}/CloudWatch_Embedded_Metric_Format_Specification.html"
PUT = f"{REFERENCE}/API_PutMetricData.html"
# PutMetricData answers that. Nobody answers for a line of a log.
REFUSED = "InvalidParameterValue"
LOGS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"

MOST_DIMENSIONS = 30
MOST_METRICS = {"EmbeddedMetrics": 100, "PutMetricData": 1_000}
MOST_VALUES = {"EmbeddedMetrics": 100, "PutMetricData": 150}
MOST_CHARACTERS_OF_NAME = 255
MOST_CHARACTERS_OF_VALUE = 1_024
LARGEST_VALUE = 2.0**360
# CloudWatch Logs counts these bytes for each line besides.
BYTES_OF_A_LINE = 26
MOST_BYTES_OF_LINE = 1_048_576
# Until two hours from now, since two weeks ago.
SECONDS_AHEAD, SECONDS_BACK = 2 * 3_600, 14 * 24 * 3_600

CALLS = ("cloudwatch.EmbeddedMetrics", "cloudwatch.PutMetricData")


class Metric(NamedTuple):
    """A metric with one set of dimensions."""

    name: str
    values: Sequence[float]
    dimensions: Mapping[str, Any]


def metrics_of(call: Call) -> list[Metric]:
    """List the metrics of a call, each with each of its sets of dimensions."""
    given = call.parameters
    return list(_embedded(given) if "_aws" in given else _requested(given.get("MetricData", [])))


def _embedded(document: Mapping[str, Any]) -> Iterator[Metric]:
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            values = {name: document.get(name) for name in dimensions}
            for metric in directive["Metrics"]:
                value = document.get(metric["Name"], [])
                yield Metric(metric["Name"], value if isinstance(value, list) else [value], values)


def _requested(data: Iterable[Mapping[str, Any]]) -> Iterator[Metric]:
    for datum in data:
        dimensions = {each["Name"]: each["Value"] for each in datum.get("Dimensions", ())}
        values = datum.get("Values") or [datum.get("Value", 0)]
        yield Metric(datum["MetricName"], values, dimensions)


def _too_many_metrics(call: Call) -> str | None:
    count = len({metric.name for metric in metrics_of(call)})
    return None if 0 < count <= MOST_METRICS[call.operation] else f"{count} metrics"


def _too_many_dimensions(call: Call) -> str | None:
    most = max((len(metric.dimensions) for metric in metrics_of(call)), default=0)
    return f"{most} dimensions" if most > MOST_DIMENSIONS else None


def _ill_formed_name(call: Call) -> str | None:
    for metric in metrics_of(call):
        if not _is_text(metric.name, MOST_CHARACTERS_OF_NAME):
            return f"the metric {metric.name!r:.80}"
    return None


def _ill_formed_dimension(call: Call) -> str | None:
    for metric in metrics_of(call):
        for name, value in metric.dimensions.items():
            if not _is_text(name, MOST_CHARACTERS_OF_NAME) or name.startswith(":"):
                return f"the dimension {name!r:.80}"
            if not _is_text(value, MOST_CHARACTERS_OF_VALUE):
                return f"the value {value!r:.80} of {name}"
    return None


def _is_text(text: object, most_characters: int) -> bool:
    """Say whether it is of printable ASCII characters, with one that is no space among them."""
    if not isinstance(text, str) or len(text) > most_characters:
        return False
    return text.isascii() and text.isprintable() and bool(text.strip())


def _no_values(call: Call) -> str | None:
    for metric in metrics_of(call):
        if not 0 < len(metric.values) <= MOST_VALUES[call.operation]:
            return f"{len(metric.values)} values of {metric.name}"
        for value in metric.values:
            if not math.isfinite(value) or abs(value) > LARGEST_VALUE:
                return f"{metric.name} is {value}"
    return None


def _other_time(call: Call) -> str | None:
    now = time.time()
    seconds = call.parameters["_aws"].get("Timestamp", 0) / 1000
    in_time = now - SECONDS_BACK <= seconds <= now + SECONDS_AHEAD
    return None if in_time else f"a time {seconds - now:+.0f} seconds from now"


def _line_too_long(call: Call) -> str | None:
    size = bytes_of(call.parameters["Message"]) + BYTES_OF_A_LINE
    return f"{size} bytes" if size > MOST_BYTES_OF_LINE else None


RULES = (
    Rule(
        "CloudWatch: a document or a call has metrics, but not too many",
        EMBEDDED,
        CALLS,
        _too_many_metrics,
        REFUSED,
    ),
    Rule(
        "CloudWatch: a metric has at most 30 dimensions",
        EMBEDDED,
        CALLS,
        _too_many_dimensions,
        REFUSED,
    ),
    Rule(
        "CloudWatch: a metric's name is well-formed",
        f"{REFERENCE}/API_MetricDatum.html",
        CALLS,
        _ill_formed_name,
        REFUSED,
    ),
    Rule(
        "CloudWatch: a dimension is well-formed",
        f"{REFERENCE}/API_Dimension.html",
        CALLS,
        _ill_formed_dimension,
        REFUSED,
    ),
    Rule(
        "CloudWatch: a metric has finite values, but not too many", PUT, CALLS, _no_values, REFUSED
    ),
    Rule(
        "CloudWatch: a metric's time is near",
        PUT,
        ("cloudwatch.EmbeddedMetrics",),
        _other_time,
        None,
    ),
    Rule(
        "CloudWatch: a line of a log has at most 1 MB", LOGS, ("logs.Line",), _line_too_long, None
    ),
)
