"""Creating the resources: it waits, and a failure comes with CloudFormation's reasons."""

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.local.emulator import Emulator
from ops.local.processes import ProcessFailed
from ops.local.resources import ResourcesFailed, create_resources
from ops.ports import free_port
from ops.templates import EMULATOR_PARAMETERS


class AlreadyExists(Exception):
    """As CloudFormation's own."""


class FakeCloudFormation:
    """Goes through the given statuses, one at each look."""

    exceptions = SimpleNamespace(AlreadyExistsException=AlreadyExists)

    def __init__(
        self,
        *statuses: str,
        events: list[dict[str, str]] | None = None,
        is_there: bool = False,
        refusal: str = "",
    ) -> None:
        self._statuses = deque(statuses)
        self._events = events or []
        self._is_there = is_there
        self._refusal = refusal
        self.created: dict[str, Any] = {}

    def create_stack(self, **arguments: Any) -> None:
        self.created = arguments
        if self._is_there:
            raise AlreadyExists

    def update_stack(self, **arguments: Any) -> None:
        assert arguments == {
            name: value for name, value in self.created.items() if name != "OnFailure"
        }
        if self._refusal:
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": self._refusal}}, "UpdateStack"
            )

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803 (AWS's name)
        assert StackName == self.created["StackName"]
        outputs = [{"OutputKey": "TableName", "OutputValue": "orders-local"}]
        return {"Stacks": [{"StackStatus": self._statuses.popleft(), "Outputs": outputs}]}

    def describe_stack_events(self, **_: Any) -> Any:
        return {"StackEvents": self._events}


def create(cloudformation: Any, **settings: int | None) -> dict[str, str]:
    return create_resources(cloudformation, **settings)  # type: ignore[arg-type]


def test_create_resources_waits_for_the_stack_and_returns_its_outputs() -> None:
    cloudformation = FakeCloudFormation(
        "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"
    )

    assert create(cloudformation) == {"TableName": "orders-local"}


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [
        ({}, {}),
        ({"visibility_timeout_seconds": 2}, {"VisibilityTimeoutSeconds": "2"}),
        ({"max_receive_count": 7}, {"MaxReceiveCount": "7"}),
    ],
)
def test_create_resources_passes_only_parameters_that_differ_from_the_template(
    settings: dict[str, int], parameters: dict[str, str]
) -> None:
    cloudformation = FakeCloudFormation("CREATE_COMPLETE")

    create(cloudformation, **settings)

    given = cloudformation.created["Parameters"]
    always = {"Stage": "local", **EMULATOR_PARAMETERS}
    assert {item["ParameterKey"]: item["ParameterValue"] for item in given} == always | parameters


def test_a_stack_that_was_kept_is_updated() -> None:
    cloudformation = FakeCloudFormation("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", is_there=True)

    assert create(cloudformation) == {"TableName": "orders-local"}


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]
)
def test_a_stack_that_was_kept_may_need_no_update(status: str) -> None:
    cloudformation = FakeCloudFormation(
        status, is_there=True, refusal="No updates are to be performed."
    )

    assert create(cloudformation) == {"TableName": "orders-local"}


def test_an_update_that_was_rolled_back_is_a_failure() -> None:
    cloudformation = FakeCloudFormation("UPDATE_ROLLBACK_COMPLETE", is_there=True)

    with pytest.raises(ResourcesFailed, match="ended as UPDATE_ROLLBACK_COMPLETE"):
        create(cloudformation)


def test_a_stack_that_cannot_be_updated_gets_the_reason() -> None:
    cloudformation = FakeCloudFormation(is_there=True, refusal="is in DELETE_FAILED state")

    with pytest.raises(ResourcesFailed, match=r"can't be updated .*: is in DELETE_FAILED state"):
        create(cloudformation)


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
