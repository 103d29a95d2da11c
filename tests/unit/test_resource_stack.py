"""The resources stack of a stage: the parameters that it gets."""

from types import SimpleNamespace
from typing import Any

import pytest

from ops.deploy.change_sets import Wanted
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
