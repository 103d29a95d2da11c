"""A deployment keeps a pause."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ops.deploy.kept_pause import KeptPause
from ops.deploy.problems import DeploymentProblem
from tests.fake_lambda import FakeLambda, mapping_id
from tests.resources import create_resources


class Screen:
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class Deployment:
    """A stage of moto, its Lambda's mappings, and what the screen is told."""

    def __init__(self, *, feeds: bool = True, denied: str = "") -> None:
        variables = create_resources("prod")
        sqs = boto3.client("sqs")
        answer = sqs.get_queue_attributes(
            QueueUrl=variables["ORDERS_QUEUE_URL"], AttributeNames=["QueueArn"]
        )
        queues = [answer["Attributes"]["QueueArn"]] if feeds else []
        self.functions = FakeLambda(*queues, denied=denied)
        self._mapping = mapping_id(self.functions.function)
        self.screen = Screen()
        aws: Any = SimpleNamespace(sqs=sqs, awslambda=self.functions)
        config: Any = SimpleNamespace(stage="prod", variables=variables)
        screen: Any = self.screen
        self._given = (config, aws, screen)

    def begin(self) -> KeptPause:
        return KeptPause(*self._given)

    def roll_back(self) -> None:
        self.state = "Enabled"
        raise DeploymentProblem("It was rolled back.")

    @property
    def state(self) -> str:
        return str(self.functions.mappings[self._mapping]["State"])

    @state.setter
    def state(self, state: str) -> None:
        self.functions.mappings[self._mapping]["State"] = state


def test_a_stage_that_is_not_paused_is_left_alone() -> None:
    with mock_aws():
        deployment = Deployment()

        with deployment.begin() as pause:
            pass

        assert (pause.is_paused, deployment.functions.updates) == (False, [])
        assert deployment.screen.warnings == []


@pytest.mark.parametrize("afterwards", ["Disabled", "Enabled"])
def test_a_pause_is_there_after_the_deployment_whatever_it_did(afterwards: str) -> None:
    with mock_aws():
        deployment = Deployment()
        deployment.state = "Disabled"

        with deployment.begin() as pause:
            deployment.state = afterwards

        assert pause.is_paused
        assert deployment.state == "Disabled"
        (warning,) = deployment.screen.warnings
        assert "python -m ops resume --stage prod" in warning


def test_a_deployment_that_fails_does_not_end_a_pause() -> None:
    with mock_aws():
        deployment = Deployment()
        deployment.state = "Disabled"

        with pytest.raises(DeploymentProblem, match="rolled back"), deployment.begin():
            deployment.roll_back()

        assert deployment.state == "Disabled"


def test_a_pause_that_can_not_be_made_again_is_a_problem() -> None:
    with mock_aws():
        deployment = Deployment(denied="UpdateEventSourceMapping")
        deployment.state = "Disabled"
        words = "python -m ops pause --why WHY --stage prod"

        with pytest.raises(DeploymentProblem, match=words), deployment.begin():
            deployment.state = "Enabled"


def test_a_first_deployment_has_no_pause() -> None:
    with mock_aws():
        pause = Deployment(feeds=False).begin()

        assert not pause.is_paused


def test_who_may_not_look_deploys_all_the_same() -> None:
    with mock_aws():
        pause = Deployment(denied="ListEventSourceMappings").begin()

        assert not pause.is_paused
