"""The archive of a stage's code: what lies under its key is looked at before it is deployed."""

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from ops.deploy.artifacts import Artifacts


class FakeS3:
    """Objects with the checksums of their puts."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str | None]] = {}

    def put_object(self, *, Key: str, Body: bytes, ChecksumSHA256: str, **_: Any) -> None:  # noqa: N803 (S3's)
        self.objects[Key] = (Body, ChecksumSHA256)

    def head_object(self, *, Key: str, ChecksumMode: str, **_: Any) -> dict[str, Any]:  # noqa: N803 (S3's)
        assert ChecksumMode == "ENABLED"
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        checksum = self.objects[Key][1]
        return {"ChecksumSHA256": checksum} if checksum else {}


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def artifacts(s3: FakeS3) -> Artifacts:
    identity = SimpleNamespace(account_id="123456789012", partition="aws")
    aws = SimpleNamespace(s3=s3, identity=identity, region="eu-west-1")
    return Artifacts(cast("Any", aws))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "deployment.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("app.py", "app = 1")
    return path


def test_the_same_archive_is_sent_once(artifacts: Artifacts, archive: Path) -> None:
    first, again = (artifacts.upload_archive(archive, "dev") for _ in range(2))

    assert (first[1], again[1]) == (True, False)
    assert first[0] == again[0]


@pytest.mark.parametrize("checksum", [None, "Zm9yZ2Vk"])
def test_another_object_under_the_archives_key_is_replaced(
    artifacts: Artifacts, archive: Path, s3: FakeS3, checksum: str | None
) -> None:
    """CloudFormation would deploy whatever is there."""
    key, _ = artifacts.upload_archive(archive, "dev")
    s3.objects[key] = (b"forged", checksum)

    assert artifacts.upload_archive(archive, "dev") == (key, True)

    assert s3.objects[key][0] == archive.read_bytes()
