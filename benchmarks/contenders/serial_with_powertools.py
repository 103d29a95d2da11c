"""(a) with Powertools' Logger and Metrics instead of the standard library's log."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from benchmarks.contenders import serial_boto3

logger = Logger(service="orders")
metrics = Metrics(namespace="Orders", service="orders")
contender: Any = serial_boto3
contender.log = logger


@metrics.log_metrics
def process(event: dict[str, Any], context: Any) -> dict[str, Any]:
    answer = serial_boto3.process(event, context)
    processed = len(event["Records"]) - len(answer["batchItemFailures"])
    metrics.add_metric("OrdersProcessed", MetricUnit.Count, processed)
    return answer
