"""
The archive over obstore, a library in Rust: what `OrderArchive` does, for a third of its CPU.

It is loaded only where a stage's setting chooses it. One attempt is one request: which failures
are tried again, and how long a call may take, is as with botocore's clients.
"""

import random
import time
from collections.abc import Callable
from functools import partial
from hashlib import md5
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.aws.bucket_address import BucketAddress, BucketUrls, credentials_of
from chalicelib.aws.clients import AwsIsMocked, is_mocked
from chalicelib.aws.failures import unavailable_on_failure
from chalicelib.aws.obstore_failures import failure_of, is_failure, not_of_aws
from chalicelib.aws.obstore_store import open_store
from chalicelib.aws.s3 import CONFLICTS
from chalicelib.orders.submission import Submission
from chalicelib.services.unavailable import StoreConflict, StoreUnavailable

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session
    from obstore import PutResult
    from obstore.store import S3Store

# Below the prefix that the API may read, and not of the form that an order's key has.
NOTHING = "orders/health-check"

Answer = TypeVar("Answer")


class ObstoreArchive:
    """Orders in an S3 bucket. An object, once written, is never overwritten."""

    def __init__(
        self,
        store: "S3Store",
        urls: BucketUrls,
        credentials: "Callable[[], ReadOnlyCredentials]",
        *,
        attempts: int,
        sleep: Callable[[float], None],
    ) -> None:
        self._store = store
        # obstore signs no URL that says how S3 is to answer it.
        self.presigned_url = urls.presigned_url
        self._credentials = credentials
        self._attempts = attempts
        self._sleep = sleep

    def keep(self, submission: Submission) -> None:
        """
        Put the submission's order under its own key, if it is not there already.

        Raises:
            StoreConflict: another put of it is at work; try again at once.
            StoreUnavailable: it may or may not be written; try again.
        """
        operation = "S3 PutObject"
        payload = submission.order.payload.encode()
        put = partial(self._put, submission.archive_key, payload)
        # The key holds the payload's SHA-256: an object there already has the same bytes.
        answer = self._call(operation, put, expected="PreconditionFailed")
        if answer:
            _require_stored(operation, answer, payload)

    def check(self) -> None:
        """
        Make one cheap call that shows whether the bucket is there: ask for an object that is not.

        The error that S3 has for it is one that nothing else answers. obstore asks for no bucket
        alone, and takes any page for a list.

        Raises:
            StoreUnavailable: it can't be reached, or isn't there.
        """
        operation = "S3 GetObject"
        if self._call(operation, partial(self._store.get, NOTHING), expected="NoSuchKey"):
            raise StoreUnavailable(f"{operation}: {not_of_aws('200', 'code')}")

    def _put(self, key: str, payload: bytes) -> "PutResult":
        # With the checksum that the store is set up with: see `OrderArchive.put`.
        return self._store.put(
            key, payload, mode="create", attributes={"Content-Type": "application/json"}
        )

    def _call(self, operation: str, call: Callable[[], Answer], *, expected: str) -> Answer | None:
        """
        Make a call; None is S3's error with the expected code.

        It is made again after a failure that may pass, with the pauses of botocore's clients. Only
        AWS's own code tells an error. obstore has the same exception for an object that is there
        (412) and for a put that meets another one (409); a HEAD would tell them apart too, but
        asks for the right to read the object, which who puts orders does not have.

        Raises:
            StoreConflict: another put is at work; try again at once.
            StoreUnavailable: the last attempt failed, or one in a way that no other attempt mends.
        """
        with unavailable_on_failure(operation):
            self._credentials()
        attempt = 0
        while True:
            attempt += 1
            try:
                return call()
            except BaseException as error:
                # A panic in Rust is no `Exception`: it would end the whole batch.
                if not is_failure(error):
                    raise
                failure = failure_of(error)
            if failure.name == expected:
                return None
            if attempt == self._attempts or not failure.may_pass:
                break
            self._sleep(random.random() * 2 ** (attempt - 1))  # noqa: S311 (no secret)
        raised = StoreConflict if failure.name in CONFLICTS else StoreUnavailable
        # Without its cause, whose text quotes the key and the bucket.
        raise raised(f"{operation}: {failure.name}")


def _require_stored(operation: str, answer: "PutResult", payload: bytes) -> None:
    """
    Refuse an answer that anything else than S3 could give: obstore shows no request id.

    A bucket that keeps versions names the new one, and any other tells the digest of the bytes.
    """
    if answer["version"]:
        return
    if answer["e_tag"] != f'"{md5(payload, usedforsecurity=False).hexdigest()}"':
        missing = not_of_aws("200", "version and no digest of the order")
        raise StoreUnavailable(f"{operation}: {missing}")


def open_archive(
    session: "Session",
    config: Any,
    bucket: str,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> ObstoreArchive:
    """
    Open the archive in a bucket, with the time-outs and attempts of a client's config.

    Raises:
        AwsIsMocked: obstore would go past what answers instead of AWS.
    """
    address = BucketAddress.of(session, bucket)
    if is_mocked(address.url):
        raise AwsIsMocked
    # As each of botocore's clients does: else all threads of the first batch load them, each anew.
    session.get_credentials()
    credentials = partial(credentials_of, session)
    return ObstoreArchive(
        open_store(session, config, bucket, address.url, address.region),
        BucketUrls(address, credentials),
        credentials,
        attempts=config.retries["total_max_attempts"],
        sleep=sleep,
    )
