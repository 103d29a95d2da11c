"""The stages of the checkout, as shipped or as their user has configured them, keep the rules."""

import json
import shutil
from pathlib import Path

import pytest

from ops.deploy.packaging import package_app
from ops.deploy.stage_config import StageConfig
from ops.lint.rules import RULES
from ops.lint.template import Template
from ops.lint.templates import stage_of_templates
from ops.project import CONFIG, PROJECT_ROOT, RESOURCES_TEMPLATE
from tests.configuration.checkout import CheckoutStage
from tests.project import copy_without_requirements, outputs_of, record_resources

pytestmark = pytest.mark.any_configuration


@pytest.fixture
def project(tmp_path: Path, checkout_stage: CheckoutStage) -> Path:
    """Copy the project with the checkout's configuration, for whatever Python runs the tests."""
    (tmp_path / "deployments").mkdir()
    project = copy_without_requirements(tmp_path / "orders", tmp_path / "deployments")
    ignored = shutil.ignore_patterns("deployed", "deployments")
    shutil.copytree(
        PROJECT_ROOT / ".chalice", project / ".chalice", dirs_exist_ok=True, ignore=ignored
    )
    config = json.loads((project / CONFIG).read_text(encoding="utf-8"))
    config["stages"][checkout_stage.name].pop("runtime", None)
    (project / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    if not StageConfig.load(project, checkout_stage.name).has_resources:
        record_resources(project, checkout_stage.name, outputs_of(checkout_stage.name))
    return project


def test_every_stage_keeps_every_rule_of_lint(
    project: Path, checkout_stage: CheckoutStage, tmp_path: Path
) -> None:
    stage = checkout_stage.name

    packaged = package_app(stage, tmp_path / "packaged", project, vendored=False)

    parameters = StageConfig.load(project, stage).resource_parameters
    resources = Template(project / RESOURCES_TEMPLATE, Stage=stage, **parameters)
    settings = stage_of_templates(stage, resources, Template(packaged.template))
    assert {rule.name: rule.broken_by(settings) for rule in RULES} == {
        rule.name: [] for rule in RULES
    }
