"""The bucket, as far as it keeps seals: each object is put once, and read."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.s3 import CONFLICTS
from chalicelib.services.seal import SEALS_PREFIX
from chalicelib.services.unavailable import StoreConflict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class SealStore:
    """Objects under `seals/`. The bucket's policy lets nobody overwrite one."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put_new(self, key: str, content: bytes) -> bool:
        """
        Put an object, in one part, if there is none under its key yet: whether it was put.

        Raises:
            StoreConflict: another put of it is at work; try again at once.
            StoreUnavailable: it may or may not be put; try again.
        """
        with unavailable_on_failure("S3 PutObject of a seal"):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=content,
                    ContentType="application/json",
                    # S3 asks for it of whatever may be locked.
                    ChecksumSHA256=b64encode(sha256(content).digest()).decode(),
                    IfNoneMatch="*",
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in CONFLICTS:
                    raise StoreConflict(f"S3 PutObject of a seal: {code}") from error
                if code == "PreconditionFailed":
                    return False
                raise
        return True

    def read(self, key: str) -> bytes | None:
        """
        Read an object; None if there is none.

        Raises:
            StoreUnavailable: try again.
        """
        with unavailable_on_failure("S3 GetObject of a seal"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
            return answer["Body"].read()

    def days(self) -> list[date]:
        """
        List the days that have objects, in their order: a call for each 1,000 of them.

        Raises:
            StoreUnavailable: try again.
        """
        ask: dict[str, Any] = {}
        days: list[date] = []
        while True:
            with unavailable_on_failure("S3 ListObjectsV2 of seals"):
                answer = self._client.list_objects_v2(
                    Bucket=self._bucket, Prefix=SEALS_PREFIX, Delimiter="/", **ask
                )
            days += [day for each in answer.get("CommonPrefixes", []) for day in _days_in(each)]
            if not answer["IsTruncated"]:
                return days
            ask = {"ContinuationToken": answer["NextContinuationToken"]}


def _days_in(found: Any) -> Iterator[date]:
    """Read the day of a prefix. Somebody's own objects may be under any."""
    text = found["Prefix"].split("/")[1]
    with suppress(ValueError):
        day = date.fromisoformat(text)
        # ISO 8601 has other ways to write it.
        if day.isoformat() == text:
            yield day
