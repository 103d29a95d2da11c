"""Stacks: from every state the next run finds a way on, or says what is in the way."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.deploy.change_sets import ChangeSet, Wanted
from ops.deploy.problems import DeploymentInterrupted, DeploymentProblem
from ops.deploy.stacks import Stacks
from ops.stop_signals import StopRequested

NAME = "orders-resources-dev"
STACK_ID = f"arn:aws:cloudformation:us-east-1:111122223333:stack/{NAME}/1"
WANTED = Wanted(NAME, "{}", parameters={"Stage": "dev"}, tags={"stage": "dev"})
MEND = "Mend the cause, and run the command again: it takes the stack from where it is now."
CHANGE_SET = ChangeSet("change-set", NAME, "UPDATE", [])
CREATION = ChangeSet("change-set", NAME, "CREATE", [])
MISSING = ClientError(
    {"Error": {"Code": "ValidationError", "Message": f"Stack with id {NAME} does not exist"}},
    "DescribeStacks",
)


class FakeCloudFormation:
    """
    A stack that goes through the given statuses, one at each look; the last one stays.

    Every look has an event of its own, so whoever waits for events sees some.
    """

    def __init__(
        self,
        *statuses: str,
        change_set: dict[str, Any] | None = None,
        reasons: dict[str, str] | None = None,
    ) -> None:
        self._statuses = deque(statuses)
        self._change_set = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}
        self._change_set |= {"Changes": []} | (change_set or {})
        self._reasons = dict(reasons or {})
        self._events: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.executed: dict[str, Any] = {}

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803 (AWS's name)
        self._happens("OrdersBucket", "", "CREATE_COMPLETE")
        if self.executed or "delete stack" in self.calls:
            while self._reasons:
                self._happens(*self._reasons.popitem())
        status = self._statuses.popleft() if len(self._statuses) > 1 else self._statuses[0]
        if status == "NONE" and StackName == NAME:
            raise MISSING
        return {"Stacks": [{"StackName": NAME, "StackId": STACK_ID, "StackStatus": status}]}

    def describe_stack_events(self, **_: Any) -> Any:
        return {"StackEvents": self._events}

    def _happens(self, logical_id: str, reason: str, status: str = "CREATE_FAILED") -> None:
        event = {
            "EventId": str(len(self._events)),
            "LogicalResourceId": logical_id,
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "Timestamp": datetime.now(UTC),
        }
        self._events.insert(0, event)

    def get_paginator(self, _operation: str) -> "FakeCloudFormation":
        return self

    def paginate(self, **_: Any) -> Iterator[Any]:
        yield self.describe_stack_events()

    def create_change_set(self, **arguments: Any) -> Any:
        self.calls.append(f"create {arguments['ChangeSetType']}")
        return {"Id": "change-set"}

    def describe_change_set(self, **_: Any) -> Any:
        return self._change_set

    def execute_change_set(self, **arguments: Any) -> None:
        self.calls.append("execute")
        self.executed = arguments

    def delete_change_set(self, **_: Any) -> None:
        self.calls.append("delete change set")

    def delete_stack(self, **_: Any) -> None:
        self.calls.append("delete stack")

    def continue_update_rollback(self, **_: Any) -> None:
        self.calls.append("continue rollback")

    def list_change_sets(self, **_: Any) -> Any:
        return {"Summaries": []}


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.events: list[Any] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def show_event(self, event: Any) -> None:
        self.events.append(event)


def stacks(cloudformation: Any, notes: Notes | None = None) -> Stacks:
    return Stacks(cloudformation, notes or Notes(), sleep=lambda _: None)


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [
        (["NONE"], "CREATE"),
        (["DELETE_COMPLETE"], "CREATE"),
        (["REVIEW_IN_PROGRESS"], "CREATE"),
        (["CREATE_COMPLETE"], "UPDATE"),
        (["UPDATE_COMPLETE"], "UPDATE"),
        (["IMPORT_COMPLETE"], "UPDATE"),
        (["UPDATE_ROLLBACK_COMPLETE"], "UPDATE"),
        (["IMPORT_ROLLBACK_COMPLETE"], "UPDATE"),
    ],
)
def test_a_missing_stack_is_created_and_an_existing_one_updated(
    statuses: list[str], kind: str
) -> None:
    cloudformation = FakeCloudFormation(*statuses)

    assert stacks(cloudformation).make_ready(NAME) == kind
    assert cloudformation.calls == []


@pytest.mark.parametrize(
    ("during", "after", "kind"),
    [
        ("CREATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE"),
        ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", "UPDATE"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE"),
        ("DELETE_IN_PROGRESS", "DELETE_COMPLETE", "CREATE"),
    ],
)
def test_an_operation_in_progress_is_waited_for(during: str, after: str, kind: str) -> None:
    notes = Notes()

    found = stacks(FakeCloudFormation(during, during, during, after), notes).make_ready(NAME)

    assert found == kind
    assert f"Stack {NAME} is {during}" in notes.said[0]


@pytest.mark.parametrize(
    "status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"]
)
def test_a_stack_that_can_only_be_deleted_is_created_anew(status: str) -> None:
    cloudformation = FakeCloudFormation(status, "DELETE_IN_PROGRESS", "DELETE_COMPLETE")
    notes = Notes()

    assert stacks(cloudformation, notes).make_ready(NAME) == "CREATE"
    assert cloudformation.calls == ["delete stack"]
    assert f"{status}, which can only be deleted" in notes.said[0]


def test_a_rollback_that_got_stuck_is_continued() -> None:
    cloudformation = FakeCloudFormation(
        "UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"
    )

    assert stacks(cloudformation).make_ready(NAME) == "UPDATE"
    assert cloudformation.calls == ["continue rollback"]


@pytest.mark.parametrize("status", ["DELETE_FAILED", "UPDATE_ROLLBACK_FAILED"])
def test_a_stack_that_stays_stuck_ends_in_a_sentence(status: str) -> None:
    with pytest.raises(DeploymentProblem, match=rf"stays {status}.*(?s:.)*run the command again"):
        stacks(FakeCloudFormation(status)).make_ready(NAME)


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information.",
        "No updates are to be performed.",
    ],
)
def test_an_update_without_changes_succeeds(reason: str) -> None:
    cloudformation = FakeCloudFormation(
        "UPDATE_COMPLETE", change_set={"Status": "FAILED", "StatusReason": reason}
    )

    assert stacks(cloudformation).plan(WANTED, "UPDATE") is None
    assert cloudformation.calls == ["create UPDATE", "delete change set"]


def test_a_failed_change_set_leaves_nothing_behind_and_says_why() -> None:
    cloudformation = FakeCloudFormation(
        "REVIEW_IN_PROGRESS", change_set={"Status": "FAILED", "StatusReason": "no such bucket"}
    )

    with pytest.raises(DeploymentProblem, match="no such bucket"):
        stacks(cloudformation).plan(WANTED, "CREATE")

    assert cloudformation.calls == ["create CREATE", "delete change set", "delete stack"]


def test_a_change_set_that_cannot_be_executed_says_why() -> None:
    cloudformation = FakeCloudFormation(
        "UPDATE_COMPLETE",
        change_set={"ExecutionStatus": "UNAVAILABLE", "StatusReason": "import not supported"},
    )

    with pytest.raises(DeploymentProblem, match="import not supported"):
        stacks(cloudformation).plan(WANTED, "UPDATE")


def test_a_replacement_is_told_apart_from_a_change() -> None:
    def change(logical_id: str, action: str, replacement: str) -> dict[str, Any]:
        described = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": "T"}
        return {"ResourceChange": described | {"Replacement": replacement}}

    changes = [
        change("a", "Modify", "True"),
        change("b", "Modify", "Conditional"),
        change("c", "Modify", "False"),
        change("d", "Remove", ""),
        change("e", "Add", ""),
    ]
    cloudformation = FakeCloudFormation("UPDATE_COMPLETE", change_set={"Changes": changes})

    planned = stacks(cloudformation).plan(WANTED, "UPDATE")

    assert planned
    assert [each.logical_id for each in planned.changes if each.replaces] == ["a", "b"]
    assert [each.logical_id for each in planned.changes if each.ends_the_resource] == [
        *("a", "b", "d")
    ]


def test_a_failed_creation_retains_no_resource() -> None:
    """Empty queues and tables of a first attempt would be in the way of the second."""
    cloudformation = FakeCloudFormation(
        "REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"
    )

    stacks(cloudformation).carry_out(CREATION)

    assert cloudformation.executed["RetainExceptOnCreate"] is True


def test_a_failure_names_the_cause_and_not_its_consequences() -> None:
    cloudformation = FakeCloudFormation(
        *("REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"),
        reasons={
            "OrdersTable": "orders-dev already exists",
            "OrdersQueue": "Resource creation cancelled",
        },
    )

    with pytest.raises(DeploymentProblem) as failure:
        stacks(cloudformation).carry_out(CREATION)

    assert str(failure.value).splitlines() == [
        f"Stack {NAME} ended as ROLLBACK_COMPLETE:",
        "  OrdersTable: orders-dev already exists",
        f"A name is taken: see docs/deploying.md#a-name-is-taken. {MEND}",
    ]


def test_ctrl_c_stops_the_wait_and_says_what_goes_on() -> None:
    def stop(_seconds: float) -> None:
        raise StopRequested

    cloudformation: Any = FakeCloudFormation("CREATE_COMPLETE", "UPDATE_IN_PROGRESS")
    waiting = Stacks(cloudformation, Notes(), sleep=stop)

    with pytest.raises(DeploymentInterrupted, match=rf"goes on with stack {NAME} by itself"):
        waiting.carry_out(CHANGE_SET)


def test_events_of_the_past_are_not_shown_again() -> None:
    notes = Notes()

    stacks(FakeCloudFormation("UPDATE_COMPLETE"), notes).carry_out(CHANGE_SET)

    assert [event["EventId"] for event in notes.events] == ["1"]


def test_a_missing_stack_is_not_deleted() -> None:
    assert not stacks(FakeCloudFormation("NONE")).delete(NAME)


def test_a_deletion_that_fails_says_what_is_in_the_way() -> None:
    cloudformation = FakeCloudFormation(
        *("CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_FAILED"),
        reasons={"OrdersBucket": "not empty"},
    )

    with pytest.raises(DeploymentProblem, match="OrdersBucket: not empty"):
        stacks(cloudformation).delete(NAME)
