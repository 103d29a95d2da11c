"""The limits of CloudWatch: on each, the largest that passes and the smallest refused."""

import time
from typing import Any

import pytest

from tests.aws_limits.cases import Case, hold

METRICS, LINE = "cloudwatch.EmbeddedMetrics", "logs.Line"
HOURS = 3_600
COUNT = "CloudWatch: a document has metrics, but not too many"
DIMENSION = "CloudWatch: a dimension is well-formed"
METRIC_NAME = "CloudWatch: a metric's name is well-formed"
NAMESPACE = "CloudWatch: a namespace is well-formed"
TIME = "CloudWatch: a metric's time is near"
UNIT = "CloudWatch: a metric's unit is known"
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
    namespace: str = "Orders",
    unit: str = "Count",
) -> dict[str, Any]:
    """Make a document of metrics, as Powertools prints it."""
    names = [metric, *(f"m{number}" for number in range(1, metrics))][:metrics]
    keys = [name, *(f"d{number}" for number in range(1, dimensions))][:dimensions]
    directive = {
        "Namespace": namespace,
        "Dimensions": [keys],
        "Metrics": [{"Name": each, "Unit": unit} for each in names],
    }
    return {
        **dict.fromkeys(names, values),
        **dict.fromkeys(keys, value),
        "_aws": {
            "Timestamp": int((time.time() + seconds) * 1000),
            "CloudWatchMetrics": [directive],
        },
    }


def without(name: str) -> dict[str, Any]:
    """Make a document that names a value and does not have it."""
    made = document()
    del made[name]
    return made


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
    (VALUES, {"values": [1]}, {"values": ["1"]}),
    (VALUES, {"values": 1}, {"values": True}),
    (VALUES, {"values": 1}, {"values": None}),
    (NAMESPACE, {"namespace": "n" * 255}, {"namespace": "n" * 256}),
    (NAMESPACE, {"namespace": "n"}, {"namespace": ""}),
    (NAMESPACE, {"namespace": "AWS"}, {"namespace": "AWS/Lambda"}),
    (UNIT, {"unit": "None"}, {"unit": "Orders"}),
    # The tests may run long after this is read.
    (TIME, {"seconds": 1 * HOURS}, {"seconds": 3 * HOURS}),
    (TIME, {"seconds": -335 * HOURS}, {"seconds": -337 * HOURS}),
]
CASES = [
    *(Case(rule, METRICS, document(**one), document(**next_)) for rule, one, next_ in DOCUMENTS),
    Case(COUNT, METRICS, document(), document() | {"_aws": {"Timestamp": time.time() * 1000}}),
    Case(DIMENSION, METRICS, document(), without("channel")),
    Case(VALUES, METRICS, document(), without("Orders")),
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
