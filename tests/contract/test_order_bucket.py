"""The archive as operators use it, and its fake: listed, read, compared and restored."""

import time
import uuid
from base64 import b64encode
from hashlib import sha256

import pytest

from chalicelib.aws.s3 import OrderArchive
from chalicelib.orders.order import MAX_PAYLOAD_BYTES
from chalicelib.orders.submission import Submission
from ops.desk.object_failures import CannotRestore, ObjectMissing, ObjectUnreadable
from ops.desk.order_bucket import OrderBucket, identity_of
from ops.desk.order_table import Identity
from tests.builders import order_text, submission
from tests.contract.conftest import Aws, on_aws, only_on
from tests.desk_fakes import FakeOrderBucket

Bucket = OrderBucket | FakeOrderBucket


@pytest.fixture
def bucket(implementation: Aws | None) -> Bucket:
    if implementation is None:
        return FakeOrderBucket()
    implementation.s3.put_bucket_versioning(
        Bucket=implementation.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    return OrderBucket(implementation.s3, implementation.bucket)


@pytest.fixture
def order_id() -> str:
    """Emulators are shared: each test has an order of its own."""
    return f"order-{uuid.uuid4()}"


def keep(bucket: Bucket, made: Submission, implementation: Aws | None) -> None:
    if isinstance(bucket, FakeOrderBucket):
        bucket.put(made.archive_key, made.order.payload.encode())
    else:
        assert implementation
        OrderArchive(implementation.s3, implementation.bucket).keep(made)


def delete(bucket: Bucket, key: str, implementation: Aws | None) -> None:
    if isinstance(bucket, FakeOrderBucket):
        bucket.delete(key)
    else:
        assert implementation
        implementation.s3.delete_object(Bucket=implementation.bucket, Key=key)


def overwrite(bucket: Bucket, key: str, content: bytes, implementation: Aws | None) -> None:
    if isinstance(bucket, FakeOrderBucket):
        bucket.put(key, content)
    else:
        assert implementation
        implementation.s3.put_object(Bucket=implementation.bucket, Key=key, Body=content)


def versions(bucket: Bucket, key: str, implementation: Aws | None) -> list[bytes]:
    """Read all versions of an object, the newest first; delete markers are none."""
    if isinstance(bucket, FakeOrderBucket):
        return [each for each in reversed(bucket.versions[key]) if each is not None]
    assert implementation
    s3, name = implementation.s3, implementation.bucket
    listed = s3.list_object_versions(Bucket=name, Prefix=key)["Versions"]
    return [
        s3.get_object(Bucket=name, Key=key, VersionId=each["VersionId"])["Body"].read()
        for each in listed
    ]


def put_cold(aws: Aws, made: Submission) -> None:
    """Put an order as a lifecycle leaves it after a year."""
    aws.s3.put_bucket_versioning(Bucket=aws.bucket, VersioningConfiguration={"Status": "Enabled"})
    aws.s3.put_object(
        Bucket=aws.bucket,
        Key=made.archive_key,
        Body=made.order.payload.encode(),
        ChecksumSHA256=b64encode(bytes.fromhex(made.order.payload_sha256)).decode(),
        StorageClass="GLACIER",
    )


def test_objects_are_listed_and_read(
    bucket: Bucket, implementation: Aws | None, order_id: str
) -> None:
    made = submission(order_text(order_id, note="ñ"))
    keep(bucket, made, implementation)

    (found,) = [each for each in bucket.objects() if order_id in each.key]

    assert identity_of(found.key) == Identity(
        made.order.id, made.submission_id, made.order.payload_sha256
    )
    assert found.archived_at.tzinfo
    assert bucket.payload(found.key) == made.order.payload.encode()
    assert bucket.digest(found.key) == made.order.payload_sha256
    assert bucket.exists(found.key)
    assert found.is_only_version


def test_versions_are_counted_by_keys_of_what_was_deleted_too(
    bucket: Bucket, implementation: Aws | None, order_id: str
) -> None:
    once, twice, deleted, other = (f"{order_id}/{day}/seal.json" for day in ("1", "2", "3", "x"))
    for key in (once, twice, twice, deleted, f"{other}.ndjson"):
        overwrite(bucket, key, b"{}", implementation)
    delete(bucket, deleted, implementation)

    found = bucket.versions_under(f"{order_id}/", "seal.json")

    assert found == {once: 1, twice: 2, deleted: 1}


def test_a_key_that_begins_another_one_does_not_exist(
    bucket: Bucket, implementation: Aws | None, order_id: str
) -> None:
    made = submission(order_text(order_id))
    keep(bucket, made, implementation)

    assert not any(map(bucket.exists, (made.archive_key[:-1], "", "x" * 1_025)))


def test_an_overwritten_object_shows_in_the_listing(
    bucket: Bucket, implementation: Aws | None, order_id: str
) -> None:
    made = submission(order_text(order_id))
    keep(bucket, made, implementation)
    (archived_at,) = [each.archived_at for each in bucket.objects() if order_id in each.key]
    # S3 tells whole seconds.
    time.sleep(0 if implementation is None else 1.1)
    overwrite(bucket, made.archive_key, b"forged", implementation)

    (found,) = [each for each in bucket.objects() if order_id in each.key]

    assert not found.is_only_version
    assert found.archived_at == archived_at
    assert bucket.digest(found.key) == sha256(b"forged").hexdigest()


def test_an_overwritten_object_is_restored_from_its_true_version(
    bucket: Bucket, implementation: Aws | None, order_id: str
) -> None:
    made = submission(order_text(order_id))
    keep(bucket, made, implementation)
    overwrite(bucket, made.archive_key, b"forged", implementation)
    before = versions(bucket, made.archive_key, implementation)

    bucket.restore(made.archive_key)

    payload = made.order.payload.encode()
    assert bucket.payload(made.archive_key) == payload
    # No evidence is lost.
    assert versions(bucket, made.archive_key, implementation) == [payload, *before]
    bucket.restore(made.archive_key)
    assert versions(bucket, made.archive_key, implementation) == [payload, *before]


def test_a_forged_version_that_was_deleted_is_not_restored(
    bucket: Bucket, implementation: Aws | None, order_id: str
) -> None:
    made = submission(order_text(order_id))
    keep(bucket, made, implementation)
    overwrite(bucket, made.archive_key, b"forged", implementation)
    delete(bucket, made.archive_key, implementation)

    bucket.restore(made.archive_key)

    assert bucket.payload(made.archive_key) == made.order.payload.encode()


def test_an_object_without_a_true_version_is_not_restored(
    bucket: Bucket, implementation: Aws | None, order_id: str
) -> None:
    made = submission(order_text(order_id))
    overwrite(bucket, made.archive_key, b"forged", implementation)

    with pytest.raises(CannotRestore, match="none is known to be the true one"):
        bucket.restore(made.archive_key)

    assert bucket.payload(made.archive_key) == b"forged"


def test_an_object_under_a_foreign_key_is_not_restored(
    bucket: Bucket, implementation: Aws | None, order_id: str
) -> None:
    key = f"orders/{order_id}/readme"
    overwrite(bucket, key, b"", implementation)
    delete(bucket, key, implementation)

    with pytest.raises(CannotRestore, match="its key names no SHA-256"):
        bucket.restore(key)

    assert not bucket.exists(key)


@only_on("moto", "moto_server", "ministack")
def test_an_object_in_cold_storage_is_told_from_a_missing_one(aws: Aws, order_id: str) -> None:
    bucket, made = OrderBucket(aws.s3, aws.bucket), submission(order_text(order_id))
    put_cold(aws, made)

    with pytest.raises(ObjectUnreadable) as unreadable:
        bucket.payload(made.archive_key)

    assert "it is in GLACIER: ask for a copy with `aws s3api restore-object" in str(
        unreadable.value
    )
    assert made.archive_key in str(unreadable.value)


@only_on("ministack")
def test_an_object_in_cold_storage_is_compared_by_the_checksum_of_its_put(
    aws: Aws, order_id: str
) -> None:
    """Neither moto nor roto keeps it."""
    bucket, made = OrderBucket(aws.s3, aws.bucket), submission(order_text(order_id))
    put_cold(aws, made)

    assert bucket.digest(made.archive_key) == made.order.payload_sha256


@only_on("ministack")
def test_a_true_version_in_cold_storage_is_named_and_waited_for(aws: Aws, order_id: str) -> None:
    bucket, made = OrderBucket(aws.s3, aws.bucket), submission(order_text(order_id))
    put_cold(aws, made)
    aws.s3.put_object(Bucket=aws.bucket, Key=made.archive_key, Body=b"forged")

    with pytest.raises(CannotRestore, match=r"its true version .* is in GLACIER"):
        bucket.restore(made.archive_key)

    assert bucket.payload(made.archive_key) == b"forged"


@only_on("moto")
def test_a_version_in_cold_storage_without_a_checksum_is_said_to_be_unread(
    aws: Aws, order_id: str
) -> None:
    bucket, made = OrderBucket(aws.s3, aws.bucket), submission(order_text(order_id))
    put_cold(aws, made)
    aws.s3.put_object(Bucket=aws.bucket, Key=made.archive_key, Body=b"forged")

    with pytest.raises(CannotRestore, match="can't be read: it is in GLACIER"):
        bucket.restore(made.archive_key)


@on_aws
def test_of_an_object_that_is_larger_than_an_order_only_the_beginning_is_read(
    aws: Aws, order_id: str
) -> None:
    bucket, key = OrderBucket(aws.s3, aws.bucket), f"orders/{order_id}/large"
    aws.s3.put_object(Bucket=aws.bucket, Key=key, Body=b"x" * (MAX_PAYLOAD_BYTES + 9))

    assert len(bucket.payload(key)) == MAX_PAYLOAD_BYTES + 1


def test_a_deleted_object_is_restored(
    bucket: Bucket, implementation: Aws | None, order_id: str
) -> None:
    made = submission(order_text(order_id))
    keep(bucket, made, implementation)
    delete(bucket, made.archive_key, implementation)
    assert not bucket.exists(made.archive_key)
    with pytest.raises(ObjectMissing):
        bucket.payload(made.archive_key)

    bucket.restore(made.archive_key)

    assert bucket.payload(made.archive_key) == made.order.payload.encode()


def test_an_object_that_never_existed_is_not_restored(bucket: Bucket, order_id: str) -> None:
    with pytest.raises(CannotRestore, match="the bucket keeps no version of it"):
        bucket.restore(submission(order_text(order_id)).archive_key)
