"""S3's refusals: one object that can't be read is told from no permission, and from an outage."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.services.unavailable import StoreUnavailable
from ops.desk.object_failures import (
    MOST_REFUSALS_AT_FIRST,
    OF_ONE_OBJECT,
    ObjectMissing,
    ObjectUnreadable,
)
from ops.desk.order_bucket import OrderBucket
from tests.builders import order_text, submission


class Body:
    """A body of a read; one that is cut off says so at its end."""

    def __init__(self, content: bytes, *, cut_off: bool = False) -> None:
        self._content = content
        self._cut_off = cut_off

    def read(self, size: int) -> bytes:
        piece, self._content = self._content[:size], self._content[size:]
        if not piece and size and self._cut_off:
            raise ReadTimeoutError(endpoint_url="https://s3.example")
        return piece


class FakeS3:
    """Answers each read of a key as a test says, and with one byte otherwise."""

    def __init__(self) -> None:
        self.refused: dict[str, dict[str, str]] = {}
        self.status_of_head = 403
        self.bodies: dict[str, Body] = {}

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 (S3's)
        if Key in self.refused:
            raise ClientError({"Error": cast("Any", self.refused[Key])}, "GetObject")
        return {"Body": self.bodies.get(Key, Body(b"x"))}

    def head_object(self, **_: Any) -> dict[str, Any]:
        status = self.status_of_head
        response: Any = {
            "Error": {"Code": str(status)},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise ClientError(response, "HeadObject")


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def bucket(s3: FakeS3) -> OrderBucket:
    return OrderBucket(cast("Any", s3), "orders-prod-123456789012")


@pytest.mark.parametrize("code", OF_ONE_OBJECT)
def test_a_refusal_of_one_object_names_it_and_what_to_look_at(
    s3: FakeS3, bucket: OrderBucket, code: str
) -> None:
    s3.refused["a"] = {"Code": code}

    with pytest.raises(ObjectUnreadable, match=f"S3 answers {code}: ....") as unreadable:
        bucket.digest("a")

    assert OF_ONE_OBJECT[code] in str(unreadable.value)
    assert bucket.payload("b") == b"x"


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion"])
def test_an_object_that_is_gone_is_missing(s3: FakeS3, bucket: OrderBucket, code: str) -> None:
    s3.refused["a"] = {"Code": code}

    with pytest.raises(ObjectMissing):
        bucket.payload("a")


@pytest.mark.parametrize(
    "code",
    [
        *("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "503"),
        *("ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket"),
        *("KMS.ThrottlingException", "RequestTimeTooSkewed"),
    ],
)
def test_an_outage_is_no_finding_of_one_object(s3: FakeS3, bucket: OrderBucket, code: str) -> None:
    bucket.payload("b")
    s3.refused["a"] = {"Code": code}

    with pytest.raises(StoreUnavailable, match=f"S3 GetObject: {code}"):
        bucket.payload("a")


def test_no_permission_at_all_ends_the_list_with_a_sentence(
    s3: FakeS3, bucket: OrderBucket
) -> None:
    s3.refused = {str(number): {"Code": "AccessDenied"} for number in range(200)}
    for number in range(MOST_REFUSALS_AT_FIRST - 1):
        with pytest.raises(ObjectUnreadable):
            bucket.payload(str(number))

    with pytest.raises(StoreUnavailable, match="You need s3:GetObject"):
        bucket.payload("199")


def test_any_number_of_objects_can_be_closed_where_one_is_open(
    s3: FakeS3, bucket: OrderBucket
) -> None:
    s3.refused = {str(number): {"Code": "AccessDenied"} for number in range(200)}
    bucket.payload("open")

    for key in s3.refused:
        with pytest.raises(ObjectUnreadable):
            bucket.payload(key)


def test_any_number_of_objects_can_be_in_cold_storage(s3: FakeS3, bucket: OrderBucket) -> None:
    cold = {"Code": "InvalidObjectState", "StorageClass": "DEEP_ARCHIVE"}
    s3.refused = {str(number): cold for number in range(200)}

    for key in s3.refused:
        with pytest.raises(ObjectUnreadable, match="it is in DEEP_ARCHIVE"):
            bucket.payload(key)


def test_the_command_that_asks_for_a_copy_can_be_typed_whatever_the_key(
    s3: FakeS3, bucket: OrderBucket
) -> None:
    key = "orders/a'; rm -r ~; '/x"
    s3.refused[key] = {"Code": "InvalidObjectState", "StorageClass": "GLACIER"}

    with pytest.raises(ObjectUnreadable) as unreadable:
        bucket.payload(key)

    assert """--key 'orders/a'"'"'; rm -r ~; '"'"'/x' --restore""" in str(unreadable.value)
    assert "--bucket orders-prod-123456789012" in str(unreadable.value)


def test_an_outage_while_s3_is_asked_for_a_hash_is_one(s3: FakeS3, bucket: OrderBucket) -> None:
    s3.refused["a"] = {"Code": "InvalidObjectState"}
    s3.status_of_head = 503

    with pytest.raises(StoreUnavailable, match="S3 HeadObject: 503"):
        bucket.digest("a")


def test_a_body_that_is_cut_off_is_not_called_altered(s3: FakeS3, bucket: OrderBucket) -> None:
    made = submission(order_text("a"))
    s3.bodies[made.archive_key] = Body(made.order.payload.encode()[:-9], cut_off=True)

    with pytest.raises(StoreUnavailable, match="S3 GetObject: ReadTimeoutError"):
        bucket.digest(made.archive_key)
