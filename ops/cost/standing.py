"""The costs of a stage in a month, whatever its traffic: no bill for orders has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE
from ops.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Mapping

# The one condition that holds unless a stage says otherwise.
BY_DEFAULT = "HasExpressionAlarms"
ALARM, DASHBOARD = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"
# The names in namespace `Orders`. CloudWatch charges each for the service, and again for each
# channel, but only for the hours in which something was counted: it is the most that is charged.
METRICS = 10
# Lambda's pollers of a queue that is empty. Without a maximum concurrency they may become 2.
# docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
POLLERS = 5
LONG_POLL_SECONDS = 20
SECONDS_PER_MONTH = 730 * 3600


def standing_charges(
    price: Mapping[str, Any], channels: int, template: Mapping[str, Any]
) -> dict[str, float]:
    """Compute the cost of each part of a stage a month, without events."""
    alarms, dashboards = _standing(template, ALARM), len(_standing(template, DASHBOARD))
    alarm_metrics = sum(map(_alarm_metrics, alarms))
    metrics = METRICS * (1 + channels)
    polls = POLLERS * SECONDS_PER_MONTH / LONG_POLL_SECONDS
    return {
        f"CloudWatch, {len(alarms)} alarms": alarm_metrics * price["cloudwatch_alarm_month"],
        f"CloudWatch, {dashboards} dashboard": dashboards * price["cloudwatch_dashboard_month"],
        f"CloudWatch, up to {metrics} metrics": metrics * price["cloudwatch_metric_month"],
        "SQS, polls of an empty queue": polls * price["sqs_standard_request"],
    }


def stage_template() -> dict[str, Any]:
    """Load the template that each stage is made of."""
    return load_template((PROJECT_ROOT / RESOURCES_TEMPLATE).read_text(encoding="utf-8"))


def _standing(template: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    """Find the resources of a type, except the ones that a stage has to ask for."""
    return [
        each
        for each in template["Resources"].values()
        if each["Type"] == kind and each.get("Condition", BY_DEFAULT) == BY_DEFAULT
    ]


def _alarm_metrics(alarm: Mapping[str, Any]) -> int:
    """Count the metrics that an alarm is charged for: each one that its expression is made of."""
    return sum("MetricStat" in each for each in alarm["Properties"].get("Metrics", ())) or 1
