"""Chalice's commands: whoever types one is told at once what is lacking or bad, and what to do."""

import logging
from types import SimpleNamespace

import pytest

from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.chalice_local import refuse_bad_settings, warn_of_what_is_lacking, what_is_lacking
from chalicelib.services.health import HealthStatus
from tests.application import ENVIRONMENT, load_app

LOCAL = ENVIRONMENT | {"ORDERS_QUEUE_URL": "http://127.0.0.1:4566/000000000000/orders-local"}
COMMAND = "chalice local --stage local --port 8080"


@pytest.fixture(autouse=True)
def endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4570")


def application(
    environment: dict[str, str], status: HealthStatus = HealthStatus.PASS
) -> Application:
    made = Application(environment, LambdaClients())
    vars(made)["health"] = SimpleNamespace(report=lambda: SimpleNamespace(status=status))
    return made


def test_a_stage_without_resources_is_not_the_one_that_was_meant() -> None:
    said = what_is_lacking(application({}))

    assert said
    assert said.startswith("ORDERS_QUEUE_URL is not set: ")
    assert "Chalice takes stage dev unless one is named." in said
    assert said.endswith(f": {COMMAND}")
    assert "\n" not in said


def test_a_local_stage_that_does_not_answer_is_started_or_is_on_another_port() -> None:
    said = what_is_lacking(application(LOCAL, HealthStatus.FAIL))

    assert said
    assert said.startswith("The local stage does not answer at http://127.0.0.1:4570: type `make")
    assert said.endswith(f": AWS_ENDPOINT_URL=http://127.0.0.1:PORT {COMMAND}")
    assert "\n" not in said


@pytest.mark.parametrize("status", [HealthStatus.PASS, HealthStatus.WARN])
def test_a_local_stage_that_answers_lacks_nothing(
    status: HealthStatus, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "chalicelib"):
        warn_of_what_is_lacking(application(LOCAL, status))

    assert caplog.records == []


def test_nothing_is_asked_of_a_stage_on_aws() -> None:
    assert what_is_lacking(application(ENVIRONMENT, HealthStatus.FAIL)) is None


@pytest.mark.parametrize("typed", ["", "true"])
def test_only_a_command_of_chalices_says_what_is_lacking(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, typed: str
) -> None:
    monkeypatch.setenv("AWS_CHALICE_CLI_MODE", typed)
    monkeypatch.delenv("ORDERS_QUEUE_URL", raising=False)

    with caplog.at_level(logging.WARNING, "chalicelib"):
        load_app()

    said = [line.getMessage() for line in caplog.records if line.name == "chalicelib"]
    assert [COMMAND in line for line in said] == ([True] if typed else [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDERS_ARCHIVE", "nonsense"),
        ("ORDERS_AUDIT_SHARDS", "0"),
        ("ORDERS_LOG_FORMAT", "xml"),
        ("ORDERS_PARTIAL_BATCH", "yes"),
    ],
)
def test_a_bad_value_ends_a_command_of_chalices_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, value: str
) -> None:
    """`chalice deploy` would make functions that fail with their first order."""
    monkeypatch.setenv("AWS_CHALICE_CLI_MODE", "true")
    for setting, good in {**ENVIRONMENT, name: value}.items():
        monkeypatch.setenv(setting, good)

    with pytest.raises(SystemExit) as ended:
        load_app()

    assert ended.value.code == 1
    (said,) = [line.getMessage() for line in caplog.records if line.name == "chalicelib"]
    assert said.startswith(f"Error: {name} must be ")
    assert said.endswith(f"it is '{value}'. Write another value into .chalice/config.json.")
    assert "\n" not in said


def test_a_bad_value_of_what_events_are_of_counts_where_there_are_events(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = {"ORDERS_EVENTS": "sns", "ORDERS_EVENTS_TARGET": "arn", "ORDERS_EVENTS_OF": "some"}

    refuse_bad_settings(ENVIRONMENT | {"ORDERS_EVENTS_OF": "some"})
    with pytest.raises(SystemExit):
        refuse_bad_settings(ENVIRONMENT | events)

    assert "ORDERS_EVENTS_OF must be one of accepted, all" in caplog.text


@pytest.mark.parametrize("name", ["POWERTOOLS_DEV", "LOG_LEVEL"])
def test_a_value_that_is_ignored_on_lambda_ends_no_command(name: str) -> None:
    refuse_bad_settings(ENVIRONMENT | {name: "nonsense"})


def test_a_stage_whose_resources_are_not_there_yet_is_warned_of_and_not_refused() -> None:
    refuse_bad_settings({})


@pytest.mark.parametrize("name", ["ORDERS_ARCHIVE", "ORDERS_LOG_FORMAT"])
def test_a_function_on_lambda_is_not_refused_at_import(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Somebody's own variable may have the name by which Chalice's commands are known."""
    monkeypatch.setenv("AWS_CHALICE_CLI_MODE", "true")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-dev")
    for setting, value in {**ENVIRONMENT, name: "nonsense"}.items():
        monkeypatch.setenv(setting, value)

    assert load_app().app
