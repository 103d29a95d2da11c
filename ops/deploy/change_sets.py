"""Change sets: CloudFormation works out beforehand how each resource would change."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ops.deploy.at_once import MADE_BY, REFUSALS, comes_of_another, learning_who_was_first
from ops.deploy.operations import NO_REASON, advice_on, pauses
from ops.deploy.problems import DeploymentProblem, code_of, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import ChangeSetTypeType
    from mypy_boto3_cloudformation.type_defs import ResourceToImportTypeDef

    from ops.deploy.operations import Operations

# CloudFormation's limit of a template in the request itself.
LARGEST_TEMPLATE_BYTES = 51_200
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Change:
    """The change of one resource."""

    action: str
    logical_id: str
    type: str
    replacement: str

    @property
    def replaces(self) -> bool:
        return self.action == "Modify" and self.replacement in {"True", "Conditional"}

    @property
    def ends_the_resource(self) -> bool:
        """Tell whether the resource that is there now goes out of use."""
        return self.action == "Remove" or self.replaces


@dataclass(frozen=True)
class ChangeSet:
    """Changes that CloudFormation has worked out, and that wait to be carried out."""

    id: str
    stack: str
    type: ChangeSetTypeType
    changes: Sequence[Change]


@dataclass(frozen=True)
class Wanted:
    """A stack as it should be."""

    name: str
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[Any] = ()
    template_url: str | None = None
    by: str = ""
    """The caller, who is named to others that come too late."""


class ChangeSets:
    """The change sets of an account."""

    def __init__(
        self,
        client: CloudFormationClient,
        operations: Operations,
        sleep: Callable[[float], None],
    ) -> None:
        self._client = client
        self._operations = operations
        self._sleep = sleep

    def create(
        self,
        wanted: Wanted,
        kind: ChangeSetTypeType,
        imports: Sequence[ResourceToImportTypeDef] = (),
    ) -> ChangeSet | None:
        """
        Let CloudFormation work out what would change; None: nothing would.

        Raises:
            DeploymentProblem: CloudFormation refuses the template or its parameters.
            AnotherDeployment: the stack is no longer as it was.
        """
        with learning_who_was_first(self._client, wanted.name):
            return self._create(wanted, kind, imports)

    def _create(
        self,
        wanted: Wanted,
        kind: ChangeSetTypeType,
        imports: Sequence[ResourceToImportTypeDef],
    ) -> ChangeSet | None:
        try:
            answer = self._client.create_change_set(**_request(wanted, kind, imports))
        except ClientError as error:
            if code_of(error) != "ValidationError" or comes_of_another(error):
                raise
            raise DeploymentProblem(
                f"CloudFormation refuses the template of {wanted.name}: {message_of(error)}\n"
                "Mend it, and run the command again."
            ) from error
        described = self._when_worked_out(answer["Id"])
        failed = described["Status"] == "FAILED"
        reason = described.get("StatusReason") or NO_REASON
        if failed and any(words in reason for words in NO_CHANGES):
            self.delete(answer["Id"])
            return None
        if failed or described["ExecutionStatus"] != "AVAILABLE":
            raise self._refusal(answer["Id"], wanted.name, reason)
        return ChangeSet(answer["Id"], wanted.name, kind, list(self._changes(described)))

    def delete(self, change_set_id: str) -> None:
        """Forget a change set that is not to be carried out."""
        try:
            self._client.delete_change_set(ChangeSetName=change_set_id)
        except ClientError as error:
            # Another deployment was carried out, which deletes this one's too.
            if code_of(error) not in REFUSALS:
                raise

    def others_of(self, stack: str, change_set_id: str = "") -> list[str]:
        """List the change sets of a stack that others may be about to carry out."""
        pages = self._client.get_paginator("list_change_sets").paginate(StackName=stack)
        return [
            each["ChangeSetId"]
            for page in pages
            for each in page.get("Summaries", [])
            if each["ChangeSetId"] != change_set_id and each["Status"].startswith("CREATE_")
        ]

    def _refusal(self, change_set_id: str, stack: str, reason: str) -> DeploymentProblem:
        details = self._operations.refused_beforehand(ChangeSetName=change_set_id, because=reason)
        self.delete(change_set_id)
        head = f"CloudFormation can't carry out the changes of {stack}: {reason}"
        then = f"{advice_on([reason, *details])}Mend that, and run the command again."
        return DeploymentProblem("\n".join([head, *details, then]))

    def _when_worked_out(self, change_set_id: str) -> Any:
        for pause in pauses():
            answer = self._client.describe_change_set(ChangeSetName=change_set_id)
            if answer["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                break
            self._sleep(pause)
        return answer

    def _changes(self, page: Any) -> Iterator[Change]:
        while True:
            for entry in page.get("Changes", []):
                change = entry["ResourceChange"]
                yield Change(
                    change["Action"],
                    change["LogicalResourceId"],
                    change["ResourceType"],
                    change.get("Replacement", ""),
                )
            if not page.get("NextToken"):
                return
            page = self._client.describe_change_set(
                ChangeSetName=page["ChangeSetId"], NextToken=page["NextToken"]
            )


def _request(
    wanted: Wanted, kind: ChangeSetTypeType, imports: Sequence[ResourceToImportTypeDef]
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "StackName": wanted.name,
        "ChangeSetName": f"ops-{uuid.uuid4().hex[:12]}",
        "ChangeSetType": kind,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in wanted.parameters.items()
        ],
        "Capabilities": list(wanted.capabilities),
    }
    if wanted.by:
        request["Description"] = f"{MADE_BY}{wanted.by}"
    if wanted.template_url:
        request["TemplateURL"] = wanted.template_url
    else:
        request["TemplateBody"] = wanted.template
    # An import may change only the resources that it imports, tags included.
    if kind == "IMPORT":
        request["ResourcesToImport"] = list(imports)
    else:
        request["Tags"] = [{"Key": key, "Value": text} for key, text in wanted.tags.items()]
    return request
