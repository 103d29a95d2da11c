"""The application over fakes, app.py over an application, and a client of it."""

import gc
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from chalice.app import Chalice
from chalice.test import Client

from chalicelib.application import Application
from chalicelib.aws.clients import LambdaClients
from chalicelib.services.health import Health, checks_of
from tests.fakes import FakeArchive, FakeKeyStore, FakeQueue, FakeRecordStore

ENVIRONMENT = {
    "ORDERS_QUEUE_URL": "https://queue.example/orders",
    "ORDERS_DLQ_URL": "https://queue.example/orders-dlq",
    "ORDERS_BUCKET": "orders",
    "ORDERS_TABLE": "orders",
    # `sqs_record` makes messages of this sender.
    "ORDERS_API_ROLE_ID": "AIDAEXAMPLE",
}


class FakeApplication(Application):
    """The services over fakes. `settings` are environment variables."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        new_id: Callable[[], str] = lambda: "id-1",
        queue: FakeQueue | None = None,
        **settings: str,
    ) -> None:
        super().__init__(ENVIRONMENT | settings, LambdaClients(), clock=clock, new_id=new_id)
        self.fake_queue = queue or FakeQueue()
        self.fake_records = FakeRecordStore()
        self.fake_keys = FakeKeyStore()
        self.fake_archive = FakeArchive()
        checks = checks_of(self.fake_queue, self.fake_archive, self.fake_records)
        # These stand in for the services that would be made at first use.
        vars(self).update(
            queue=self.fake_queue,
            records=self.fake_records,
            keys=self.fake_keys,
            archive=self.fake_archive,
            urls=self.fake_archive,
            health=Health(checks),
        )


def load_app(application: Application | None = None) -> Any:
    """
    Load a copy of app.py of one's own, over an application.

    Without one it makes its own, from the environment of this process.
    """
    spec = spec_from_file_location("app", "app.py")
    assert spec
    assert spec.loader
    module: ModuleType = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    finally:
        # A function loads it once, for good; a test does not.
        gc.unfreeze()
        gc.enable()
    if application:
        vars(module)["application"] = lambda: application
    return module


def client_of(app: Chalice) -> Client:
    """
    Make Chalice's own test client, which sets no variables of a stage.

    Those of the stage dev in the working directory would be the checkout's.
    """
    without_configuration = Path(__file__).parent
    return Client(app, project_dir=str(without_configuration))


def project_with(directory: Path, **variables: Mapping[str, str]) -> Path:
    """Make a project of Chalice's in a directory, with the variables of each of its stages."""
    stages = {name: {"environment_variables": dict(each)} for name, each in variables.items()}
    config = {"version": "2.0", "app_name": "orders", "stages": stages}
    (directory / ".chalice").mkdir()
    (directory / ".chalice" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return directory
