"""The queues, the bucket and the table of a deployed stage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ops.lint.stage import BucketSettings, QueueSettings, TableSettings, denies_plain_http
from ops.object_lock import lock_of_bucket

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ops.lint.clients import StageClients

NO_POLICY = '{"Statement": []}'
# DynamoDB takes up to an hour to switch it on.
EXPIRING = {"ENABLED", "ENABLING"}
NO_SUCH_SETTING = {
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchBucketPolicy",
    "ServerSideEncryptionConfigurationNotFoundError",
}


def read_queue(clients: StageClients, url: str) -> QueueSettings:
    """Read a queue."""
    answer = clients.of("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    found = answer["Attributes"]
    redrive = json.loads(found.get("RedrivePolicy", "{}"))
    encrypted = found.get("SqsManagedSseEnabled") == "true" or "KmsMasterKeyId" in found
    maximum = redrive.get("maxReceiveCount")
    return QueueSettings(
        arn=found["QueueArn"],
        visibility_timeout_seconds=int(found["VisibilityTimeout"]),
        retention_seconds=int(found["MessageRetentionPeriod"]),
        encrypted=encrypted,
        refuses_plain_http=denies_plain_http(json.loads(found.get("Policy", NO_POLICY))),
        moves_to=redrive.get("deadLetterTargetArn"),
        maximum_receives=None if maximum is None else int(maximum),
        takes_from=tuple(
            json.loads(found.get("RedriveAllowPolicy", "{}")).get("sourceQueueArns", ())
        ),
    )


def read_bucket(clients: StageClients, name: str) -> BucketSettings:
    """Read the archive bucket."""
    s3 = clients.of("s3")
    public = _or_nothing(s3.get_public_access_block, Bucket=name)
    policy = _or_nothing(s3.get_bucket_policy, Bucket=name)
    return BucketSettings(
        versioned=s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled",
        encrypted=bool(_or_nothing(s3.get_bucket_encryption, Bucket=name)),
        closed_to_the_public=_all_true(public.get("PublicAccessBlockConfiguration", {})),
        refuses_plain_http=denies_plain_http(json.loads(policy.get("Policy", NO_POLICY))),
        lock=lock_of_bucket(s3, name),
    )


def read_table(clients: StageClients, name: str) -> TableSettings:
    """Read the record table."""
    dynamodb = clients.of("dynamodb")
    table = dynamodb.describe_table(TableName=name)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=name)
    recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    billing = table.get("BillingModeSummary", {}).get("BillingMode")
    return TableSettings(
        recoverable=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        protected=table.get("DeletionProtectionEnabled", False),
        on_demand=billing == "PAY_PER_REQUEST",
        expires_by=expiry.get("AttributeName") if expiry["TimeToLiveStatus"] in EXPIRING else None,
    )


def _all_true(settings: Mapping[str, bool]) -> bool:
    return bool(settings) and all(settings.values())


def _or_nothing(call: Any, **arguments: str) -> dict[str, Any]:
    """Return the answer, or nothing where AWS says by an error that nothing is set."""
    try:
        answer: dict[str, Any] = call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NO_SUCH_SETTING:
            raise
        return {}
    return answer
