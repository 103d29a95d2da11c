"""A stage's configuration: read with care, and written with nothing else of the file touched."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.deploy.config_text import with_variables
from ops.deploy.problems import DeploymentProblem
from ops.deploy.stage_config import StageConfig
from tests.configuration.own import TEXT

OUTPUTS = {
    "QueueName": "orders-dev",
    "QueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/orders-dev",
    "DeadLetterQueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/orders-dlq-dev",
    "BucketName": "orders-dev-111122223333",
    "TableName": "orders-dev",
    "DashboardName": "orders-dev",
}
BY_HAND = """{
    "app_name": "orders",
    "stages": {
        "prod": {"lambda_functions": {"api_handler": {"lambda_timeout": 29}}},
        "dev": {
            "lambda_memory_size": 512,
            "environment_variables": {"ORDERS_AUTH": "iam", "MINE": "\\u00e4, {\\"}"},
            "tags": {"a": "b"}
        }
    }
}
"""


def project(directory: Path, text: str = BY_HAND) -> Path:
    (directory / ".chalice").mkdir()
    (directory / ".chalice" / "config.json").write_text(text)
    return directory


def text_of(directory: Path) -> str:
    return (directory / ".chalice" / "config.json").read_text()


def stage(directory: Path, **settings: Any) -> StageConfig:
    text = json.dumps({"stages": {"dev": settings}})
    return StageConfig.load(project(directory, text), "dev")


def test_the_outputs_are_recorded_under_the_names_that_the_app_reads(tmp_path: Path) -> None:
    config = StageConfig.load(project(tmp_path), "dev")

    changed = config.record(OUTPUTS)

    variables = StageConfig.load(tmp_path, "dev").variables
    assert set(changed) == variables.keys() - {"ORDERS_AUTH", "MINE"}
    assert variables["ORDERS_QUEUE_URL"] == OUTPUTS["QueueUrl"]
    assert variables["ORDERS_DLQ_URL"] == OUTPUTS["DeadLetterQueueUrl"]
    assert (variables["ORDERS_AUTH"], variables["MINE"]) == ("iam", 'ä, {"}')


def test_the_settings_of_events_are_recorded_while_they_are_on_and_emptied_when_off(
    tmp_path: Path,
) -> None:
    config = StageConfig.load(project(tmp_path), "dev")
    events = {"EventsKind": "sns", "EventsTarget": "arn:topic", "TableStreamArn": "arn:stream"}
    names = ["ORDERS_EVENTS", "ORDERS_EVENTS_TARGET", "ORDERS_STREAM_ARN"]

    assert set(names) <= set(config.record(OUTPUTS | events))
    on = StageConfig.load(tmp_path, "dev").variables
    assert config.record(OUTPUTS) == names
    off = StageConfig.load(tmp_path, "dev").variables

    assert [on[name] for name in names] == ["sns", "arn:topic", "arn:stream"]
    assert [off[name] for name in names] == ["", "", ""]
    assert config.record(OUTPUTS) == []


def test_the_rest_of_the_file_stays_unchanged(tmp_path: Path) -> None:
    config = StageConfig.load(project(tmp_path), "dev")

    config.record(OUTPUTS)

    before, _, after = BY_HAND.partition('{"ORDERS_AUTH": "iam", "MINE": "\\u00e4, {\\"}"}')
    assert text_of(tmp_path).startswith(before)
    assert text_of(tmp_path).endswith(after)


def test_recording_the_same_again_does_not_touch_the_file(tmp_path: Path) -> None:
    StageConfig.load(project(tmp_path), "dev").record(OUTPUTS)
    before = text_of(tmp_path)

    changed = StageConfig.load(tmp_path, "dev").record(OUTPUTS)

    assert changed == []
    assert text_of(tmp_path) == before


def test_a_usual_file_gets_five_lines_and_no_other_change(tmp_path: Path) -> None:
    StageConfig.load(project(tmp_path, TEXT), "prod").record(OUTPUTS)

    # The line before them gets a comma.
    kept = [line.rstrip(",") for line in TEXT.splitlines()]
    lines = [line.rstrip(",") for line in text_of(tmp_path).splitlines()]
    assert len(lines) == len(kept) + 5
    assert [line for line in lines if line not in kept][:1] == [
        '        "ORDERS_QUEUE_NAME": "orders-dev"'
    ]


@pytest.mark.parametrize("dev", ["{}", '{\n    "tags": {}\n  }'])
def test_a_stage_without_variables_gets_them(dev: str) -> None:
    text = f'{{"stages": {{\n  "dev": {dev}\n}}}}'

    written = with_variables(text, "dev", {"A": "b"})

    expected = json.loads(text)
    expected["stages"]["dev"]["environment_variables"] = {"A": "b"}
    assert json.loads(written) == expected


def test_the_error_of_an_unknown_stage_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DeploymentProblem, match="no stage 'qa': take one of prod, dev"):
        StageConfig.load(project(tmp_path), "qa")


def test_the_local_stage_is_never_deployed(tmp_path: Path) -> None:
    with pytest.raises(DeploymentProblem, match="`make run`"):
        StageConfig.load(project(tmp_path), "local")


def test_a_config_that_is_not_json_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DeploymentProblem, match=r"config\.json is not JSON .*mend it"):
        StageConfig.load(project(tmp_path, "{"), "dev")


def test_the_error_of_a_missing_config_says_this_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(DeploymentProblem, match="run this in the checkout"):
        StageConfig.load(tmp_path, "dev")


@pytest.mark.parametrize(
    ("settings", "is_open"),
    [
        ({}, False),
        ({"environment_variables": {"ORDERS_AUTH": "iam"}}, False),
        ({"environment_variables": {"ORDERS_AUTH": "none"}}, True),
        (
            {
                "environment_variables": {"ORDERS_AUTH": "iam"},
                "lambda_functions": {
                    "api_handler": {"environment_variables": {"ORDERS_AUTH": "none"}}
                },
            },
            True,
        ),
    ],
)
def test_a_stage_is_open_if_any_function_is(
    tmp_path: Path, settings: dict[str, Any], is_open: bool
) -> None:
    assert stage(tmp_path, **settings).is_open is is_open


def test_a_variable_of_the_whole_project_opens_a_stage_too(tmp_path: Path) -> None:
    text = json.dumps({"environment_variables": {"ORDERS_AUTH": "none"}, "stages": {"dev": {}}})

    assert StageConfig.load(project(tmp_path, text), "dev").is_open


@pytest.mark.parametrize(
    "config",
    [
        {"environment_variables": {"A": "1"}, "stages": {"dev": {}}},
        {"stages": {"dev": {"environment_variables": {"A": "1"}}}},
        {"stages": {"dev": {"lambda_functions": {"f": {"environment_variables": {"A": "1"}}}}}},
    ],
    ids=["project", "stage", "function"],
)
def test_a_variable_counts_wherever_chalice_reads_it(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    read = StageConfig.load(project(tmp_path, json.dumps(config)), "dev")

    assert read.any_function_has("A", "1")
    assert not read.any_function_has("A", "2")
