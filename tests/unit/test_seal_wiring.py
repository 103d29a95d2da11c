"""The application seals with the KMS key that its settings name; nobody else pays for it."""

import subprocess
import sys
from datetime import timedelta

import pytest
from moto import mock_aws

from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.orders.times import now
from chalicelib.services.sealing import OVER_AFTER
from chalicelib.settings import SEAL_KEY, Settings, SettingsError
from tests.full_stage import stage_holding


def test_the_application_seals_with_the_key_of_its_settings() -> None:
    with stage_holding("plain") as desk:
        tomorrow = now() + timedelta(days=1) + OVER_AFTER
        environment = desk.stage.environment
        application = Application(environment, desk.stage, clock=lambda: tomorrow)

        (*_, seal) = application.sealing.seal(application.sealing.unsealed_days())

        assert seal.key_id == environment[SEAL_KEY]
        assert seal.statement.stage == desk.stage.settings.table.removeprefix("orders-")
        assert seal.statement.records > 0
        assert seal.statement.entries > 0


def test_an_application_without_a_key_says_what_to_do() -> None:
    with stage_holding("plain") as desk:
        environment = {**desk.stage.environment, SEAL_KEY: ""}
        application = Application(environment, desk.stage)

        with pytest.raises(SettingsError, match=f"{SEAL_KEY} is not set"):
            _ = application.sealing


@mock_aws
def test_a_function_makes_its_client_of_kms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    assert LambdaClients().kms.meta.service_model.service_name == "kms"


def test_the_settings_name_the_stage() -> None:
    urls = {"ORDERS_QUEUE_URL": "q", "ORDERS_DLQ_URL": "d", "ORDERS_BUCKET": "b"}

    assert Settings.from_env(urls | {"ORDERS_TABLE": "orders-dev"}).stage == "dev"


def test_the_app_loads_nothing_of_sealing() -> None:
    """A cold start of the API or of the processor must not pay for it."""
    script = (
        "import sys, chalicelib.application; "
        "print([name for name in sys.modules if 'seal' in name or 'merkle' in name])"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"
