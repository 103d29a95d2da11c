"""The resources stack of a stage: the parameters that it gets."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ops.deploy.account import Identity
from ops.deploy.change_sets import ChangeSet, Wanted
from ops.deploy.resource_stack import ResourceStack
from ops.deploy.stage_config import StageConfig
from ops.project import PROJECT_ROOT

EMULATOR_URL = "http://127.0.0.1:4566"


class FakeStacks:
    """A stack that is as it should be: it keeps what was wanted of it."""

    def __init__(self) -> None:
        self.wanted: list[Wanted] = []

    def make_ready(self, _name: str) -> str:
        return "UPDATE"

    def plan(self, wanted: Wanted, _kind: str) -> None:
        self.wanted.append(wanted)

    def outputs(self, _name: str) -> dict[str, str]:
        return {}


def parameters_at(url: str | None, **own: str) -> dict[str, str]:
    aws: Any = SimpleNamespace(emulator_url=url, identity=SimpleNamespace(caller="arn"))
    config = StageConfig(PROJECT_ROOT, "dev", {"resource_parameters": own}, {})
    screen: Any = SimpleNamespace(say=lambda _: None)
    stacks: Any = FakeStacks()

    ResourceStack(aws, config, screen, stacks).up(lambda _: True)

    (wanted,) = stacks.wanted
    return dict(wanted.parameters)


def test_only_an_emulator_is_told_to_make_no_alarm_on_an_expression() -> None:
    assert parameters_at(EMULATOR_URL)["ExpressionAlarms"] == "off"
    assert "ExpressionAlarms" not in parameters_at(None)


@pytest.mark.parametrize("url", [EMULATOR_URL, None])
def test_a_stages_own_parameter_counts_everywhere(url: str | None) -> None:
    assert parameters_at(url, ExpressionAlarms="on")["ExpressionAlarms"] == "on"


class StacksWithout(FakeStacks):
    """No stack as yet, and a bucket that an earlier one has left."""

    def make_ready(self, _name: str) -> str:
        return "CREATE"

    def require_none(self, _name: str) -> None:
        """Find none."""

    def plan(self, wanted: Wanted, kind: str, _imports: Any = None) -> ChangeSet | None:  # type: ignore[override]
        self.wanted.append(wanted)
        return ChangeSet("1", wanted.name, "IMPORT", []) if kind == "IMPORT" else None

    def carry_out(self, _change_set: ChangeSet) -> None:
        """Take it over."""


@mock_aws
def test_a_bucket_is_taken_over_without_a_lock_so_that_the_update_turns_it_on() -> None:
    clients: dict[str, Any] = {
        name: boto3.client(name, region_name="us-east-1")
        for name in ("s3", "sqs", "dynamodb", "logs")
    }
    identity = Identity("123456789012", "arn:aws:iam::123456789012:root")
    aws: Any = SimpleNamespace(emulator_url=None, identity=identity, region="us-east-1", **clients)
    clients["s3"].create_bucket(Bucket="orders-dev-123456789012")
    parameters = {"ObjectLock": "governance", "ObjectLockDays": "30"}
    config = StageConfig(PROJECT_ROOT, "dev", {"resource_parameters": parameters}, {})
    screen: Any = SimpleNamespace(say=lambda _: None, show_changes=lambda _: None)
    stacks: Any = StacksWithout()

    ResourceStack(aws, config, screen, stacks).up(lambda _: True)

    taken_over, updated = stacks.wanted
    assert taken_over.parameters["ObjectLock"] == "off"
    assert updated.parameters["ObjectLock"] == "governance"
