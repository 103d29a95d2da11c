"""The bucket of the archive, as far as it keeps the logs of decisions."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from chalicelib.aws.new_objects import NewObjects
from chalicelib.services.unavailable import StoreConflict
from ops.desk.decision_log import Entry
from ops.desk.pages import each_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client


class DecisionBucket:
    """Objects that are written once."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._objects = NewObjects(client, bucket, "a decision")

    def put_new(self, key: str, content: bytes) -> bool:
        """Put an object that must not be there yet. Return whether it was put."""
        try:
            return self._objects.put_new(key, content)
        except StoreConflict:
            # Two puts met: which of them was first, a new look tells.
            return False

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
        return self._objects.read(key) or b""
