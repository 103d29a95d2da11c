"""Stages that were copied by hand: whatever still names the other stage is found beforehand."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ops.cli.commands import main
from ops.deploy.config_names import names_of_config
from ops.deploy.findings import findings_in
from ops.deploy.planned_stage import planned_stage
from ops.deploy.problems import DeploymentProblem
from ops.deploy.stage_config import StageConfig
from ops.deploy.stage_files import stage_like, write_stage
from ops.lint.names_rule import foreign_names
from ops.stack_outputs import resource_variables
from ops.stage_names import seal_key_alias
from tests.configuration.own import policy_text
from tests.project import copy_without_requirements, outputs_of

COPY, FUNCTIONS = "eu", ("api", "processor", "events", "seals")
CONFIG = Path(".chalice/config.json")


@pytest.fixture
def project(tmp_path: Path, deployments: Path) -> Path:
    """Make a project with a stage that is as it should be."""
    project = copy_without_requirements(tmp_path / "orders", deployments)
    write_stage(project, stage_like(StageConfig.load(project, "dev"), COPY))
    return project


def broken_rules(project: Path) -> list[str]:
    findings = findings_in(planned_stage(StageConfig.load(project, COPY)))
    return [finding.rule.name for finding in findings]


def places_of_others(project: Path) -> list[str]:
    """Say which places name another stage: what the rule finds in the configuration."""
    return list(foreign_names(COPY, names_of_config(StageConfig.load(project, COPY))))


def change(project: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((project / CONFIG).read_text())
    edit(config["stages"][COPY])
    (project / CONFIG).write_text(json.dumps(config))


def copy_policy(project: Path, function: str) -> None:
    policies = project / CONFIG.parent
    shutil.copy(policies / f"policy-{function}-dev.json", policies / f"policy-{function}-eu.json")


def copy_resource(project: Path, function: str, statement: int) -> None:
    """Leave one statement of a policy as it is in the other stage's."""
    paths = [project / CONFIG.parent / f"policy-{function}-{stage}.json" for stage in ("dev", COPY)]
    other, own = (json.loads(path.read_text()) for path in paths)
    own["Statement"][statement] = other["Statement"][statement]
    paths[1].write_text(json.dumps(own))


VARIABLES = {"ORDERS_SERVICE": "orders-dev", **resource_variables(outputs_of("dev"))}
STATEMENTS = [
    (function, number)
    for function in FUNCTIONS
    for number in range(len(json.loads(policy_text(function, "dev"))["Statement"]))
]


def test_a_stage_with_its_own_names_breaks_no_rule(project: Path) -> None:
    assert broken_rules(project) == []


@pytest.mark.parametrize("name", VARIABLES)
def test_a_setting_of_the_other_stage_is_found(project: Path, name: str) -> None:
    change(project, lambda stage: stage["environment_variables"].update({name: VARIABLES[name]}))

    (place,) = places_of_others(project)
    assert place.startswith(f"{name} of stage eu in .chalice/config.json")


@pytest.mark.parametrize(
    "edit",
    [
        lambda stage: stage["tags"].update(stage="dev"),
        lambda stage: stage.update(api_gateway_stage="dev"),
        lambda stage: stage.pop("api_gateway_stage"),
        lambda stage: stage["environment_variables"].pop("ORDERS_SERVICE"),
        *[
            lambda stage, key=key, function=function: stage["lambda_functions"][key].update(
                iam_policy_file=f"policy-{function}-dev.json"
            )
            for key, function in zip(
                ("api_handler", "process_orders", "publish_events", "seal_days"),
                FUNCTIONS,
                strict=True,
            )
        ],
    ],
    ids=["tag", "API stage", "no API stage", "no service", *FUNCTIONS],
)
def test_a_part_of_the_other_stage_is_found(
    project: Path, edit: Callable[[dict[str, Any]], object]
) -> None:
    change(project, edit)

    assert broken_rules(project) == ["own-names"]


@pytest.mark.parametrize(("function", "statement"), STATEMENTS)
def test_each_statement_of_the_others_policies_is_found(
    project: Path, function: str, statement: int
) -> None:
    copy_resource(project, function, statement)

    (place,) = places_of_others(project)
    named = place.removeprefix(f".chalice/policy-{function}-eu.json names another stage: ")
    # A key's own ARN names no stage: an alias of it does.
    assert named.startswith("arn:*:") or named == seal_key_alias("dev")


def test_a_package_of_a_plain_copy_is_refused_with_what_to_type(
    project: Path, tmp_path: Path
) -> None:
    for function in FUNCTIONS:
        copy_policy(project, function)
    change(project, lambda stage: stage["environment_variables"].update(VARIABLES))
    arguments = ["--stage", COPY, "--out", str(tmp_path / "out"), "--project-dir", str(project)]

    done = CliRunner().invoke(main, ["package", *arguments])

    assert done.exit_code == 1
    assert done.output.startswith("Error: Stage eu would break a rule of `ops lint`;")
    assert ".chalice/policy-processor-eu.json names another stage: arn:*:sqs" in done.output
    assert "`python -m ops stage remove eu` and `python -m ops stage new eu`" in done.output
    assert "`--despite own-names`" in done.output
    assert not (tmp_path / "out").exists()


def test_a_rule_may_be_waived_by_its_name_and_is_then_a_warning(
    project: Path, tmp_path: Path
) -> None:
    change(project, lambda stage: stage["environment_variables"].update(VARIABLES))
    arguments = ["--stage", COPY, "--out", str(tmp_path / "out"), "--project-dir", str(project)]
    arguments += ["--without-vendor"]

    other = CliRunner().invoke(main, ["package", *arguments, "--despite", "alarms"])
    done = CliRunner().invoke(main, ["package", *arguments, "--despite", "own-names"])

    assert other.exit_code == 1
    assert done.exit_code == 0, done.output
    assert "Warning: own-names is broken, as was asked for: ORDERS_SERVICE" in done.output


@pytest.mark.parametrize("text", [None, "{"])
def test_a_policy_that_cannot_be_read_is_named(project: Path, text: str | None) -> None:
    path = project / CONFIG.parent / "policy-events-eu.json"
    path.unlink() if text is None else path.write_text(text)
    arguments = ["--stage", COPY, "--out", "out", "--project-dir", str(project)]

    done = CliRunner().invoke(main, ["package", *arguments])

    assert done.exit_code == 1
    assert "names the policy policy-events-eu.json, which can't be read" in done.output


def test_a_template_that_lost_a_part_is_said_to_have_none(project: Path) -> None:
    path = project / "infrastructure" / "resources.yaml"
    path.write_text(path.read_text().replace("  OrdersTable:", "  OtherTable:"))

    with pytest.raises(DeploymentProblem, match="have no 'OrdersTable', which the rules"):
        broken_rules(project)


def test_a_template_may_have_more_of_the_same_kind(project: Path) -> None:
    path = project / "infrastructure" / "resources.yaml"
    more = "  Mine: {Type: AWS::S3::Bucket, Properties: {}}"
    path.write_text(path.read_text().replace("\nOutputs:", f"\n{more}\n\nOutputs:"))

    assert broken_rules(project) == []
