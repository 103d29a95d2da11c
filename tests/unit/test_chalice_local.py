"""`chalice local`: whoever types it is told at once what is lacking, and what to type."""

import logging
from types import SimpleNamespace

import pytest

from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.chalice_local import warn_of_what_is_lacking, what_is_lacking
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
