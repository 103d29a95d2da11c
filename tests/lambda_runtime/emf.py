"""CloudWatch's embedded metric format: a line that breaks its rules makes no metric, silently."""

import time
from typing import Any

# Sources: "Specification: Embedded metric format" in CloudWatch's user guide, and MetricDatum in
# its API reference. Of the units, only the ones that this app could mean.
MOST_DIMENSIONS = 30
MOST_METRICS = 100
MOST_VALUES = 100
UNITS = {"Seconds", "Milliseconds", "Bytes", "Percent", "Count", "Count/Second", "None"}
# CloudWatch takes a metric of the last two weeks, and of the next two hours.
OLDEST_MS, NEWEST_MS = -14 * 24 * 3_600_000, 2 * 3_600_000


def problems_of(line: dict[str, Any]) -> list[str]:
    """Find what CloudWatch would not take of a line with `_aws`."""
    found = []
    timestamp = line["_aws"].get("Timestamp", 0)
    if not OLDEST_MS < timestamp - time.time() * 1000 < NEWEST_MS:
        found.append(f"the Timestamp {timestamp} is not in milliseconds, or not of these days")
    directives = line["_aws"].get("CloudWatchMetrics") or []
    if not directives:
        found.append("it has no CloudWatchMetrics")
    return found + [problem for each in directives for problem in _of_directive(each, line)]


def _of_directive(directive: dict[str, Any], line: dict[str, Any]) -> list[str]:
    found = []
    namespace = directive.get("Namespace", "")
    if not 1 <= len(namespace) <= 256 or namespace.startswith("AWS/"):
        found.append(f"the namespace is {namespace!r}")
    for keys in directive.get("Dimensions", [[]]):
        found += [
            f"dimension {key} is {line.get(key)!r}"
            for key in keys
            if not isinstance(line.get(key), str) or not line[key]
        ]
        if len(keys) > MOST_DIMENSIONS:
            found.append(f"{len(keys)} dimensions")
    metrics = directive.get("Metrics", [])
    if not 1 <= len(metrics) <= MOST_METRICS:
        found.append(f"{len(metrics)} metrics")
    return found + [problem for each in metrics for problem in _of_metric(each, line)]


def _of_metric(metric: dict[str, Any], line: dict[str, Any]) -> list[str]:
    name, unit, value = metric["Name"], metric.get("Unit", "None"), line.get(metric["Name"])
    values = value if isinstance(value, list) else [value]
    numbers = [each for each in values if type(each) in {int, float}]
    found = []
    if len(numbers) != len(values) or not 1 <= len(values) <= MOST_VALUES:
        found.append(f"metric {name} is {value!r}")
    if unit not in UNITS:
        found.append(f"metric {name} is in {unit!r}")
    return found
