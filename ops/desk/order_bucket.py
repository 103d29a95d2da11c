"""The archive, as operators use it: listed, read, and mended from its older versions."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.s3 import OrderArchive
from chalicelib.orders.order import MAX_PAYLOAD_BYTES, is_order_id
from ops.desk.object_failures import (
    MOST_BYTES_OF_KEY,
    CannotRestore,
    ObjectMissing,
    ObjectUnreadable,
    Refusals,
    digest_in,
)
from ops.desk.order_table import Identity
from ops.desk.pages import each_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

PREFIX = "orders/"
KEY = re.compile(r"orders/([^/]+)/([A-Za-z0-9._-]{1,128})-([0-9a-f]{64})\.json")
# S3's name for a version that was written while the bucket kept none: another one replaces it.
UNVERSIONED = "null"
SERVER_ERROR = 500


class ArchivedObject(NamedTuple):
    """An object of the archive, as a listing shows it."""

    key: str
    # When its first version was written: neither an overwriting nor a repair changes it.
    archived_at: datetime
    # Its key has no other version: nothing has overwritten it.
    is_only_version: bool = True


class OrderBucket:
    """The bucket of the archive."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._refusals = Refusals(bucket)

    def objects(self) -> Iterator[ArchivedObject]:
        """
        Yield every object, in the order of the keys, a page of 1,000 versions at a time.

        A listing of versions costs what a listing of objects does, and tells what was overwritten.
        """
        for key, versions in groupby(self._versions(PREFIX), key=itemgetter("Key")):
            there, count, first = False, 0, None
            for version in versions:
                there, count, first = there or version["IsLatest"], count + 1, version
            if there and first:
                only = count == 1 and first["VersionId"] != UNVERSIONED
                yield ArchivedObject(key, first["LastModified"].astimezone(UTC), only)

    def payload(self, key: str) -> bytes:
        """
        Read the bytes of an object; of one that is larger than any order, only the beginning.

        Raises:
            ObjectMissing: there is none.
            ObjectUnreadable: S3 does not give the bytes of this one. The message says what to do.
        """
        return self._read(key)

    def digest(self, key: str) -> str:
        """
        Tell the SHA-256 of an object's bytes: by reading them, or else as S3 keeps it.

        Raises:
            ObjectMissing: there is none.
            ObjectUnreadable: S3 does not give the bytes, and keeps no SHA-256 of them.
        """
        return self._digest(key)

    def versions_under(self, prefix: str, name: str) -> Counter[str]:
        """Count the versions of each object of this name, of one that was deleted as well."""
        keys = (version["Key"] for version in self._versions(prefix))
        return Counter(key for key in keys if key.endswith(f"/{name}"))

    def exists(self, key: str) -> bool:
        """Tell by a listing: no object is so that S3 would refuse to list it."""
        if not 0 < len(key.encode()) <= MOST_BYTES_OF_KEY:
            return False
        with unavailable_on_failure("S3 ListObjectsV2"):
            answer = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return any(entry["Key"] == key for entry in answer.get("Contents", []))

    def restore(self, key: str) -> None:
        """
        Make the version whose bytes have the SHA-256 that the key names the latest one again.

        No version is deleted: an auditor finds a false one below. A delete marker is, where the
        true version lies right below it. Safe to repeat.

        Raises:
            CannotRestore: the message says why.
        """
        identity = identity_of(key)
        if identity is None:
            raise CannotRestore("its key names no SHA-256 to know the true version by")
        ids = [each["VersionId"] for each in self._versions(key) if each["Key"] == key]
        true = self._true_version(key, ids, identity.payload_sha256)
        if true == ids[0]:
            self._delete_markers_above(key)
        else:
            self._put_on_top(key, true, identity.payload_sha256)
        if self._digest(key) != identity.payload_sha256:
            raise CannotRestore("it was overwritten again meanwhile")

    def _versions(self, prefix: str) -> Iterator[Any]:
        """Yield all versions but delete markers: key by key, each key's newest first."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in each_page(pages, "S3 ListObjectVersions"):
            yield from page.get("Versions", [])

    def _read(self, key: str, **version: Any) -> bytes:
        with unavailable_on_failure("S3 GetObject"):
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=key, **version)["Body"]
                payload = _beginning(body)
            except ClientError as error:
                raise self._refusals.of_one_object(key, error) from error
        self._refusals.forget()
        return payload

    def _digest(self, key: str, **version: Any) -> str:
        try:
            return sha256(self._read(key, **version)).hexdigest()
        except ObjectUnreadable:
            kept = self._kept_digest(key, **version)
            if kept is None:
                raise
            return kept

    def _kept_digest(self, key: str, **version: Any) -> str | None:
        """Ask S3 for the SHA-256 that came with the put, which it has checked then."""
        with unavailable_on_failure("S3 HeadObject"):
            try:
                head = self._client.head_object(
                    Bucket=self._bucket, Key=key, ChecksumMode="ENABLED", **version
                )
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] >= SERVER_ERROR:
                    raise
                return None
        return digest_in(head)

    def _true_version(self, key: str, ids: list[str], payload_sha256: str) -> str:
        """Find the newest version whose bytes have this SHA-256."""
        unreadable, why = "", None
        for version_id in ids:
            try:
                if self._digest(key, VersionId=version_id) == payload_sha256:
                    return version_id
            except ObjectMissing:  # deleted since it was listed
                continue
            except ObjectUnreadable as error:
                unreadable, why = f"; version {version_id} can't be read: {error}", error
        if not ids:
            raise CannotRestore("the bucket keeps no version of it")
        raise CannotRestore(
            f"of {len(ids)} versions, none is known to be the true one{unreadable}"
        ) from why

    def _delete_markers_above(self, key: str) -> None:
        while marker := self._latest_marker(key):
            with unavailable_on_failure("S3 DeleteObject of a delete marker"):
                self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=marker)

    def _latest_marker(self, key: str) -> str | None:
        with unavailable_on_failure("S3 ListObjectVersions"):
            answer = self._client.list_object_versions(Bucket=self._bucket, Prefix=key)
        markers = answer.get("DeleteMarkers", [])
        latest = (each["VersionId"] for each in markers if each["Key"] == key and each["IsLatest"])
        return next(latest, None)

    def _put_on_top(self, key: str, version_id: str, payload_sha256: str) -> None:
        """Put a version's bytes as a new one. Between them comes a delete marker."""
        try:
            payload = self._read(key, VersionId=version_id)
        except ObjectUnreadable as error:
            raise CannotRestore(f"its true version {version_id}: {error}") from error
        # The bucket's policy refuses a put without If-None-Match, and every copy.
        if self._latest_marker(key) is None:
            with unavailable_on_failure("S3 DeleteObject"):
                self._client.delete_object(Bucket=self._bucket, Key=key)
        OrderArchive(self._client, self._bucket).put(key, payload, payload_sha256)


def _beginning(body: StreamingBody) -> bytes:
    """Read a body, up to a byte more than an order can have: another's object may have 50 TB."""
    payload = b""
    # The last read, of nothing, fails if the body was cut off.
    while chunk := body.read(MAX_PAYLOAD_BYTES + 1 - len(payload)):
        payload += chunk
    return payload


def identity_of(key: str) -> Identity | None:
    """Tell whose order a key of the archive is for; None if it is no such key."""
    match = KEY.fullmatch(key)
    if match is None or not is_order_id(match[1]):
        return None
    return Identity(match[1], match[2], match[3])
