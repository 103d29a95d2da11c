"""The stages in the checkout's .chalice/config.json, as shipped or as their user has them."""

from typing import Any

import pytest

from chalicelib.settings import LogSettings
from tests.configuration.checkout import FUNCTIONS, CheckoutStage

pytestmark = pytest.mark.any_configuration


@pytest.fixture
def settings(checkout_stage: CheckoutStage) -> dict[str, Any]:
    return checkout_stage.settings


def test_the_stage_is_part_of_every_name_that_several_stages_share(
    checkout_stage: CheckoutStage, settings: dict[str, Any]
) -> None:
    """All have APIs of the same name: they are told apart by API Gateway's stage."""
    assert settings["api_gateway_stage"] == checkout_stage.name
    service = LogSettings.from_env(settings["environment_variables"]).service
    assert service == f"orders-{checkout_stage.name}"


def test_each_function_has_its_own_written_policy(
    checkout_stage: CheckoutStage, settings: dict[str, Any]
) -> None:
    files = [checkout_stage.policy_file(function) for function in FUNCTIONS]

    assert checkout_stage.config["autogen_policy"] is False
    assert settings["lambda_functions"].keys() >= set(FUNCTIONS.values())
    assert len(set(files)) == len(FUNCTIONS)
    assert [file for file in files if not file.exists()] == []


def test_chalice_deploy_alone_never_enables_partial_batches(settings: dict[str, Any]) -> None:
    """It can't set ReportBatchItemFailures; only the merge template sets both."""
    assert settings["environment_variables"]["ORDERS_PARTIAL_BATCH"] == "disabled"
