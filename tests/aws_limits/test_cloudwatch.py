"""The limits of CloudWatch: on each, the largest that passes and the smallest refused."""

import time
from typing import Any

import pytest

from tests.aws_limits.cases import Case, hold

METRICS, LINE = "cloudwatch.EmbeddedMetrics", "logs.Line"
HOURS = 3_600
COUNT = "CloudWatch: a document or a call has metrics, but not too many"
DIMENSION = "CloudWatch: a dimension is well-formed"
METRIC_NAME = "CloudWatch: a metric's name is well-formed"
TIME = "CloudWatch: a metric's time is near"
VALUES = "CloudWatch: a metric has finite values, but not too many"


def document(
    metrics: int = 1,
    dimensions: int = 1,
    *,
    metric: str = "Orders",
    name: str = "channel",
    value: Any = "web",
    values: Any = 1,
    seconds: float = 0,
) -> dict[str, Any]:
    """Make a document of metrics, as Powertools prints it."""
    names = [metric, *(f"m{number}" for number in range(1, metrics))][:metrics]
    keys = [name, *(f"d{number}" for number in range(1, dimensions))][:dimensions]
    directive = {
        "Namespace": "Orders",
        "Dimensions": [keys],
        "Metrics": [{"Name": each, "Unit": "Count"} for each in names],
    }
    return {
        **dict.fromkeys(names, values),
        **dict.fromkeys(keys, value),
        "_aws": {
            "Timestamp": int((time.time() + seconds) * 1000),
            "CloudWatchMetrics": [directive],
        },
    }


def put_metrics(dimensions: int) -> dict[str, Any]:
    given = [{"Name": f"d{number}", "Value": "1"} for number in range(dimensions)]
    return {"MetricData": [{"MetricName": "m", "Value": 1.0, "Dimensions": given}]}


DOCUMENTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (COUNT, {"metrics": 100}, {"metrics": 101}),
    (COUNT, {"metrics": 1}, {"metrics": 0}),
    ("CloudWatch: a metric has at most 30 dimensions", {"dimensions": 30}, {"dimensions": 31}),
    (METRIC_NAME, {"metric": "m" * 255}, {"metric": "m" * 256}),
    (METRIC_NAME, {"metric": "m"}, {"metric": ""}),
    (DIMENSION, {"name": "n" * 255}, {"name": "n" * 256}),
    (DIMENSION, {"name": "n:"}, {"name": ":n"}),
    (DIMENSION, {"value": "v" * 1_024}, {"value": "v" * 1_025}),
    (DIMENSION, {"value": " v"}, {"value": " "}),
    (DIMENSION, {"value": "~"}, {"value": "ñ"}),
    (DIMENSION, {"value": " ~"}, {"value": "a\n"}),
    (DIMENSION, {"value": "1"}, {"value": 1}),
    (VALUES, {"values": [1] * 100}, {"values": [1] * 101}),
    (VALUES, {"values": [1]}, {"values": []}),
    (VALUES, {"values": 2.0**360}, {"values": 2.0**361}),
    (VALUES, {"values": 0}, {"values": float("nan")}),
    (TIME, {"seconds": 2 * HOURS - 60}, {"seconds": 2 * HOURS + 60}),
    (TIME, {"seconds": 60 - 336 * HOURS}, {"seconds": -60 - 336 * HOURS}),
]
CASES = [
    *(Case(rule, METRICS, document(**one), document(**next_)) for rule, one, next_ in DOCUMENTS),
    Case(
        "CloudWatch: a metric has at most 30 dimensions",
        "cloudwatch.PutMetricData",
        put_metrics(30),
        put_metrics(31),
    ),
    Case(
        "CloudWatch: a line of a log has at most 1 MB",
        LINE,
        {"Message": "x" * (1_048_576 - 26)},
        {"Message": "x" * (1_048_577 - 26)},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cloudwatch_takes_the_largest_and_refuses_the_next(case: Case) -> None:
    hold(case)
