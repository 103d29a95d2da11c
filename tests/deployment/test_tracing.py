"""X-Ray: one setting of a stage turns it on for the API and the functions, with their rights."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint import api as cfnlint

from ops.deploy.packaging import PackagedApp, package_app
from ops.deploy.tracing import WRITE_TRACES
from ops.lint.rules import RULES
from ops.lint.template import Template
from ops.lint.templates import stage_of_templates
from ops.project import RESOURCES_TEMPLATE
from tests.deployment.sam import of_type, translated
from tests.deployment.test_sam import EVENTS
from tests.project import change_stage, copy_without_requirements, outputs_of, record_resources

FUNCTIONS = {"APIHandler": "api", "ProcessOrders": "processor", "PublishEvents": "events"}


def project_with(directory: Path, deployments: Path, **settings: Any) -> Path:
    project = copy_without_requirements(directory / "orders", deployments)
    record_resources(project, "dev", outputs_of("dev") | EVENTS)
    change_stage(project, "dev", {}, **settings)
    return project


def packaged_with(directory: Path, deployments: Path, **settings: Any) -> PackagedApp:
    project = project_with(directory, deployments, **settings)
    return package_app("dev", directory / "packaged", project, vendored=False)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, deployments: Path) -> PackagedApp:
    return packaged_with(tmp_path_factory.mktemp("traced"), deployments, xray=True)


def resources_of(packaged: PackagedApp) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(packaged.template.read_text(encoding="utf-8"))
    return {name: each["Properties"] for name, each in content["Resources"].items()}


def statements_of(resources: dict[str, Any], function: str) -> list[Any]:
    role, _ = resources[function]["Role"]["Fn::GetAtt"]
    (policy,) = resources[role]["Policies"]
    statements: list[Any] = policy["PolicyDocument"]["Statement"]
    return statements


def test_nothing_is_traced_unless_the_stage_says_so(tmp_path: Path, deployments: Path) -> None:
    resources = resources_of(packaged_with(tmp_path, deployments))

    assert "TracingEnabled" not in resources["RestAPI"]
    for name in FUNCTIONS:
        assert resources[name]["Tracing"] == "PassThrough"
        assert "xray" not in json.dumps(statements_of(resources, name))


def test_one_setting_traces_the_api_and_all_functions(traced: PackagedApp) -> None:
    resources = resources_of(traced)

    assert resources["RestAPI"]["TracingEnabled"] is True
    for name, file in FUNCTIONS.items():
        *written, last = statements_of(resources, name)
        policy = traced.template.parents[1] / f"orders/.chalice/policy-{file}-dev.json"
        assert resources[name]["Tracing"] == "Active"
        assert last == WRITE_TRACES
        assert written == json.loads(policy.read_text(encoding="utf-8"))["Statement"]


@pytest.mark.aws_part("AWS SAM translator")
def test_cloudformation_turns_tracing_on(traced: PackagedApp) -> None:
    made = translated(traced)

    (stage,) = of_type(made, "AWS::ApiGateway::Stage")
    functions = of_type(made, "AWS::Lambda::Function")
    assert stage["TracingEnabled"] is True
    assert [each["TracingConfig"] for each in functions] == [{"Mode": "Active"}] * len(FUNCTIONS)


def test_a_traced_template_is_valid_and_keeps_the_rule(traced: PackagedApp) -> None:
    project = traced.template.parents[1] / "orders"
    resources = Template(project / RESOURCES_TEMPLATE, Stage="dev", MaxConcurrency="10")
    stage = stage_of_templates("dev", resources, Template(traced.template))

    assert cfnlint.lint_file(traced.template) == []
    assert (stage.gateway.traced, stage.api.traced, stage.processor.traced) == (True, True, True)
    assert "tracing" not in {rule.name for rule in RULES if rule.broken_by(stage)}


def test_a_policy_that_has_the_right_for_chalice_deploy_gets_it_once(
    tmp_path: Path, deployments: Path
) -> None:
    project = project_with(tmp_path, deployments, xray=True)
    path = project / ".chalice" / "policy-api-dev.json"
    policy = json.loads(path.read_text(encoding="utf-8"))
    policy["Statement"].append(WRITE_TRACES)
    path.write_text(json.dumps(policy), encoding="utf-8")

    packaged = package_app("dev", tmp_path / "packaged", project, vendored=False)

    assert statements_of(resources_of(packaged), "APIHandler").count(WRITE_TRACES) == 1
