"""
Alarms on expressions, evaluated over made-up series by what CloudWatch's documentation says.

Only AWS has CloudWatch. Its documentation leaves open whether FILL fills a metric without a single
value: `fills_empty` says so here, and an alarm has to be right either way. Expressions are
evaluated as Python, whose operators are the same.

docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


class Series(dict[int, float]):
    """Values by their period. What is missing has no value."""

    def __gt__(self, limit: float) -> "Series":
        return self._each(lambda value: float(value > limit))

    def __ge__(self, limit: float) -> "Series":
        return self._each(lambda value: float(value >= limit))

    def __rmul__(self, factor: float) -> "Series":
        return self._each(lambda value: factor * value)

    def __truediv__(self, other: "Series") -> "Series":
        return Series({period: self[period] / other[period] for period in self.keys() & other})

    def _each(self, change: Callable[[float], float]) -> "Series":
        return Series({period: change(value) for period, value in self.items()})


def is_ringing(
    alarm: Mapping[str, Any],
    metrics: Mapping[str, Series],
    periods: Sequence[int],
    *,
    fills_empty: bool,
) -> bool:
    """Say whether an alarm with these properties rings after the periods, which it looks at."""

    def fill(series: Series, value: float) -> Series:
        is_left = not series and not fills_empty
        return series if is_left else Series({each: series.get(each, value) for each in periods})

    functions = {"FILL": fill, "IF": _if, "SUM": _sum}
    known: dict[str, Any] = {
        name: Series({period: series[period] for period in periods if period in series})
        for name, series in metrics.items()
    }
    for query in alarm["Metrics"]:
        if "Expression" in query:
            known[query["Id"]] = eval(query["Expression"], functions, known)  # noqa: S307 (ours)
    (watched,) = [known[query["Id"]] for query in alarm["Metrics"] if query.get("ReturnData", True)]
    if_missing = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
    is_beyond = COMPARISONS[alarm["ComparisonOperator"]]
    limit = float(alarm["Threshold"])
    return all(
        is_beyond(watched[period], limit) if period in watched else if_missing for period in periods
    )


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "LessThanThreshold": lambda value, limit: value < limit,
}


def _if(condition: Series, then: Series | float, otherwise: Series | float) -> Series:
    """Choose where the condition has a value; nothing is chosen where the chosen one has none."""
    chosen = {period: then if holds else otherwise for period, holds in condition.items()}
    return Series(
        {
            period: each[period] if isinstance(each, Series) else each
            for period, each in chosen.items()
            if not isinstance(each, Series) or period in each
        }
    )


def _sum(several: Iterable[Series]) -> Series:
    """Add up what there is. What is missing is passed over."""
    total = Series()
    for series in several:
        for period, value in series.items():
            total[period] = total.get(period, 0) + value
    return total
