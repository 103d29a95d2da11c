"""The limits of S3: on each, the largest that passes and the smallest that is refused."""

from typing import Any

import pytest

from tests.aws_limits.cases import Case, hold

WEEK = 7 * 24 * 3_600
HOST = "S3: a presigned URL is at its region's host"


def url(host: str, region: str = "eu-central-1", style: str | None = "virtual") -> dict[str, Any]:
    seen = {"Region": region, "AddressingStyle": style, "ExpiresIn": 300}
    return {"Url": f"https://{host}/k?X-Amz-Expires=300", "Key": "k", **seen}


def good_for(seconds: int) -> dict[str, Any]:
    return url("b.s3.eu-central-1.amazonaws.com") | {"ExpiresIn": seconds}


def metadata(size: int) -> dict[str, Any]:
    return {"Key": "k", "Metadata": {"name": "x" * (size - len("name"))}}


CASES = [
    Case("S3: a key has 1 to 1,024 bytes", "s3.PutObject", {"Key": "ñ" * 512}, {"Key": "ñ" * 513}),
    Case("S3: a key has 1 to 1,024 bytes", "s3.GetObject", {"Key": "k"}, {"Key": ""}),
    Case("S3: metadata have at most 2 KB", "s3.PutObject", metadata(2_048), metadata(2_049)),
    Case(
        "S3: a presigned URL is good for at most 7 days",
        "s3.PresignedUrl",
        good_for(WEEK),
        good_for(WEEK + 1),
    ),
    *(
        Case(HOST, "s3.PresignedUrl", taken, refused)
        for taken, refused in [
            (url("b.s3.eu-central-1.amazonaws.com"), url("b.s3.amazonaws.com")),
            (url("s3.eu-central-1.amazonaws.com"), url("s3.amazonaws.com")),
            (url("b.s3.eu-central-1.amazonaws.com"), url("b.s3.eu-west-1.amazonaws.com")),
            (
                url("b.s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
                url("b.s3.amazonaws.com.cn", "cn-north-1"),
            ),
            (
                url("b.s3.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
                url("b.s3.amazonaws.eu", "eusc-de-east-1"),
            ),
            # There the global host is the region's own; other regions get theirs by the setting.
            (
                url("b.s3.amazonaws.com", "us-east-1", "virtual"),
                url("b.s3.amazonaws.com", "us-east-1", None),
            ),
            (url("127.0.0.1:4566"), url("b.s3.amazonaws.com")),
        ]
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_s3_takes_the_largest_and_refuses_the_next(case: Case) -> None:
    hold(case)
