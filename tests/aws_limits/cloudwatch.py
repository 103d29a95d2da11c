"""
CloudWatch: metrics, which are embedded in log lines, and the lines themselves.

CloudWatch answers nobody who writes a line: it leaves out the metrics that it can't take.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.aws_limits.messages import bytes_of
from tests.aws_limits.rule import Call, Rule, read_once

MONITORING = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
REFERENCE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference"
EMBEDDED = f"{MONITORING}/CloudWatch_Embedded_Metric_Format_Specification.html"
PUT = f"{REFERENCE}/API_PutMetricData.html"
DATUM = f"{REFERENCE}/API_MetricDatum.html"
LOGS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"

MOST_DIMENSIONS = 30
MOST_METRICS = 100
MOST_VALUES = 100
MOST_CHARACTERS_OF_NAME = 255
MOST_CHARACTERS_OF_VALUE = 1_024
LARGEST_VALUE = 2.0**360
# The names of AWS's own metrics begin with it.
RESERVED_NAMESPACE = "AWS/"
# Of the units, only the ones that this app could mean.
UNITS = {"Seconds", "Milliseconds", "Bytes", "Percent", "Count", "Count/Second", "None"}
# CloudWatch Logs counts these bytes for each line besides.
BYTES_OF_A_LINE = 26
MOST_BYTES_OF_LINE = 1_048_576
# Until two hours from now, since two weeks ago.
SECONDS_AHEAD, SECONDS_BACK = 2 * 3_600, 14 * 24 * 3_600

CALLS = ("cloudwatch.EmbeddedMetrics",)


class Metric(NamedTuple):
    """A metric with one set of dimensions."""

    namespace: str
    name: str
    unit: str
    values: Sequence[Any]
    dimensions: Mapping[str, Any]


@read_once
def metrics_of(call: Call) -> Iterator[Metric]:
    """Yield the metrics of a document, each with each of its sets of dimensions."""
    document = call.parameters
    for directive in document["_aws"].get("CloudWatchMetrics", ()):
        for names in directive.get("Dimensions", [[]]):
            dimensions = {name: document.get(name) for name in names}
            for metric in directive.get("Metrics", ()):
                name, unit = metric["Name"], metric.get("Unit", "None")
                value = document.get(name, [])
                values = value if isinstance(value, list) else [value]
                yield Metric(directive.get("Namespace", ""), name, unit, values, dimensions)


def _too_many_metrics(call: Call) -> str | None:
    count = len({metric.name for metric in metrics_of(call)})
    return None if 0 < count <= MOST_METRICS else f"{count} metrics"


def _too_many_dimensions(call: Call) -> str | None:
    most = max((len(metric.dimensions) for metric in metrics_of(call)), default=0)
    return f"{most} dimensions" if most > MOST_DIMENSIONS else None


def _other_namespace(call: Call) -> str | None:
    for metric in metrics_of(call):
        name = metric.namespace
        if not _is_text(name, MOST_CHARACTERS_OF_NAME) or name.startswith(RESERVED_NAMESPACE):
            return f"the namespace {name!r:.80}"
    return None


def _unknown_unit(call: Call) -> str | None:
    for metric in metrics_of(call):
        if metric.unit not in UNITS:
            return f"{metric.name} is in {metric.unit!r:.80}"
    return None


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
        if not 0 < len(metric.values) <= MOST_VALUES:
            return f"{len(metric.values)} values of {metric.name}"
        for value in metric.values:
            if type(value) not in {int, float} or not -LARGEST_VALUE <= value <= LARGEST_VALUE:
                return f"{metric.name} is {value!r:.80}"
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
        "CloudWatch: a document has metrics, but not too many",
        EMBEDDED,
        CALLS,
        _too_many_metrics,
        None,
    ),
    Rule(
        "CloudWatch: a metric has at most 30 dimensions",
        EMBEDDED,
        CALLS,
        _too_many_dimensions,
        None,
    ),
    Rule("CloudWatch: a namespace is well-formed", PUT, CALLS, _other_namespace, None),
    Rule("CloudWatch: a metric's name is well-formed", DATUM, CALLS, _ill_formed_name, None),
    Rule("CloudWatch: a metric's unit is known", DATUM, CALLS, _unknown_unit, None),
    Rule(
        "CloudWatch: a dimension is well-formed",
        f"{REFERENCE}/API_Dimension.html",
        CALLS,
        _ill_formed_dimension,
        None,
    ),
    Rule(
        "CloudWatch: a metric has finite values, but not too many",
        EMBEDDED,
        CALLS,
        _no_values,
        None,
    ),
    Rule("CloudWatch: a metric's time is near", PUT, CALLS, _other_time, None),
    Rule(
        "CloudWatch: a line of a log has at most 1 MB", LOGS, ("logs.Line",), _line_too_long, None
    ),
)
