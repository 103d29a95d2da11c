"""The end of a stage's data: only ever after its name was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ops.deploy.problems import DeploymentProblem, code_of
from ops.object_lock import lock_of_bucket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.deploy.account import Aws
    from ops.deploy.left_behind import Found
    from ops.deploy.presentation import Screen

GONE = {"NoSuchBucket", "ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue"}


def delete_data(found: Sequence[Found], aws: Aws, screen: Screen) -> None:
    """Delete queues, bucket, table and logs with all that is in them. Safe to repeat."""
    deletions = {
        "AWS::SQS::Queue": _delete_queue,
        "AWS::S3::Bucket": _delete_bucket,
        "AWS::DynamoDB::Table": _delete_table,
        "AWS::Logs::LogGroup": _delete_log_group,
    }
    for each in found:
        try:
            deletions[each.type](each, aws)
        except ClientError as error:
            if code_of(error) not in GONE:
                raise
        screen.say(f"  deleted {each.type.split('::')[2].lower()} {each.name}")


def _delete_queue(queue: Found, aws: Aws) -> None:
    aws.sqs.delete_queue(QueueUrl=queue.identifier["QueueUrl"])


def _delete_table(table: Found, aws: Aws) -> None:
    description = aws.dynamodb.describe_table(TableName=table.name)["Table"]
    if description.get("DeletionProtectionEnabled"):
        aws.dynamodb.update_table(TableName=table.name, DeletionProtectionEnabled=False)
        aws.dynamodb.get_waiter("table_exists").wait(TableName=table.name)
    aws.dynamodb.delete_table(TableName=table.name)


def _delete_log_group(group: Found, aws: Aws) -> None:
    aws.logs.delete_log_group(logGroupName=group.name)


def _delete_bucket(bucket: Found, aws: Aws) -> None:
    is_locked = lock_of_bucket(aws.s3, bucket.name).is_on
    # Whoever types the stage's name passes governance by. What is in compliance mode stays.
    bypass: Any = {"BypassGovernanceRetention": True} if is_locked else {}
    kept: list[Any] = []
    for page in aws.s3.get_paginator("list_object_versions").paginate(Bucket=bucket.name):
        entries: list[Any] = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects: Any = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
        if objects:
            answer = aws.s3.delete_objects(
                Bucket=bucket.name, Delete={"Objects": objects, "Quiet": True}, **bypass
            )
            kept += answer.get("Errors", [])
    if kept:
        raise DeploymentProblem(
            f"S3 kept {len(kept)} versions of objects in bucket {bucket.name}: of "
            f"{kept[0].get('Key')} it says {kept[0].get('Code')}, {kept[0].get('Message')}. What "
            "is locked can be deleted once its time is over: run the command again then."
        )
    aws.s3.delete_bucket(Bucket=bucket.name)
