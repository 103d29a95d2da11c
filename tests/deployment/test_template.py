"""The packaged template: the rules that it keeps before CloudFormation gets it."""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from cfnlint import api as cfnlint

from chalicelib.aws.items import to_item
from chalicelib.aws.key_store import EXPIRES_AT, key_item
from chalicelib.http.requests import JSON, NDJSON
from chalicelib.orders.record import Record
from chalicelib.services.keys import UsedKey
from ops.deploy.packaging import PackagedApp
from ops.lint.rules import RULES
from ops.lint.template import Template
from ops.lint.templates import stage_of_templates
from ops.project import PROJECT_ROOT
from ops.stage_names import api_function_name, processor_name
from tests.builders import START, submission
from tests.deployment.sam import of_type
from tests.resources import properties_of_resources

RESOURCES = PROJECT_ROOT / "infrastructure" / "resources.yaml"


def content_of(packaged: PackagedApp) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(packaged.template.read_text())
    return content


def gateway_responses(packaged: PackagedApp) -> dict[str, dict[str, Any]]:
    definition = content_of(packaged)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    responses: dict[str, dict[str, Any]] = definition["x-amazon-apigateway-gateway-responses"]
    return responses


def test_both_templates_keep_every_rule(packaged: PackagedApp) -> None:
    stage = packaged.stage
    settings = stage_of_templates(
        stage, Template(RESOURCES, Stage=stage), Template(packaged.template)
    )

    assert {rule.name: rule.broken_by(settings) for rule in RULES} == {
        rule.name: [] for rule in RULES
    }


def test_cfn_lint_finds_no_fault(packaged: PackagedApp) -> None:
    """`make lint` checks the other template."""
    assert cfnlint.lint_file(packaged.template) == []


def test_every_merged_resource_meets_one_of_the_app(
    packaged: PackagedApp,
) -> None:
    """A function that is renamed in app.py gets another name: the merged part would stand alone."""
    resources = content_of(packaged)["Resources"]

    assert [name for name, resource in resources.items() if "Type" not in resource] == []


def test_the_merged_event_source_meets_the_apps(
    packaged: PackagedApp,
) -> None:
    events = content_of(packaged)["Resources"]["ProcessOrders"]["Properties"]["Events"]

    assert ["Type" in event for event in events.values()] == [True]
    assert ["Queue" in event["Properties"] for event in events.values()] == [True]


def test_functions_have_the_names_that_chalice_deploy_gives_them(packaged: PackagedApp) -> None:
    """Alarms, dashboard and log groups are made under these names, on both ways."""
    app = Template(packaged.template)

    names = {
        function["FunctionName"]: function["Handler"]
        for function in app.of_type("AWS::Serverless::Function").values()
    }

    assert names == {
        api_function_name(packaged.stage): "app.app",
        processor_name(packaged.stage): "app.process_orders",
    }


def test_the_items_that_expire_are_those_of_idempotency_keys() -> None:
    """The template names the attribute once more. No record may ever have it."""
    table = properties_of_resources()["OrdersTable"]
    whole = Record.of_first(submission(), START)._replace(
        payload="x", submitted_by="x", message_channel="web", ignored_attributes=("x",)
    )

    assert table["TimeToLiveSpecification"] == {"AttributeName": EXPIRES_AT, "Enabled": True}
    assert EXPIRES_AT in key_item(UsedKey("s-1", "0" * 64, "order-001", START))
    assert EXPIRES_AT not in to_item(whole, audit_shards=4)


def test_the_template_needs_no_parameter(packaged: PackagedApp) -> None:
    parameters = content_of(packaged)["Parameters"]

    assert [name for name, value in parameters.items() if "Default" not in value] == []
    assert parameters["Stage"]["Default"] == packaged.stage


def test_the_template_has_no_yaml_alias(packaged: PackagedApp) -> None:
    assert not re.search(r"[&*]id\d", packaged.template.read_text())


def test_the_api_is_regional_and_compresses(packaged: PackagedApp) -> None:
    properties = content_of(packaged)["Resources"]["RestAPI"]["Properties"]

    assert properties["EndpointConfiguration"] == "REGIONAL"
    assert properties["MinimumCompressionSize"] == 1024


def test_api_gateway_hands_on_the_bytes_of_a_batch(packaged: PackagedApp) -> None:
    """As text, with its quotes escaped, the largest could be more than Lambda takes."""
    definition = content_of(packaged)["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]

    binary = definition["x-amazon-apigateway-binary-media-types"]
    assert NDJSON in binary
    assert not {"*/*", "application/*", JSON}.intersection(binary)


def test_every_function_is_tagged_with_its_stage(packaged: PackagedApp) -> None:
    for function in of_type(content_of(packaged)["Resources"], "AWS::Serverless::Function"):
        assert function["Tags"].items() >= {"project": "orders", "stage": packaged.stage}.items()


def test_api_gateways_own_answers_are_problems(packaged: PackagedApp) -> None:
    documented = (PROJECT_ROOT / "docs" / "problems.md").read_text()

    for kind, response in gateway_responses(packaged).items():
        template = response["responseTemplates"]["application/json"]
        problem = json.loads(template.replace("$context.error.messageString", '"because"'))
        assert f"`{problem['type'].removeprefix('urn:orders:problem:')}`" in documented
        assert problem.get("status") == response.get("statusCode"), kind
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert headers["gatewayresponse.header.Content-Language"] == "'en'"
        assert headers["gatewayresponse.header.X-Request-Id"] == "context.requestId"
        assert headers["gatewayresponse.header.Cache-Control"] == "'no-store'"


def test_the_access_log_holds_no_order(packaged: PackagedApp) -> None:
    _, enabled, _ = content_of(packaged)["Resources"]["RestAPI"]["Properties"]["AccessLogSetting"][
        "Fn::If"
    ]

    line = json.loads(enabled["Format"])

    assert {"requestId", "status", "latencyMs", "caller"} <= line.keys()
    assert not any("input" in value or "body" in value for value in line.values())


def test_the_dashboard_shows_published_metrics_only() -> None:
    """A metric that is misspelt is an empty graph, which nobody misses until it is needed."""
    template = Template(RESOURCES, Stage="dev")
    telemetry = Path("chalicelib/telemetry.py").read_text()
    (dashboard,) = template.of_type("AWS::CloudWatch::Dashboard").values()
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]

    metrics = [metric for w in widgets for metric in w["properties"].get("metrics", [])]

    ours = {metric[1] for metric in metrics if metric[0] == "Orders"}
    assert ours >= {"OrdersReceived", "OrdersAccepted", "OrdersConflicting", "ProcessingAge"}
    assert [name for name in ours if f'"{name}"' not in telemetry] == []
    assert all("${Stage}" not in json.dumps(metric) for metric in metrics)
