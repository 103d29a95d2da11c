"""The archive: the JSON of every valid order in S3, byte for byte as it was received."""

from base64 import b64encode
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.orders.submission import Submission
from chalicelib.services.unavailable import StoreConflict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PRESIGNED_URL_SECONDS = 300
# A 409: S3 asks to put again, which the SDK doesn't (S3's API reference: PutObject, If-None-Match;
# "Error responses").
CONFLICTS = {"ConditionalRequestConflict", "OperationAborted"}


class OrderArchive:
    """Orders in an S3 bucket. An object, once written, is never overwritten."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, submission: Submission) -> None:
        """
        Put the submission's order under its own key, if it is not there already.

        Raises:
            StoreConflict: another put of it is at work; try again at once.
            StoreUnavailable: it may or may not be written; try again.
        """
        order = submission.order
        self.put(submission.archive_key, order.payload.encode(), order.payload_sha256)

    def put(self, key: str, payload: bytes, payload_sha256: str) -> None:
        """
        Put bytes whose SHA-256 the key names, if there is no object under it.

        Raises:
            StoreConflict, StoreUnavailable: see `keep`.
        """
        with unavailable_on_failure("S3 PutObject"):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=payload,
                    ContentType="application/json",
                    # S3 checks it, and tells it whenever it is asked: so an object can be compared
                    # with its key without being read, which in cold storage takes hours. A bucket
                    # with Object Lock takes no put without one (S3's guide: "Object Lock
                    # considerations", uploading objects).
                    ChecksumSHA256=b64encode(bytes.fromhex(payload_sha256)).decode(),
                    IfNoneMatch="*",
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in CONFLICTS:
                    raise StoreConflict(f"S3 PutObject: {code}") from error
                # The key holds the payload's SHA-256: an object there already has the same bytes.
                if code != "PreconditionFailed":
                    raise

    def presigned_url(self, key: str) -> str:
        """
        Sign a URL that downloads this one object, with GET only, for 300 seconds.

        S3 answers it with the order, so the URL asks for an answer that no cache keeps.
        """
        return self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseCacheControl": "no-store",
            },
            ExpiresIn=PRESIGNED_URL_SECONDS,
            HttpMethod="GET",
        )

    def check(self) -> None:
        """
        Make one cheap call that shows whether the bucket is there.

        Raises:
            StoreUnavailable: it can't be reached, or isn't there.
        """
        with unavailable_on_failure("S3 HeadBucket"):
            self._client.head_bucket(Bucket=self._bucket)
