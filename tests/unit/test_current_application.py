"""The app's application follows the environment, which Chalice's test client changes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client

from chalicelib.application import CurrentApplication
from chalicelib.settings import SettingsError
from tests.application import ENVIRONMENT, load_app, project_with


class Process:
    """A process whose environment can be put into another's place."""

    def __init__(self, **variables: str) -> None:
        self.environment: Mapping[str, str] = ENVIRONMENT | variables

    def current(self) -> Mapping[str, str]:
        return self.environment


class CountingReads(dict[str, str]):
    """An environment that counts how often somebody looks at all of it."""

    reads = 0

    def items(self) -> Any:
        self.reads += 1
        return super().items()


def stage_with(table: str) -> Mapping[str, str]:
    return ENVIRONMENT | {"ORDERS_TABLE": table}


def test_an_environment_has_one_application() -> None:
    application = CurrentApplication(Process().current)

    assert application() is application()


def test_a_call_in_the_same_environment_reads_none_of_it() -> None:
    """It costs an order nothing, as long as Lambda's environment stays where it is."""
    environment = CountingReads(ENVIRONMENT)
    application = CurrentApplication(lambda: environment)
    application()
    reads = environment.reads

    for _ in range(3):
        application()

    assert environment.reads == reads > 0


def test_another_environment_gets_an_application_of_its_own() -> None:
    process = Process(ORDERS_TABLE="mine")
    application = CurrentApplication(process.current)
    mine = application()

    process.environment = ENVIRONMENT | {"ORDERS_TABLE": "yours"}

    assert application().settings.table == "yours"
    assert mine.settings.table == "mine"


def test_a_copy_of_the_settings_keeps_the_application() -> None:
    """Chalice's test client makes a copy for each call, and pytest names each test in it."""
    process = Process(PYTEST_CURRENT_TEST="one")
    application = CurrentApplication(process.current)
    first = application()

    process.environment = {**process.environment, "PYTEST_CURRENT_TEST": "two"}

    assert application() is first


@pytest.mark.parametrize(
    "name", ["AWS_ENDPOINT_URL", "LOG_LEVEL", "ORDERS_AUDIT_SHARDS", "POWERTOOLS_LOG_LEVEL"]
)
def test_a_setting_more_makes_another_application(name: str) -> None:
    process = Process()
    application = CurrentApplication(process.current)
    first = application()

    process.environment = {**process.environment, name: "5"}

    assert application() is not first


def test_a_change_since_the_last_copy_is_seen() -> None:
    """A test sets its variables in the environment itself, after the app was imported."""
    own: dict[str, str] = dict(ENVIRONMENT)
    process = Process()
    process.environment = own
    application = CurrentApplication(process.current)
    first = application()
    own["ORDERS_TABLE"] = "changed"

    process.environment = dict(own)

    assert application() is not first
    assert application().settings.table == "changed"


def test_the_test_client_applies_the_variables_of_its_stage(tmp_path: Path) -> None:
    """As a reader of Chalice's documentation expects of `Client(app, stage_name=...)`."""
    project = project_with(tmp_path, one=stage_with("first"), two=stage_with("second"))
    module = load_app()
    module.app.lambda_function(name="table")(lambda *_: module.application().settings.table)

    one, two = (Client(module.app, stage, project_dir=str(project)) for stage in ("one", "two"))

    assert one.lambda_.invoke("table").payload == "first"
    assert two.lambda_.invoke("table").payload == "second"
    assert one.lambda_.invoke("table").payload == "first"


def test_the_variables_of_a_stage_end_with_its_call(tmp_path: Path) -> None:
    project = project_with(tmp_path, one=stage_with("first"))
    module = load_app()
    module.app.lambda_function(name="table")(lambda *_: module.application().settings.table)
    Client(module.app, "one", project_dir=str(project)).lambda_.invoke("table")

    with pytest.raises(SettingsError, match="is not set"):
        _ = module.application().settings


def test_a_function_without_its_settings_fails_while_its_module_loads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Lambda then says so at once, not at the first order."""
    monkeypatch.setenv("_HANDLER", "app.process_orders")

    with pytest.raises(SettingsError, match="ORDERS_QUEUE_URL is not set"):
        load_app()
