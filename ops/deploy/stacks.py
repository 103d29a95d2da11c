"""The stacks of an account: found, made ready, changed and deleted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ops.deploy.at_once import another_deployment, learning_who_was_first
from ops.deploy.change_sets import ChangeSets
from ops.deploy.operations import NO_REASON, Operations
from ops.deploy.problems import DeploymentProblem
from ops.deploy.stack_states import DEAD_ENDS, SUCCESSES, find_stack, is_at_work, is_new
from ops.stack_outputs import outputs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import ChangeSetTypeType
    from mypy_boto3_cloudformation.type_defs import (
        ResourceToImportTypeDef,
        StackEventTypeDef,
        StackTypeDef,
    )

    from ops.deploy.change_sets import ChangeSet, Wanted
    from ops.deploy.operations import Watcher


class Stacks:
    """The stacks of an account, one operation at a time."""

    def __init__(
        self,
        client: CloudFormationClient,
        watcher: Watcher,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._watcher = watcher
        self._operations = Operations(client, watcher, sleep)
        self._change_sets = ChangeSets(client, self._operations, sleep)

    def find(self, name: str) -> StackTypeDef | None:
        """Find the stack as it is, None if there is none by that name."""
        return find_stack(self._client, name)

    def wait_until_settled(self, name: str) -> StackTypeDef | None:
        """Wait for an operation in progress, whoever began it. Return the stack afterwards."""
        while (stack := self.find(name)) is not None:
            status = stack["StackStatus"]
            if not is_at_work(stack):
                return stack
            self._watcher.say(
                f"Stack {name} is {status}: another deployment, or one that was interrupted. "
                "Waiting for its end; Ctrl-C stops the waiting only."
            )
            self._operations.wait(
                stack["StackId"], self._operations.last_event(stack["StackId"]), begun=False
            )
        return None

    def make_ready(self, name: str) -> ChangeSetTypeType:
        """
        Bring a stack to where it can be changed, and say whether it is to be created or updated.

        Waits for an operation in progress. A stack that never came up is deleted, which deletes no
        data: whatever holds some is retained. A rollback that got stuck is continued.

        Raises:
            DeploymentProblem: it stays in a state that nothing can be done with.
        """
        tried: set[str] = set()
        while (stack := self.wait_until_settled(name)) is not None:
            status = stack["StackStatus"]
            if status in tried:
                raise _stuck(stack)
            tried.add(status)
            if status == "REVIEW_IN_PROGRESS":
                return "CREATE"
            if status in DEAD_ENDS:
                self._watcher.say(
                    f"Stack {name} is {status}, which can only be deleted: deleting it. What holds "
                    "data is retained."
                )
                self._start_deleting(stack)
            elif status == "UPDATE_ROLLBACK_FAILED":
                self._watcher.say(f"Stack {name} is {status}: continuing the rollback.")
                seen = self._operations.last_event(stack["StackId"])
                with learning_who_was_first(self._client, name):
                    self._client.continue_update_rollback(StackName=name)
                self._operations.wait(stack["StackId"], seen)
            else:
                return "UPDATE"
        return "CREATE"

    def plan(
        self,
        wanted: Wanted,
        kind: ChangeSetTypeType,
        imports: Sequence[ResourceToImportTypeDef] = (),
    ) -> ChangeSet | None:
        """
        Let CloudFormation work out what would change; None: nothing would.

        Raises:
            DeploymentProblem: CloudFormation refuses the template or its parameters.
        """
        try:
            return self._change_sets.create(wanted, kind, imports)
        except DeploymentProblem:
            self._forget_empty(wanted.name)
            raise

    def carry_out(self, change_set: ChangeSet) -> StackTypeDef:
        """
        Carry the changes out, and wait until they are done.

        Raises:
            DeploymentProblem: they failed; with the reason of each resource.
            AnotherDeployment: the stack is no longer as it was; nothing of it was changed.
            DeploymentInterrupted: the user stopped waiting.
        """
        with learning_who_was_first(self._client, change_set.stack):
            stack = self._unchanged(change_set)
            seen = self._operations.last_event(stack["StackId"])
        arguments: dict[str, Any] = {"ChangeSetName": change_set.id}
        if change_set.type != "IMPORT":
            # A failed creation deletes its own resources: they hold no data yet.
            arguments["RetainExceptOnCreate"] = True
        with learning_who_was_first(self._client, change_set.stack):
            self._client.execute_change_set(**arguments)
        after, events = self._operations.wait(stack["StackId"], seen)
        if after["StackStatus"] not in SUCCESSES:
            raise self._operations.failure(after, events)
        return after

    def require_none(self, name: str) -> None:
        """
        Make sure that a stack which is to be created isn't there by now.

        Raises:
            AnotherDeployment: another one has begun to create it.
        """
        stack = self.find(name)
        if stack is not None and not is_new(stack):
            raise another_deployment(self._client, name)

    def discard(self, change_set: ChangeSet) -> None:
        """Forget changes that are not to be carried out, and the stack that only waits for them."""
        self._change_sets.delete(change_set.id)
        self._forget_empty(change_set.stack, change_set.id)

    def delete(self, name: str) -> bool:
        """
        Delete a stack and wait until it is gone; False: there was none.

        Raises:
            DeploymentProblem: something of it could not be deleted.
            DeploymentInterrupted: the user stopped waiting.
        """
        stack = self.wait_until_settled(name)
        if stack is None:
            return False
        after, events = self._start_deleting(stack)
        if after["StackStatus"] != "DELETE_COMPLETE":
            raise self._operations.failure(after, events)
        return True

    def outputs(self, name: str) -> dict[str, str]:
        """Return the outputs of a stack by their names; none if there is no stack."""
        stack = self.find(name)
        return outputs_of(stack) if stack else {}

    def _unchanged(self, change_set: ChangeSet) -> StackTypeDef:
        """Return the stack of a change set, as long as no other deployment has begun."""
        stack = self.find(change_set.stack)
        new = change_set.type != "UPDATE"
        if stack is None or is_at_work(stack) or is_new(stack) != new:
            self._change_sets.delete(change_set.id)
            raise another_deployment(self._client, change_set.stack)
        return stack

    def _forget_empty(self, name: str, change_set_id: str = "") -> None:
        """
        Delete the empty stack that a change set for a new one makes at once.

        It stays if another deployment has a change set of it, which would go with it.
        """
        stack = self.find(name)
        if stack and is_new(stack) and not self._change_sets.others_of(name, change_set_id):
            self._client.delete_stack(StackName=stack["StackId"])

    def _start_deleting(
        self, stack: StackTypeDef
    ) -> tuple[StackTypeDef, Sequence[StackEventTypeDef]]:
        seen = self._operations.last_event(stack["StackId"])
        with learning_who_was_first(self._client, stack["StackName"]):
            self._client.delete_stack(StackName=stack["StackId"])
        return self._operations.wait(stack["StackId"], seen)


def _stuck(stack: StackTypeDef) -> DeploymentProblem:
    name, status = stack["StackName"], stack["StackStatus"]
    reason = stack.get("StackStatusReason") or NO_REASON
    return DeploymentProblem(
        f"Stack {name} stays {status}: {reason}\nIts events in the CloudFormation console name the "
        "resource that is in the way. Mend that, and run the command again."
    )
