"""The resources stack of a stage: queue, dead-letter queue, bucket, table and what watches them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from ops.deploy.change_sets import ChangeSet, Wanted
from ops.deploy.imports import importable_names, only
from ops.deploy.problems import DeploymentProblem, code_of
from ops.project import RESOURCES_TEMPLATE
from ops.stack_outputs import outputs_of
from ops.stage_names import resources_stack_name
from ops.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_cloudformation.literals import ChangeSetTypeType
    from mypy_boto3_cloudformation.type_defs import ResourceToImportTypeDef

    from ops.deploy.account import Aws
    from ops.deploy.presentation import Screen
    from ops.deploy.stacks import Stacks
    from ops.deploy.stage_config import StageConfig

# Asks a question that is answered with yes or no.
Ask: TypeAlias = "Callable[[str], bool]"

HOLDS_DATA = {"AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::DynamoDB::Table"}
QUEUE_MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


@dataclass(frozen=True)
class Found:
    """A resource that is in the account already, and how an import calls it."""

    logical_id: str
    type: str
    name: str
    identifier: Mapping[str, str]


class ResourceStack:
    """The resources stack of one stage."""

    def __init__(self, aws: Aws, config: StageConfig, screen: Screen, stacks: Stacks) -> None:
        self.name = resources_stack_name(config.stage)
        self._aws = aws
        self._config = config
        self._screen = screen
        self._stacks = stacks
        self._text = (config.project / RESOURCES_TEMPLATE).read_text()
        self._template = load_template(self._text)

    def up(self, ask: Ask, *, dry_run: bool = False) -> dict[str, str]:
        """
        Make the stack what the template says, and return its outputs.

        Asks before it takes over what another stack has left, and before it ends a resource that
        holds data. `dry_run` shows the changes and makes none.

        Raises:
            DeploymentProblem: why it can't be done, and what to type.
        """
        self._require_known_parameters()
        kind = self._stacks.make_ready(self.name)
        if kind == "CREATE" and (found := self.left_behind()):
            self._take_over(found, ask, dry_run=dry_run)
            if dry_run:
                return {}
            kind = "UPDATE"
        change_set = self._stacks.plan(self._wanted(), kind)
        if change_set is None:
            self._screen.say(f"Stack {self.name} is as the template says: nothing to change.")
            return self._stacks.outputs(self.name)
        self._screen.changes(change_set)
        if dry_run:
            self._stacks.discard(change_set)
            self._screen.say("Only shown, because of --dry-run: nothing was changed.")
            return self._stacks.outputs(self.name)
        self._require_consent(change_set, ask)
        return outputs_of(self._stacks.carry_out(change_set))

    def left_behind(self) -> list[Found]:
        """What an earlier stack has retained, or someone else made, under this stage's names."""
        found = [self._find(name, text) for name, text in self.names().items()]
        return [each for each in found if each is not None]

    def names(self) -> dict[str, str]:
        """The name of each resource that can be there without the stack, by logical id."""
        values = {
            "Stage": self._config.stage,
            "AWS::AccountId": self._aws.identity.account_id,
            "AWS::Region": self._aws.region,
        }
        return importable_names(self._template, values)

    def is_there(self) -> bool:
        """Whether there is such a stack now."""
        return self._stacks.find(self.name) is not None

    def down(self) -> bool:
        """Delete the stack; queues, bucket and table stay. False: there was none."""
        return self._stacks.delete(self.name)

    def _wanted(self, template: str | None = None) -> Wanted:
        return Wanted(
            self.name,
            template or self._text,
            parameters={"Stage": self._config.stage, **self._config.resource_parameters},
            tags={"application": "orders", "stage": self._config.stage},
        )

    def _take_over(self, found: list[Found], ask: Ask, *, dry_run: bool) -> None:
        self._screen.say("In the account, but in no stack of this stage:")
        for each in found:
            self._screen.say(f"  {each.logical_id:<14} {each.name}")
        if not dry_run and not ask(f"Take them over into {self.name}, with all that is in them?"):
            raise DeploymentProblem(
                "Nothing was changed. To take them over, run the command again with --yes; to have "
                "new ones, rename or delete these first."
            )
        imports = [
            cast(
                "ResourceToImportTypeDef",
                {
                    "ResourceType": each.type,
                    "LogicalResourceId": each.logical_id,
                    "ResourceIdentifier": dict(each.identifier),
                },
            )
            for each in found
        ]
        # An import may do nothing else, so it has a template of its own; the update that follows
        # adds policies, alarms and outputs.
        template = only(self._template, [each.logical_id for each in found])
        kind: ChangeSetTypeType = "IMPORT"
        change_set = self._stacks.plan(self._wanted(template), kind, imports)
        if change_set is None:
            raise DeploymentProblem(f"CloudFormation sees nothing to import into {self.name}.")
        self._screen.changes(change_set)
        if dry_run:
            self._stacks.discard(change_set)
            self._screen.say("Only shown, because of --dry-run: nothing was changed.")
        else:
            self._stacks.carry_out(change_set)

    def _require_consent(self, change_set: ChangeSet, ask: Ask) -> None:
        ending = [
            change.logical_id
            for change in change_set.changes
            if change.ends_the_resource and change.type in HOLDS_DATA
        ]
        question = (
            f"This replaces or removes {', '.join(ending)}, which holds data. What is there now is "
            "retained, but no longer used. Go on?"
        )
        if ending and not ask(question):
            self._stacks.discard(change_set)
            raise DeploymentProblem(
                "Nothing was changed. If it is what you want, run the command again with --yes."
            )

    def _require_known_parameters(self) -> None:
        unknown = self._config.resource_parameters.keys() - self._template["Parameters"].keys()
        if unknown:
            raise DeploymentProblem(
                f"resource_parameters of stage {self._config.stage} has "
                f"{', '.join(sorted(unknown))}, which {RESOURCES_TEMPLATE} has not: it has "
                f"{', '.join(self._template['Parameters'])}."
            )

    def _find(self, logical_id: str, name: str) -> Found | None:
        kind = self._template["Resources"][logical_id]["Type"]
        find = {
            "AWS::SQS::Queue": self._find_queue,
            "AWS::S3::Bucket": self._find_bucket,
            "AWS::DynamoDB::Table": self._find_table,
            "AWS::Logs::LogGroup": self._find_log_group,
        }[kind]
        identifier = find(name)
        return Found(logical_id, kind, name, identifier) if identifier else None

    def _find_queue(self, name: str) -> dict[str, str] | None:
        try:
            return {"QueueUrl": self._aws.sqs.get_queue_url(QueueName=name)["QueueUrl"]}
        except ClientError as error:
            if code_of(error) in QUEUE_MISSING:
                return None
            raise

    def _find_bucket(self, name: str) -> dict[str, str] | None:
        try:
            answer = self._aws.s3.head_bucket(Bucket=name)
        except ClientError as error:
            if code_of(error) in {"404", "NoSuchBucket"}:
                return None
            if code_of(error) in {"403", "301"}:
                raise DeploymentProblem(
                    f"The name of bucket {name} is taken, by another account or in another region. "
                    f"Give OrdersBucket in {RESOURCES_TEMPLATE} another BucketName, and run the "
                    "command again."
                ) from error
            raise
        region = answer.get("BucketRegion", self._aws.region)
        if region != self._aws.region:
            raise DeploymentProblem(
                f"Bucket {name} is in {region}, and this is {self._aws.region}: a stage lives in "
                f"one region. Type `export AWS_DEFAULT_REGION={region}`, and run the command again."
            )
        return {"BucketName": name}

    def _find_table(self, name: str) -> dict[str, str] | None:
        try:
            self._aws.dynamodb.describe_table(TableName=name)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            raise
        return {"TableName": name}

    def _find_log_group(self, name: str) -> dict[str, str] | None:
        groups = self._aws.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        there = any(group["logGroupName"] == name for group in groups)
        return {"LogGroupName": name} if there else None


def require_same_place(config: StageConfig, aws: Aws, *, move: bool) -> None:
    """
    Make sure that a stage is not brought up a second time elsewhere by mistake.

    Raises:
        DeploymentProblem: its configuration names resources of another account or region.
    """
    place = _place_of(config.variables.get("ORDERS_QUEUE_URL", ""))
    here = (aws.identity.account_id, None if aws.emulator_url else aws.region)
    if place is None or place == here or move:
        return
    account, region = place
    raise DeploymentProblem(
        f"Stage {config.stage} is recorded in account {account}, {region}; this is "
        f"{aws.describe()}.\nSign in there, with AWS_PROFILE and AWS_DEFAULT_REGION={region}; or "
        "run the command again with --move to record it here from now on. What is there stays."
    )


def _place_of(queue_url: str) -> tuple[str, str] | None:
    """Account and region of a queue on AWS; None for any other."""
    parts = urlsplit(queue_url)
    host = (parts.hostname or "").split(".")
    if host[0] != "sqs" or "amazonaws" not in host:
        return None
    return parts.path.split("/")[1], host[1]
