"""The archive, as operators use it: listed, read, and mended from its older versions."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.orders.order import is_order_id
from ops.desk.order_table import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

PREFIX = "orders/"
KEY = re.compile(r"orders/([^/]+)/([A-Za-z0-9._-]{1,128})-([0-9a-f]{64})\.json")


class ArchivedObject(NamedTuple):
    """An object of the archive, as a listing shows it."""

    key: str
    modified_at: datetime


class ObjectMissing(LookupError):
    """There is no object under this key."""


class OrderBucket:
    """The bucket of the archive."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def objects(self) -> Iterator[ArchivedObject]:
        """Yield every object, in the order of the keys, a page of 1,000 at a time."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=PREFIX
        )
        iterator = iter(pages)
        while True:
            with unavailable_on_failure("S3 ListObjectsV2"):
                page = next(iterator, None)
            if page is None:
                return
            for entry in page.get("Contents", []):
                yield ArchivedObject(entry["Key"], entry["LastModified"].astimezone(UTC))

    def payload(self, key: str) -> bytes:
        """
        Read the bytes of an object.

        Raises:
            ObjectMissing: there is none.
        """
        with unavailable_on_failure("S3 GetObject"):
            try:
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                    raise ObjectMissing(key) from None
                raise

    def exists(self, key: str) -> bool:
        with unavailable_on_failure("S3 HeadObject"):
            try:
                self._client.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] in {"NoSuchKey", "404", "NotFound"}:
                    return False
                raise
        return True

    def restore(self, key: str) -> bool:
        """Undo the deletion of an object, if it has a version. Return whether it has."""
        with unavailable_on_failure("S3 ListObjectVersions"):
            answer = self._client.list_object_versions(Bucket=self._bucket, Prefix=key)
        if not any(version["Key"] == key for version in answer.get("Versions", [])):
            return False
        for marker in answer.get("DeleteMarkers", []):
            if marker["Key"] == key:
                with unavailable_on_failure("S3 DeleteObject of a delete marker"):
                    self._client.delete_object(
                        Bucket=self._bucket, Key=key, VersionId=marker["VersionId"]
                    )
        return True


def identity_of(key: str) -> Identity | None:
    """Tell whose order a key of the archive is for; None if it is no such key."""
    match = KEY.fullmatch(key)
    if match is None or not is_order_id(match[1]):
        return None
    return Identity(match[1], match[2], match[3])
