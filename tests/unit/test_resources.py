"""Creating the resources: it waits, and a failure comes with CloudFormation's reasons."""

from collections import deque
from typing import Any

import pytest

from ops.local.emulator import Emulator
from ops.local.processes import ProcessFailed
from ops.local.resources import ResourcesFailed, create_resources
from ops.ports import free_port


class FakeCloudFormation:
    """Goes through the given statuses, one at each look."""

    def __init__(self, *statuses: str, events: list[dict[str, str]] | None = None) -> None:
        self._statuses = deque(statuses)
        self._events = events or []
        self.created: dict[str, Any] = {}

    def create_stack(self, **arguments: Any) -> None:
        self.created = arguments

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803 (AWS's name)
        assert StackName == self.created["StackName"]
        outputs = [{"OutputKey": "TableName", "OutputValue": "orders-local"}]
        return {"Stacks": [{"StackStatus": self._statuses.popleft(), "Outputs": outputs}]}

    def describe_stack_events(self, **_: Any) -> Any:
        return {"StackEvents": self._events}


def create(cloudformation: Any, visibility_timeout_seconds: int | None = None) -> dict[str, str]:
    return create_resources(cloudformation, visibility_timeout_seconds)


def test_create_resources_waits_for_the_stack_and_returns_its_outputs() -> None:
    cloudformation = FakeCloudFormation(
        "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"
    )

    assert create(cloudformation) == {"TableName": "orders-local"}


@pytest.mark.parametrize(
    ("seconds", "parameters"),
    [
        (None, {"Stage": "local"}),
        (2, {"Stage": "local", "VisibilityTimeoutSeconds": "2"}),
    ],
)
def test_create_resources_passes_only_parameters_that_differ_from_the_template(
    seconds: int | None, parameters: dict[str, str]
) -> None:
    cloudformation = FakeCloudFormation("CREATE_COMPLETE")

    create(cloudformation, seconds)

    given = cloudformation.created["Parameters"]
    assert {item["ParameterKey"]: item["ParameterValue"] for item in given} == parameters


def test_a_failure_names_each_resource_and_its_reason_in_the_order_they_failed() -> None:
    failed = {"ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "no such key"}
    cloudformation = FakeCloudFormation(
        "CREATE_FAILED",
        events=[
            {"LogicalResourceId": "OrdersTable", "ResourceStatus": "CREATE_FAILED"},
            {"LogicalResourceId": "OrdersDLQ", "ResourceStatus": "CREATE_COMPLETE"},
            {"LogicalResourceId": "OrdersQueue", **failed},
        ],
    )

    with pytest.raises(ResourcesFailed) as failure:
        create(cloudformation)

    assert str(failure.value).splitlines() == [
        "Stack orders-resources-local from infrastructure/resources.yaml ended as CREATE_FAILED",
        "  OrdersQueue: no such key",
        "  OrdersTable: no reason given",
    ]


def test_the_error_of_a_missing_emulator_says_what_to_type(tmp_path: Any) -> None:
    emulator = Emulator(free_port(), tmp_path, python=tmp_path / "no" / "python")

    with pytest.raises(ProcessFailed, match=r'not installed: type "make \.venv-aws"'):
        emulator.start()


def test_the_error_of_an_emulator_that_ends_at_once_has_its_last_words(tmp_path: Any) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no module named ministack\nexit 3\n")
    python.chmod(0o755)
    emulator = Emulator(free_port(), tmp_path, python=python)

    with pytest.raises(ProcessFailed, match=r"(?s)exit code 3.*no module named ministack"):
        emulator.start()
