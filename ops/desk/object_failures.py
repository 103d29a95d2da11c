"""S3's refusals that concern one object, told apart from outages, which concern them all."""

from __future__ import annotations

import shlex
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from chalicelib.services.unavailable import StoreUnavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

MOST_BYTES_OF_KEY = 1_024
MISSING = {"NoSuchKey", "NoSuchVersion", "NotFound", "404"}
IN_COLD_STORAGE = "InvalidObjectState"
KMS_KEY_FAILS = "its KMS key can't be used: see the key's state and its policy"
# What S3 can refuse of one object, although it gives the others, and what it means (S3's API
# reference: "Error responses"; the KMS key is the object's own).
OF_ONE_OBJECT = {
    "AccessDenied": "this object, or its KMS key, is closed to you",
    "InvalidRequest": "it is encrypted with a key that only its writer has (SSE-C)",
    "InvalidArgument": "S3 takes no such request for this object",
    "KeyTooLongError": "no object can have this key",
    "InvalidURI": "no object can have this key",
    "MethodNotAllowed": "it is a delete marker",
    **dict.fromkeys(
        (
            "KMS.DisabledException",
            "KMS.InvalidKeyUsageException",
            "KMS.InvalidStateException",
            "KMS.KMSInvalidStateException",
            "KMS.NotFoundException",
        ),
        KMS_KEY_FAILS,
    ),
}
# So many refusals before the first object that can be read: there is no permission at all.
MOST_REFUSALS_AT_FIRST = 100


class ObjectMissing(LookupError):
    """There is no object under this key."""


class ObjectUnreadable(LookupError):
    """S3 does not give the bytes of this one object. The message says why, and what to do."""


class PayloadAltered(Exception):
    """The bytes that are kept of an order are not those that its record names."""

    def __init__(self, place: str, found: str, recorded: str) -> None:
        super().__init__(
            f"{place} was altered: the SHA-256 of its bytes is {found}, and its record says "
            f"{recorded}"
        )


class CannotRestore(Exception):
    """An object can't be restored: the message says why."""


class Refusals:
    """
    Tells a refusal of one object from an outage, for all reads of a bucket.

    One object that can't be read must not end a list of millions; no permission at all must.
    """

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._left: int | None = MOST_REFUSALS_AT_FIRST

    def forget(self) -> None:
        """Note that an object was read: from now on, each refusal is of one object."""
        self._left = None

    def of_one_object(self, key: str, error: ClientError) -> Exception:
        """Make the failure to raise for a read that S3 refused."""
        details: dict[str, Any] = {**error.response.get("Error", {})}
        code = details.get("Code", "unknown")
        if code in MISSING:
            return ObjectMissing(key)
        if code == IN_COLD_STORAGE:
            return ObjectUnreadable(self._cold(key, details.get("StorageClass", "cold storage")))
        if code not in OF_ONE_OBJECT:
            return error
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                return StoreUnavailable(
                    f"S3 GetObject: {code} for each of the first {MOST_REFUSALS_AT_FIRST} objects. "
                    "You need s3:GetObject on orders/* of the bucket, and kms:Decrypt with a key "
                    "of your own"
                )
        return ObjectUnreadable(f"S3 answers {code}: {OF_ONE_OBJECT[code]}")

    def _cold(self, key: str, storage_class: str) -> str:
        restore = ["aws", "s3api", "restore-object", "--bucket", self._bucket, "--key", key]
        command = shlex.join([*restore, "--restore-request", "Days=7"])
        return f"it is in {storage_class}: ask for a copy with `{command}`, and try again in hours"


def digest_in(head: Any) -> str | None:
    """Read an object's own SHA-256 in S3's description of it; one of parts is another thing."""
    checksum = head.get("ChecksumSHA256") or ""
    return b64decode(checksum).hex() if checksum and "-" not in checksum else None
