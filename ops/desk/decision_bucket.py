"""The bucket of the archive, as far as it keeps the logs of decisions."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.aws.failures import unavailable_on_failure
from ops.desk.decision_log import Entry
from ops.desk.pages import each_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

# S3 answers the second and third when two puts meet: which of them was first, a new look tells.
TAKEN = {"PreconditionFailed", "ConditionalRequestConflict", "OperationAborted"}


class DecisionBucket:
    """Objects that are written once."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_new(self, key: str, content: bytes) -> bool:
        """Put an object that must not be there yet. Return whether it was put."""
        with unavailable_on_failure("S3 PutObject of a decision"):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=content,
                    ContentType="application/json",
                    # A put into a bucket with Object Lock needs one, whatever the client is set to.
                    ChecksumSHA256=b64encode(sha256(content).digest()).decode(),
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if error.response["Error"]["Code"] in TAKEN:
                    return False
                raise
        return True

    def entries(self, prefix: str) -> Iterator[Entry]:
        """Yield the objects under a prefix, in the order of the keys, a page of 1,000 at a time."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in each_page(pages, "S3 ListObjectsV2 of decisions"):
            for found in page.get("Contents", []):
                yield Entry(found["Key"], found["LastModified"].astimezone(UTC))

    def read(self, key: str) -> bytes:
        """Read an object that was listed. If somebody deleted it since, it is empty."""
        with unavailable_on_failure("S3 GetObject of a decision"):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return b""
                raise
