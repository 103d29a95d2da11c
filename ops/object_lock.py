"""Object Lock of the archive's bucket: as a stage asks for it, and as the bucket has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_s3 import S3Client

# Parameters of the resources template.
OBJECT_LOCK, OBJECT_LOCK_DAYS = "ObjectLock", "ObjectLockDays"
OFF, GOVERNANCE, COMPLIANCE = "off", "governance", "compliance"
# The bucket could lock objects, but locks none by itself.
NO_DEFAULT = "no default"
NOT_LOCKED = {"ObjectLockConfigurationNotFoundError", "NoSuchBucket"}


class Lock(NamedTuple):
    """The mode of Object Lock, and for how many days it locks each new object."""

    mode: str = OFF
    days: int = 0

    @property
    def is_on(self) -> bool:
        return self.mode != OFF

    def __str__(self) -> str:
        if self.mode == OFF:
            return "no Object Lock"
        if self.mode == NO_DEFAULT:
            return "Object Lock without a default retention"
        return f"Object Lock in {self.mode} mode for {self.days} days"


NO_LOCK = Lock()


def lock_wanted(parameters: Mapping[str, Any]) -> Lock:
    """Read what the parameters of a stage's resources ask for."""
    return Lock(str(parameters.get(OBJECT_LOCK, OFF)), int(parameters.get(OBJECT_LOCK_DAYS, 0)))


def lock_of_bucket(s3: S3Client, bucket: str) -> Lock:
    """
    Read what a bucket has: none as well, if there is no such bucket.

    Raises:
        ClientError: S3 does not say.
    """
    try:
        answer = s3.get_object_lock_configuration(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NOT_LOCKED:
            raise
        return NO_LOCK
    return lock_of(answer.get("ObjectLockConfiguration", {}))


def lock_of(configuration: Mapping[str, Any]) -> Lock:
    """Read a bucket's configuration, which S3 and CloudFormation write with the same names."""
    if configuration.get("ObjectLockEnabled") != "Enabled":
        return NO_LOCK
    retention = configuration.get("Rule", {}).get("DefaultRetention")
    if not retention:
        return Lock(NO_DEFAULT)
    days = retention.get("Days") or 365 * retention.get("Years", 0)
    return Lock(retention["Mode"].lower(), int(days))
