"""A stage with events, packaged: the merge template meets the function that it is for."""

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

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/orders-dev/stream/2026-03-01T12:00:00.000"


@pytest.fixture(scope="module")
def packaged_with_events(
    tmp_path_factory: pytest.TempPathFactory, deployments: Path
) -> PackagedApp:
    directory = tmp_path_factory.mktemp("events")
    project = copy_without_requirements(directory / "orders", deployments)
    events = {"EventsKind": "sns", "EventsTarget": "arn:topic", "TableStreamArn": STREAM}
    record_resources(project, "dev", outputs_of("dev") | events)
    return package_app("dev", directory / "packaged", project, vendored=False)


@pytest.fixture
def function(packaged_with_events: PackagedApp) -> dict[str, Any]:
    content = yaml.safe_load(packaged_with_events.template.read_text())
    properties: dict[str, Any] = content["Resources"]["PublishEvents"]["Properties"]
    return properties


def test_a_stage_without_events_has_no_function_for_them(packaged: PackagedApp) -> None:
    assert "PublishEvents" not in yaml.safe_load(packaged.template.read_text())["Resources"]


def test_the_function_has_its_name_and_its_handler(function: dict[str, Any]) -> None:
    assert function["FunctionName"] == {"Fn::Sub": "orders-${Stage}-publish_events"}
    assert function["Handler"] == "app.publish_events"


def test_the_merged_event_source_meets_the_apps_stream(
    function: dict[str, Any],
) -> None:
    (event,) = function["Events"].values()

    assert event["Type"] == "DynamoDB"
    assert event["Properties"]["Stream"] == STREAM
    assert event["Properties"]["StartingPosition"] == "TRIM_HORIZON"


def test_the_mapping_expects_no_partial_batch_response(
    function: dict[str, Any],
) -> None:
    """With ReportBatchItemFailures, what the function returns would be taken for success."""
    (event,) = function["Events"].values()

    assert "FunctionResponseTypes" not in event["Properties"]
    assert event["Properties"]["BisectBatchOnFunctionError"] is True


def test_cfn_lint_and_sam_accept_the_template(packaged_with_events: PackagedApp) -> None:
    stage = stage_of_templates(
        "dev",
        Template(RESOURCES, Stage="dev", Events="sns"),
        Template(packaged_with_events.template),
    )
    mappings = of_type(translated(packaged_with_events), "AWS::Lambda::EventSourceMapping")

    assert cfnlint.lint_file(packaged_with_events.template) == []
    assert [rule.name for rule in RULES if rule.broken_by(stage)] == []
    assert sorted("DestinationConfig" in mapping for mapping in mappings) == [False, True]
