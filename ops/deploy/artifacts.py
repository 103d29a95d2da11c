"""The bucket of an account and region that CloudFormation takes code and templates from."""

from __future__ import annotations

import hashlib
import json
import time
from base64 import b64encode
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from ops.deploy.archive import digest_of
from ops.deploy.problems import DeploymentProblem, code_of
from ops.plain_http import refusing_plain_http

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops.deploy.account import Aws

T = TypeVar("T")

# S3 says the first while another call changes the bucket, and asks to try again. A new bucket may
# not be known everywhere yet.
BUSY = {"OperationAborted", "NoSuchBucket"}
ATTEMPTS, PAUSE_SECONDS = 10, 2.0
MISSING = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}
# us-east-1 is the one region that may not be named when a bucket is made there.
UNNAMED_REGION = "us-east-1"


class Artifacts:
    """
    Uploads to the artifacts bucket, which is made at the first deployment.

    Nothing is ever deleted from it: a rollback takes the code that was deployed before.
    """

    def __init__(self, aws: Aws, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._aws = aws
        self._sleep = sleep
        self._owner = aws.identity.account_id
        self.bucket = f"orders-artifacts-{self._owner}-{aws.region}"

    def make_ready(self) -> bool:
        """
        Make the bucket if it isn't there, and close it in any case. True: it was made.

        Raises:
            DeploymentProblem: the name is taken, or S3 is busy with the bucket for long.
        """
        made = not self._exists() and self._patiently(self._create)
        self._patiently(self._close)
        return made

    def upload_archive(self, archive: Path, stage: str) -> tuple[str, bool]:
        """
        Upload an archive: its key, and whether it had to be sent.

        Its key says what is in it: the same code again is the same object, and so no change. An
        object under the key that is anything else is replaced: it would become the stage's code.
        """
        key, content = f"{stage}/{digest_of(archive)}.zip", archive.read_bytes()
        checksum = b64encode(hashlib.sha256(content).digest()).decode()
        sent = self._checksum_of(key) != checksum
        if sent:
            self._aws.s3.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=content,
                ChecksumSHA256=checksum,
                ExpectedBucketOwner=self._owner,
            )
        return key, sent

    def upload_template(self, template: str, stage: str) -> str:
        """Upload a template that is too large for a request: its URL."""
        key = f"{stage}/{hashlib.sha256(template.encode()).hexdigest()}.template.yaml"
        self._aws.s3.put_object(
            Bucket=self.bucket, Key=key, Body=template.encode(), ExpectedBucketOwner=self._owner
        )
        signed = self._aws.s3.generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": key}
        )
        # CloudFormation reads it with the caller's rights: without the signature, which expires.
        return signed.partition("?")[0]

    def _exists(self) -> bool:
        try:
            self._aws.s3.head_bucket(Bucket=self.bucket, ExpectedBucketOwner=self._owner)
        except ClientError as error:
            if code_of(error) in MISSING:
                return False
            if code_of(error) in {"403", "AccessDenied"}:
                raise self._taken() from error
            raise
        return True

    def _patiently(self, step: Callable[[], T]) -> T:
        """Take a step again while S3 is busy with the bucket, such as for another deployment."""
        for _ in range(ATTEMPTS):
            try:
                return step()
            except ClientError as error:
                if code_of(error) not in BUSY:
                    raise
                self._sleep(PAUSE_SECONDS)
        raise DeploymentProblem(
            f"Another deployment is making the artifacts bucket {self.bucket}, or it was deleted a "
            "moment ago: S3 asks to try again. Run the same command again in a minute."
        )

    def _create(self) -> bool:
        """Create the bucket. False: another deployment did at the same time."""
        arguments: dict[str, Any] = {"Bucket": self.bucket}
        if self._aws.region != UNNAMED_REGION:
            arguments["CreateBucketConfiguration"] = {"LocationConstraint": self._aws.region}
        try:
            self._aws.s3.create_bucket(**arguments, ObjectOwnership="BucketOwnerEnforced")
        except ClientError as error:
            if code_of(error) == "BucketAlreadyExists":
                raise self._taken() from error
            if code_of(error) != "BucketAlreadyOwnedByYou":
                raise
            return False
        return True

    def _close(self) -> None:
        s3, bucket, owner = self._aws.s3, self.bucket, self._owner
        s3.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
            ExpectedBucketOwner=owner,
        )
        s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}, ExpectedBucketOwner=owner
        )
        s3.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps(self._tls_only()), ExpectedBucketOwner=owner
        )

    def _tls_only(self) -> dict[str, Any]:
        arn = f"arn:{self._aws.identity.partition}:s3:::{self.bucket}"
        statement = refusing_plain_http("s3", [arn, f"{arn}/*"])
        return {"Version": "2012-10-17", "Statement": [statement]}

    def _checksum_of(self, key: str) -> str | None:
        """Ask S3 for an object's SHA-256; None: there is none, or it was put without."""
        try:
            head = self._aws.s3.head_object(
                Bucket=self.bucket,
                Key=key,
                ChecksumMode="ENABLED",
                ExpectedBucketOwner=self._owner,
            )
        except ClientError as error:
            if code_of(error) in MISSING:
                return None
            raise
        return head.get("ChecksumSHA256")

    def _taken(self) -> DeploymentProblem:
        return DeploymentProblem(
            f"The name of the artifacts bucket, {self.bucket}, is taken by another account, or "
            "these credentials may not see it. If it is yours, ask for s3:ListBucket on it and run "
            "the command again; if not, change the name in ops/deploy/artifacts.py."
        )
