"""The archive: byte for byte, never overwritten, downloadable."""

import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from urllib3.response import HTTPResponse

from chalicelib.aws.obstore_archive import ObstoreArchive
from chalicelib.aws.s3 import OrderArchive
from chalicelib.services.batch_calls import BatchCalls
from chalicelib.services.unavailable import StoreConflict, StoreUnavailable
from tests.builders import order_text, submission
from tests.contract.conftest import Aws, OpenArchive, on_aws
from tests.fakes import FakeArchive, FakeQueue, FakeRecordStore

Archive = OrderArchive | ObstoreArchive


def text() -> str:
    """Make an order of its own for each test, in unusual JSON."""
    return f'{{ "id":"order-{uuid.uuid4()}" ,\r\n\t"amount": 1.10, "note": "ñ\\ud800 😀" }}'


def stored(aws: Aws, key: str) -> bytes:
    return aws.s3.get_object(Bucket=aws.bucket, Key=key)["Body"].read()


def test_keeping_an_order_twice_changes_nothing(archive: Archive | FakeArchive) -> None:
    delivered = submission(text())

    archive.keep(delivered)
    archive.keep(delivered)


def test_a_url_names_one_object(archive: Archive | FakeArchive) -> None:
    delivered = submission(text())

    assert delivered.archive_key in archive.presigned_url(delivered.archive_key)


def test_an_existing_archive_passes_its_check(archive: Archive | FakeArchive) -> None:
    archive.check()


@on_aws
def test_an_order_is_kept_byte_for_byte(aws: Aws, archive: Archive) -> None:
    delivered = submission(text())

    archive.keep(delivered)

    assert stored(aws, delivered.archive_key) == delivered.order.payload.encode()
    head = aws.s3.head_object(Bucket=aws.bucket, Key=delivered.archive_key)
    assert head["ContentType"] == "application/json"


@on_aws
def test_an_object_is_never_overwritten(aws: Aws, archive: Archive) -> None:
    delivered = submission(text())
    aws.s3.put_object(Bucket=aws.bucket, Key=delivered.archive_key, Body=b"was there before")

    archive.keep(delivered)

    assert stored(aws, delivered.archive_key) == b"was there before"


CONFLICT = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{code}</Code><Message>A conflicting conditional operation is in progress.</Message>
<Key>orders/order-001/s-1.json</Key><RequestId>0A1B2C3D4E5F</RequestId></Error>"""


class Conflicts:
    """Answers that puts get in S3's place, as long as there are any."""

    def __init__(self, *codes: str) -> None:
        self.left = list(codes)

    def __call__(self, request: Any, **_: Any) -> AWSResponse | None:
        if not self.left:
            return None
        body = BytesIO(CONFLICT.format(code=self.left.pop()).encode())
        raw: Any = HTTPResponse(body, preload_content=False)
        return AWSResponse(request.url, 409, HTTPHeaders(), raw)


@contextmanager
def conflicts(aws: Aws, *codes: str) -> Iterator[Conflicts]:
    """Let the next puts meet others at work."""
    events: Any = aws.s3.meta.events
    answer = Conflicts(*codes)
    events.register_first("before-send.s3.PutObject", answer)
    try:
        yield answer
    finally:
        events.unregister("before-send.s3.PutObject", answer)


@on_aws
@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "OperationAborted"])
def test_a_put_that_meets_another_one_is_a_conflict(aws: Aws, code: str) -> None:
    """The SDK does not try it again by itself: the second answer is left."""
    archive = OrderArchive(aws.s3, aws.bucket)
    with (
        conflicts(aws, code, code) as answers,
        pytest.raises(StoreConflict, match=f"S3 PutObject: {code}"),
    ):
        archive.keep(submission(text()))

    assert answers.left == [code]


@on_aws
def test_an_order_is_kept_although_its_put_met_another_one_twice(aws: Aws) -> None:
    archive = OrderArchive(aws.s3, aws.bucket)
    delivered, slept = submission(text()), list[float]()
    calls = BatchCalls(archive, FakeRecordStore(), FakeQueue(), lambda: None, slept.append)

    with conflicts(aws, *2 * ["ConditionalRequestConflict"]):
        calls.keep(delivered)

    assert len(slept) == 2
    assert stored(aws, delivered.archive_key) == delivered.order.payload.encode()


@on_aws
def test_a_missing_bucket_makes_each_call_fail(library: str, open_archive: OpenArchive) -> None:
    archive = open_archive("not-there")
    check = {"boto3": "S3 HeadBucket: 404", "obstore": "S3 GetObject: NoSuchBucket"}

    with pytest.raises(StoreUnavailable, match="S3 PutObject: NoSuchBucket"):
        archive.keep(submission(order_text()))
    with pytest.raises(StoreUnavailable, match=check[library]):
        archive.check()


# Nothing can be downloaded from moto, which is inside this process.
over_http = pytest.mark.parametrize("implementation", ["ministack", "roto"], indirect=True)


@over_http
def test_a_presigned_url_downloads_the_order_as_it_was_sent(archive: Archive) -> None:
    delivered = submission(text())
    archive.keep(delivered)

    with urllib.request.urlopen(archive.presigned_url(delivered.archive_key)) as answer:
        downloaded = answer.read()
        kept_by_caches = answer.headers["Cache-Control"] != "no-store"

    assert not kept_by_caches
    assert downloaded == delivered.order.payload.encode()
    assert json.loads(downloaded)["id"] == delivered.order.id


UNCHECKED = "it serves presigned URLs without a look at their signature"


def status_of(url: str, method: str = "GET") -> int:
    """Request a URL, and return the status."""
    request = urllib.request.Request(url, method=method, data=b"x" if method == "PUT" else None)
    try:
        with urllib.request.urlopen(request) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


@over_http
@pytest.mark.differs(roto=UNCHECKED)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_presigned_url_lets_nobody_write_or_delete(archive: Archive, method: str) -> None:
    delivered = submission(text())
    archive.keep(delivered)

    assert status_of(archive.presigned_url(delivered.archive_key), method) == 403


@over_http
@pytest.mark.differs(roto=UNCHECKED)
def test_a_presigned_url_does_not_open_another_object(archive: Archive) -> None:
    signed, other = submission(text()), submission(text())
    archive.keep(signed)
    archive.keep(other)

    url = archive.presigned_url(signed.archive_key).replace(signed.archive_key, other.archive_key)

    assert status_of(url) == 403


@on_aws
def test_a_presigned_url_opens_one_object_for_five_minutes(aws: Aws, archive: Archive) -> None:
    url = urllib.parse.urlsplit(archive.presigned_url("orders/a/b.json"))
    query = urllib.parse.parse_qs(url.query)

    assert aws.bucket in url.netloc + url.path
    assert url.path.endswith("/orders/a/b.json")
    assert query["X-Amz-Expires"] == ["300"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
