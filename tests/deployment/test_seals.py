"""A stage that seals each night, packaged: the function, its schedule, and what watches it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint import api as cfnlint

from ops.deploy.packaging import PackagedApp, package_app
from ops.lint.rules import RULES
from ops.lint.template import Template
from ops.lint.templates import stage_of_templates
from tests.deployment.sam import of_type, translated
from tests.deployment.test_template import RESOURCES
from tests.project import copy_without_requirements, outputs_of, record_resources

KEY = "arn:aws:kms:us-east-1:000000000000:key/0b2a1f7e-5d3c-4a8b-9f6e-1c2d3e4f5a6b"
SEALS = {"Seals": "on", "SealKeyArn": KEY}


@pytest.fixture(scope="module")
def packaged_with_seals(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> PackagedApp:
    directory = tmp_path_factory.mktemp("seals")
    project = copy_without_requirements(directory / "orders", deployments)
    record_resources(project, "dev", outputs_of("dev") | SEALS)
    return package_app("dev", directory / "packaged", project, vendored=False)


@pytest.fixture
def function(packaged_with_seals: PackagedApp) -> dict[str, Any]:
    content = yaml.safe_load(packaged_with_seals.template.read_text())
    properties: dict[str, Any] = content["Resources"]["SealDays"]["Properties"]
    return properties


def resources_with_seals(**parameters: str) -> Template:
    return Template(RESOURCES, Stage="dev", **SEALS, **parameters)


def test_a_stage_without_seals_has_no_function_for_them(packaged: PackagedApp) -> None:
    assert "SealDays" not in yaml.safe_load(packaged.template.read_text())["Resources"]


def test_the_function_has_its_name_its_handler_its_time_and_a_whole_processor(
    function: dict[str, Any],
) -> None:
    assert function["FunctionName"] == {"Fn::Sub": "orders-${Stage}-seal_days"}
    assert function["Handler"] == "app.seal_days"
    assert (function["Timeout"], function["MemorySize"]) == (900, 1769)


def test_the_function_runs_each_night_when_the_day_is_over(function: dict[str, Any]) -> None:
    (event,) = function["Events"].values()

    assert event == {"Type": "Schedule", "Properties": {"Schedule": "cron(0 1 * * ? *)"}}


def test_every_function_is_told_of_the_seals(function: dict[str, Any]) -> None:
    """App.py declares the function in each of them, or the handler would not be there."""
    variables = function["Environment"]["Variables"]

    assert (variables["ORDERS_SEALS"], variables["ORDERS_SEAL_KEY"]) == ("on", KEY)


def test_cfn_lint_sam_and_the_rules_accept_the_templates(packaged_with_seals: PackagedApp) -> None:
    stage = stage_of_templates(
        "dev", resources_with_seals(), Template(packaged_with_seals.template)
    )
    resources = translated(packaged_with_seals)
    (schedule,) = of_type(resources, "AWS::Events::Rule")
    role = resources["SealDays"]["Properties"]["Role"]

    assert cfnlint.lint_file(packaged_with_seals.template) == []
    assert [rule.name for rule in RULES if rule.broken_by(stage)] == []
    assert schedule["ScheduleExpression"] == "cron(0 1 * * ? *)"
    # docs/stages.md names it in the policy of a key.
    assert role == {"Fn::GetAtt": ["SealDaysRole", "Arn"]}
    assert [target["Arn"] for target in schedule["Targets"]] == [
        {"Fn::GetAtt": ["SealDays", "Arn"]}
    ]


def test_the_stage_has_a_log_and_an_alarm_only_with_seals() -> None:
    names = {"/aws/lambda/orders-dev-seal_days", "orders-dev-seals-late"}

    def named(template: Template) -> set[str]:
        logs = template.of_type("AWS::Logs::LogGroup").items()
        alarms = template.of_type("AWS::CloudWatch::Alarm").items()
        conditions = template._raw
        return {
            str(properties.get("LogGroupName", properties.get("AlarmName")))
            for logical_id, properties in (*logs, *alarms)
            if template._condition(conditions[logical_id].get("Condition", "HasExpressionAlarms"))
        }

    assert names <= named(resources_with_seals())
    assert not names & named(Template(RESOURCES, Stage="dev"))


def test_the_alarm_is_raised_unless_a_run_of_the_last_night_left_no_day() -> None:
    (alarm,) = [
        each
        for each in resources_with_seals().of_type("AWS::CloudWatch::Alarm").values()
        if each["AlarmName"] == "orders-dev-seals-late"
    ]

    hours = alarm["Period"] * alarm["EvaluationPeriods"] / 3_600
    # From one run to the next are 24. A retry that fails comes minutes later.
    assert 25 <= hours <= 28
    # PutMetricAlarm: with a period of an hour, a week at most.
    assert alarm["Period"] == 3_600
    assert (alarm["Namespace"], alarm["MetricName"]) == ("Orders", "DaysUnsealed")
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "orders-dev"}]
    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Minimum", "GreaterThanThreshold")
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (0, "breaching")


def test_the_dashboard_shows_the_alarm_only_where_it_is() -> None:
    def body(template: Template) -> str:
        (dashboard,) = template.of_type("AWS::CloudWatch::Dashboard").values()
        return str(dashboard["DashboardBody"])

    assert "${SealsLate.Arn}" in body(resources_with_seals())
    assert "SealsLate" not in body(Template(RESOURCES, Stage="dev"))
