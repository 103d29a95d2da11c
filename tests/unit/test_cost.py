"""The bill: each measured quantity times AWS's price."""

import pytest
from click.testing import CliRunner

from ops.cli.commands import main
from ops.cost.bill import Design, bill, keys_bill, measured_design, prices
from ops.cost.standing import ALARM, DASHBOARD, stage_template, standing_charges

PRICES = {
    "api_gateway_rest_request": 1.0,
    "lambda_request": 10.0,
    "lambda_arm64_gb_second": 1000.0,
    "sqs_standard_request": 100.0,
    "s3_standard_put": 7.0,
    "s3_standard_gb_month": 2.0**30,
    "dynamodb_on_demand_write_unit": 5.0,
    "dynamodb_on_demand_read_unit": 4.0,
    "dynamodb_standard_gb_month": 2.0**30,
    "cloudwatch_logs_gb": 2.0**30,
    "cloudwatch_alarm_month": 3.0,
    "cloudwatch_dashboard_month": 20.0,
    "cloudwatch_metric_month": 2.0,
}
NOT_PRICES = {"region", "currency", "as_of", "source", "dates"}


def design(batch_size: int = 10, **calls: float) -> Design:
    return Design(
        name="ours",
        batch_size=batch_size,
        calls_per_order={f"{name[:8]} {name[8:]}": count for name, count in calls.items()},
        write_units_per_order=2,
        item_bytes_per_order=3,
        object_bytes_per_order=4,
        log_bytes_per_order=5,
        ms_per_order=2,
        intake_ms_per_order=8,
    )


def test_each_component_costs_its_measured_quantity_times_its_price() -> None:
    assert bill(design(DynamoDBQuery=1), 2, PRICES) == pytest.approx(
        {
            "API Gateway, requests": 2 * 1,
            "Lambda, API function": 2 * (10 + 0.5 * 0.008 * 1000),
            "SQS, send, receive and delete": 2 * (1 + 2 / 10) * 100,
            "Lambda, processor": 2 * (10 / 10 + 0.5 * 0.002 * 1000),
            "S3, puts": 0,
            "DynamoDB, writes": 2 * 2 * 5,
            "DynamoDB, reads": 2 * 0.5 * 4,
            "CloudWatch Logs, processor": 2 * 5,
            "Storage, first month": 2 * (3 + 4),
        }
    )


def test_a_key_for_each_order_costs_one_write_each() -> None:
    assert keys_bill(3, PRICES) == 3 * 5


@pytest.mark.parametrize(("batch_size", "requests"), [(1, 3), (10, 1.2), (100, 1.2)])
def test_one_sqs_request_receives_or_deletes_at_most_ten_messages(
    batch_size: int, requests: float
) -> None:
    assert bill(design(batch_size), 1, PRICES)["SQS, send, receive and delete"] == pytest.approx(
        requests * 100
    )


def test_a_stage_without_traffic_costs_its_alarms_dashboard_metrics_and_polls() -> None:
    template = {
        "Resources": {
            "One": {"Type": ALARM, "Properties": {"MetricName": "Errors"}},
            "OnTwoMetrics": {
                "Type": ALARM,
                "Condition": "HasExpressionAlarms",
                "Properties": {
                    "Metrics": [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a / b"}]
                },
            },
            "OnlyWithEvents": {"Type": ALARM, "Condition": "HasEvents", "Properties": {}},
            "Dashboard": {"Type": DASHBOARD},
            "Queue": {"Type": "AWS::SQS::Queue"},
        }
    }

    # A month has 730 hours; five pollers that wait 20 seconds ask 15 times a minute.
    assert standing_charges(PRICES, channels=2, template=template) == pytest.approx(
        {
            "CloudWatch, 2 alarms": (1 + 2) * 3,
            "CloudWatch, 1 dashboard": 20,
            "CloudWatch, up to 30 metrics": 10 * (1 + 2) * 2,
            "SQS, polls of an empty queue": 15 * 60 * 730 * 100,
        }
    )


def test_the_standing_charges_match_the_deployed_template() -> None:
    charges = standing_charges(PRICES, channels=1, template=stage_template())

    assert list(charges)[:2] == ["CloudWatch, 10 alarms", "CloudWatch, 1 dashboard"]


def test_the_price_list_gives_the_date_and_source_of_each_price() -> None:
    listed = prices()

    assert listed["source"]
    assert listed["dates"].keys() == listed.keys() - NOT_PRICES == PRICES.keys()


def test_the_price_list_is_as_old_as_its_oldest_price() -> None:
    listed = prices()

    assert listed["as_of"] == min(listed["dates"].values())


def test_an_order_of_a_large_batch_is_cheaper_than_query_then_put() -> None:
    ours, common = measured_design("ours", 100), measured_design("serial_boto3", 1)

    assert sum(bill(ours, 1, prices()).values()) < sum(bill(common, 1, prices()).values())


def test_the_command_shows_the_bill_its_prices_and_its_measurements() -> None:
    answer = CliRunner().invoke(main, ["cost", "--orders", "1000", "--batch", "100"])

    assert answer.exit_code == 0
    assert "1,000 orders, USD, us-east-1" in answer.output
    assert "An Idempotency-Key for each" in answer.output
    assert "Prices as of" in answer.output
    assert "as measured" in answer.output
    assert "CloudWatch, up to 20 metrics" in answer.output


def test_the_command_counts_the_metrics_of_the_given_number_of_channels() -> None:
    answer = CliRunner().invoke(main, ["cost", "--channels", "3"])

    assert answer.exit_code == 0
    assert "CloudWatch, up to 40 metrics" in answer.output


def test_the_error_of_an_unmeasured_batch_size_lists_the_measured_ones() -> None:
    answer = CliRunner().invoke(main, ["cost", "--batch", "7"])

    assert answer.exit_code == 2
    assert "measured is a batch of 1, 10, 100, not of 7" in answer.output
