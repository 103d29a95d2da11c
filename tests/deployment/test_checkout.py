"""The stages of the checkout, as shipped or as their user has configured them, keep the rules."""

import pytest

from ops.deploy.findings import findings_in
from ops.deploy.planned_stage import planned_stage
from ops.deploy.stage_config import StageConfig
from ops.project import PROJECT_ROOT
from tests.configuration.checkout import CheckoutStage


@pytest.mark.any_configuration
def test_every_stage_keeps_every_rule_of_lint(checkout_stage: CheckoutStage) -> None:
    config = StageConfig.load(PROJECT_ROOT, checkout_stage.name)

    findings = findings_in(planned_stage(config))

    assert [finding.lines() for finding in findings] == []
