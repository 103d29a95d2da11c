"""The bucket, as far as it keeps seals: each object is put once, and read."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.new_objects import NewObjects
from chalicelib.services.seal import SEALS_PREFIX

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class SealStore(NewObjects):
    """Objects under `seals/`. The bucket's policy lets nobody overwrite one."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        super().__init__(client, bucket, "a seal")

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
