"""
Every put into the archive's bucket carries a checksum, over the wire.

S3 refuses one without, where the bucket has Object Lock: "Object Lock considerations", uploading
objects, in its guide. No emulator does. The client is the functions', which adds none by itself.
The archive over obstore is held to it in test_obstore_archive.py.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.aws.clients import LambdaClients
from chalicelib.aws.s3 import OrderArchive
from chalicelib.aws.seal_store import SealStore
from ops.desk.decision_bucket import DecisionBucket
from ops.desk.order_bucket import OrderBucket
from tests.builders import submission

BUCKET = "orders"


class Wire:
    """A bucket that keeps versions, and the headers of each put that was sent."""

    def __init__(self) -> None:
        self.s3: Any = LambdaClients().s3
        self.puts: list[dict[str, Any]] = []
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.s3.meta.events.register_first("before-send.s3.PutObject", self._note)

    def _note(self, request: Any, **_: Any) -> None:
        self.puts.append({name.lower(): value for name, value in request.headers.items()})


@pytest.fixture
def wire() -> Iterator[Wire]:
    with mock_aws():
        yield Wire()


def test_an_order_is_put_with_a_checksum(wire: Wire) -> None:
    OrderArchive(wire.s3, BUCKET).keep(submission())

    assert_checked(wire.puts)


def test_a_decision_is_put_with_a_checksum(wire: Wire) -> None:
    DecisionBucket(wire.s3, BUCKET).put_new("decisions/a/b.json!1", b"{}")

    assert_checked(wire.puts)


def test_a_seal_is_put_with_a_checksum(wire: Wire) -> None:
    SealStore(wire.s3, BUCKET).put_new("seals/2026-05-14/seal.json", b"{}")

    assert_checked(wire.puts)


def test_a_repair_is_put_with_a_checksum(wire: Wire) -> None:
    made = submission()
    OrderArchive(wire.s3, BUCKET).keep(made)
    wire.s3.put_object(Bucket=BUCKET, Key=made.archive_key, Body=b"forged")
    wire.puts.clear()

    OrderBucket(wire.s3, BUCKET).restore(made.archive_key)

    assert_checked(wire.puts)


def test_the_client_adds_none_by_itself(wire: Wire) -> None:
    """So what is said here is said by the adapters, and these tests can fail."""
    wire.s3.put_object(Bucket=BUCKET, Key="some", Body=b"")

    (put,) = wire.puts
    assert not any(name.startswith("x-amz-checksum-") or name == "content-md5" for name in put)


def assert_checked(puts: list[dict[str, Any]]) -> None:
    (put,) = puts
    assert put["x-amz-checksum-sha256"]
    assert put["if-none-match"] in {"*", b"*"}
