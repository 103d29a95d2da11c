"""The costs of a stage in a month, whatever its traffic: no bill for orders has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE
from ops.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    alarms, dashboards = _count(template, ALARM), _count(template, DASHBOARD)
    metrics = METRICS * (1 + channels)
    polls = POLLERS * SECONDS_PER_MONTH / LONG_POLL_SECONDS
    return {
        f"CloudWatch, {alarms} alarms": alarms * price["cloudwatch_alarm_month"],
        f"CloudWatch, {dashboards} dashboard": dashboards * price["cloudwatch_dashboard_month"],
        f"CloudWatch, up to {metrics} metrics": metrics * price["cloudwatch_metric_month"],
        "SQS, polls of an empty queue": polls * price["sqs_standard_request"],
    }


def stage_template() -> dict[str, Any]:
    """Load the template that each stage is made of."""
    return load_template((PROJECT_ROOT / RESOURCES_TEMPLATE).read_text(encoding="utf-8"))


def _count(template: Mapping[str, Any], kind: str) -> int:
    """Count resources of a type, except the ones of events, which are off by default."""
    resources = template["Resources"].values()
    return sum(each["Type"] == kind and "Condition" not in each for each in resources)
