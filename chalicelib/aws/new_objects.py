"""Objects that are put once, and read: seals, and the logs of decisions."""

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.s3 import CONFLICTS
from chalicelib.services.unavailable import StoreConflict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class NewObjects:
    """The objects of a bucket that nobody overwrites. `what` is one of them, as a failure says."""

    def __init__(self, client: "S3Client", bucket: str, what: str) -> None:
        self._client = client
        self._bucket = bucket
        self._what = what

    def put_new(self, key: str, content: bytes) -> bool:
        """
        Put an object, in one part, if there is none under its key yet: whether it was put.

        Raises:
            StoreConflict: another put of it is at work; try again at once.
            StoreUnavailable: it may or may not be put; try again.
        """
        operation = f"S3 PutObject of {self._what}"
        with unavailable_on_failure(operation):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=content,
                    ContentType="application/json",
                    # S3 asks for one of whatever may be locked, whatever the client is set to.
                    ChecksumSHA256=b64encode(sha256(content).digest()).decode(),
                    IfNoneMatch="*",
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in CONFLICTS:
                    raise StoreConflict(f"{operation}: {code}") from error
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
        with unavailable_on_failure(f"S3 GetObject of {self._what}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
            return answer["Body"].read()
