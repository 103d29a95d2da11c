"""Checks of the traces that orders leave: log lines without accounts or amounts, and metrics."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.orders.record import Status
from chalicelib.orders.terms import TERMS
from chalicelib.settings import DEFAULT_SERVICE
from chalicelib.telemetry import METRICS_NAMESPACE, RECORDED_METRIC
from ops.deploy.problems import code_of
from ops.stage_names import api_function_name, processor_name
from ops.verify.check import check, require

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.verify.run import Run

LOG_LIMIT_SECONDS = 120.0
# CloudWatch makes metrics of log lines in about two minutes.
METRICS_LIMIT_SECONDS = 300.0
# The run's clock may be ahead of AWS's.
CLOCKS_APART_SECONDS = 60


@check("logs", "SECURITY.md", last=True)
def logs(run: Run) -> str:
    """Log JSON lines with the orders' ids, and no account or amount."""
    require(not run.stage.is_local, "no log group", emulator="`make run` logs to its terminal")
    wrong = run.order("logged", amount=run.rejected_amount)
    run.submit(wrong)
    run.records(wrong["id"])
    secrets = [*run.accounts, run.rejected_amount.lstrip("-")]
    count = 0
    for name in (api_function_name(run.stage.name), processor_name(run.stage.name)):
        group = f"/aws/lambda/{name}"
        run.wait_for(
            partial(_names, run, group, wrong["id"]),
            f"{group} does not name {wrong['id']}",
            LOG_LIMIT_SECONDS,
        )
        for line in lines(run, group, run.mark):
            _require_clean(line, group)
            count += 1
        for secret in secrets:
            require(not [*lines(run, group, secret)], f"{group} holds an account or an amount")
    return f"{count} lines of this run, all JSON, none with an account or an amount"


@check("metrics", "docs/operating.md", last=True)
def metrics(run: Run) -> str:
    """Count the orders in CloudWatch, by the log's EMF lines."""
    run.shared()
    name = RECORDED_METRIC[Status.ACCEPTED]
    service = run.stage.environment.get("ORDERS_SERVICE") or DEFAULT_SERVICE
    total_of = partial(_sum_of, run, run.client("cloudwatch"), name, service)
    problem = f"there is no metric {name} of {service}"
    if run.is_emulated:
        require(total_of(), problem, emulator="the emulator makes none of log lines")
    total = run.wait_for(total_of, problem, METRICS_LIMIT_SECONDS)
    return f"{METRICS_NAMESPACE} {name} of {service}: {total:g} since the run began"


def lines(run: Run, group: str, text: str) -> Iterator[str]:
    """Yield the lines of a log group since the run began that hold a text."""
    pages = (
        run.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=group,
            startTime=int((run.began_at - CLOCKS_APART_SECONDS) * 1000),
            filterPattern=f'"{text}"',
        )
    )
    try:
        for page in pages:
            for event in page.get("events", []):
                if text in event["message"]:
                    yield event["message"]
    except ClientError as error:
        # A function's first line makes its group, where no stack has made it.
        if code_of(error) != "ResourceNotFoundException":
            raise


def _names(run: Run, group: str, order_id: str) -> bool:
    return any(True for _ in lines(run, group, order_id))


def _require_clean(line: str, group: str) -> None:
    try:
        keys = json.loads(line)
    except ValueError:
        keys = None
    require(isinstance(keys, dict), f"{group} has a line that is no JSON object")
    shown = [name for name, term in TERMS.items() if name in keys and (term.masked or term.decimal)]
    require(not shown, f"a line in {group} has {', '.join(shown)}")


def _sum_of(run: Run, cloudwatch: Any, name: str, service: str) -> float:
    start = datetime.fromtimestamp(run.began_at, UTC).replace(second=0, microsecond=0)
    dimensions = [{"Name": "service", "Value": service}]
    metric = {"Namespace": METRICS_NAMESPACE, "MetricName": name, "Dimensions": dimensions}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        ],
        StartTime=start,
        EndTime=start + timedelta(hours=1),
    )
    results = answer.get("MetricDataResults", [])
    return float(sum(value for result in results for value in result.get("Values", [])))
