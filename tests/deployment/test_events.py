"""A stage with events, packaged: the merge template meets the function that it is for."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint import api as cfnlint

from ops.deploy.app_template import complete_template
from ops.deploy.packaging import PackagedApp, package_app
from ops.deploy.problems import PackagingFailed
from ops.lint.rules import RULES
from ops.lint.template import Template
from ops.lint.templates import stage_of_templates
from ops.project import PROJECT_ROOT
from tests.deployment.sam import of_type, translated
from tests.deployment.test_template import RESOURCES
from tests.project import copy_without_requirements, outputs_of, record_resources

STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/orders-dev/stream/2026-03-01T12:00:00.000"


TOLD = {"accepted": ["ACCEPTED"], "all": ["ACCEPTED", "REJECTED", "DUPLICATE"]}


@pytest.fixture(scope="module", params=TOLD)
def told(request: pytest.FixtureRequest) -> str:
    setting: str = request.param
    return setting


@pytest.fixture(scope="module")
def packaged_with_events(
    tmp_path_factory: pytest.TempPathFactory, deployments: Path, told: str
) -> PackagedApp:
    directory = tmp_path_factory.mktemp("events")
    project = copy_without_requirements(directory / "orders", deployments)
    events = {
        "EventsKind": "sns",
        "EventsOf": told,
        "EventsTarget": "arn:topic",
        "TableStreamArn": STREAM,
    }
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


def test_the_stream_is_filtered_by_what_the_function_tells(
    packaged_with_events: PackagedApp, told: str
) -> None:
    """The function is not to be fed with what it would leave out."""
    (function,) = (
        each
        for each in Template(packaged_with_events.template)
        .of_type("AWS::Serverless::Function")
        .values()
        if each["Handler"] == "app.publish_events"
    )
    (event,) = function["Events"].values()
    (each,) = event["Properties"]["FilterCriteria"]["Filters"]

    assert function["Environment"]["Variables"]["ORDERS_EVENTS_OF"] == told
    assert json.loads(each["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"status": {"S": TOLD[told]}}},
    }


def test_the_stages_filter_is_no_template_parameter(
    packaged_with_events: PackagedApp, tmp_path: Path
) -> None:
    """It would part from the setting, which the operators' desk reads too."""
    template = tmp_path / "sam.yaml"
    shutil.copy(packaged_with_events.template, template)

    with pytest.raises(PackagingFailed, match="EventsOf: write it into resource_parameters"):
        complete_template(template, PROJECT_ROOT, {"EventsOf": "all"})


def test_cfn_lint_and_sam_accept_the_template(packaged_with_events: PackagedApp, told: str) -> None:
    stage = stage_of_templates(
        "dev",
        Template(RESOURCES, Stage="dev", Events="sns", EventsOf=told),
        Template(packaged_with_events.template),
    )
    mappings = of_type(translated(packaged_with_events), "AWS::Lambda::EventSourceMapping")

    assert cfnlint.lint_file(packaged_with_events.template) == []
    assert stage.events is not None
    assert [rule.name for rule in RULES if rule.broken_by(stage)] == []
    assert sorted("DestinationConfig" in mapping for mapping in mappings) == [False, True]
