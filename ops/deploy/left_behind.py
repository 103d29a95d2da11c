"""Resources that are in the account without their stack, under the names of a stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.deploy.imports import importable_names
from ops.deploy.problems import DeploymentProblem, code_of
from ops.project import RESOURCES_TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ops.deploy.account import Aws

QUEUE_MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


@dataclass(frozen=True)
class Found:
    """A resource that is in the account already, and how an import calls it."""

    logical_id: str
    type: str
    name: str
    identifier: Mapping[str, str]


class LeftBehind:
    """Looks for resources that an earlier stack has retained, or that someone else has made."""

    def __init__(self, aws: Aws, stage: str, template: Mapping[str, Any]) -> None:
        self._aws = aws
        self._stage = stage
        self._template = template

    def find(self) -> list[Found]:
        """
        Find the resources that an import could take over.

        Raises:
            DeploymentProblem: a bucket's name is taken, or the bucket is in another region.
        """
        found = [self._find(name, text) for name, text in self._names().items()]
        return [each for each in found if each is not None]

    def _names(self) -> dict[str, str]:
        values = {
            "Stage": self._stage,
            "AWS::AccountId": self._aws.identity.account_id,
            "AWS::Region": self._aws.region,
        }
        return importable_names(self._template, values)

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
        answer = self._aws.logs.describe_log_groups(logGroupNamePrefix=name)
        there = any(group["logGroupName"] == name for group in answer.get("logGroups", []))
        return {"LogGroupName": name} if there else None
