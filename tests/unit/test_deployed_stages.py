"""The settings of the deployed stages in .chalice/config.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.settings import AppSettings, LogSettings
from ops.lint.stage_rules import API_GATEWAY_LIMIT_SECONDS
from tests.project import STAGES

CONFIG = json.loads(Path(".chalice/config.json").read_text())
# Settings that differ from stage to stage.
OF_A_STAGE = {
    "ORDERS_SERVICE",
    "ORDERS_MAXIMUM_CONCURRENCY",
    "ORDERS_QUEUE_NAME",
    "ORDERS_QUEUE_URL",
    "ORDERS_DLQ_URL",
    "ORDERS_BUCKET",
    "ORDERS_TABLE",
}


def stage(name: str) -> dict[str, Any]:
    settings: dict[str, Any] = CONFIG["stages"][name]
    return settings


@pytest.mark.parametrize("name", STAGES)
def test_a_deployed_stage_is_closed_small_and_on_arm(name: str) -> None:
    settings = stage(name)

    assert AppSettings.from_env(settings["environment_variables"]).closed
    assert settings["api_gateway_endpoint_type"] == "REGIONAL"
    assert (settings["lambda_architecture"], settings["lambda_memory_size"]) == ("arm64", 512)


@pytest.mark.parametrize("name", STAGES)
def test_each_function_ends_before_its_caller_stops_waiting(name: str) -> None:
    functions = stage(name)["lambda_functions"]

    assert functions["api_handler"]["lambda_timeout"] < API_GATEWAY_LIMIT_SECONDS
    assert functions["process_orders"]["lambda_timeout"] == 60


@pytest.mark.parametrize("name", STAGES)
def test_the_stage_is_part_of_every_name_that_several_stages_share(name: str) -> None:
    """All have APIs of the same name: they are told apart by API Gateway's stage."""
    variables = stage(name)["environment_variables"]

    assert stage(name)["api_gateway_stage"] == name
    assert LogSettings.from_env(variables).service == f"orders-{name}"


@pytest.mark.parametrize("name", STAGES)
def test_each_function_has_its_own_written_policy(name: str) -> None:
    functions = stage(name)["lambda_functions"]

    files = [function["iam_policy_file"] for function in functions.values()]

    assert CONFIG["autogen_policy"] is False
    assert files == [
        f"policy-api-{name}.json",
        f"policy-processor-{name}.json",
        f"policy-events-{name}.json",
    ]
    assert all((Path(".chalice") / file).exists() for file in files)


@pytest.mark.parametrize("name", STAGES)
def test_chalice_deploy_alone_never_enables_partial_batches(name: str) -> None:
    """It can't set ReportBatchItemFailures; only the merge template sets both."""
    assert stage(name)["environment_variables"]["ORDERS_PARTIAL_BATCH"] == "disabled"


def test_stages_have_the_same_settings() -> None:
    dev, prod = (stage(name) for name in STAGES)

    assert dev.keys() == prod.keys()
    variables = [
        {
            key: value
            for key, value in settings["environment_variables"].items()
            if key not in OF_A_STAGE
        }
        for settings in (dev, prod)
    ]
    assert variables[0] == variables[1]
