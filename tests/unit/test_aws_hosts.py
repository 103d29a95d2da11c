"""Hosts of AWS: told from an emulator's, and their region found, in every partition."""

import pytest
from botocore.session import Session

from ops.aws_hosts import is_of_aws, region_of, suffixes

PARTITIONS = Session().get_component("data_loader").load_data("partitions")["partitions"]
SUFFIXES = [partition["outputs"]["dnsSuffix"] for partition in PARTITIONS]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_host_of_any_partition_is_of_aws(suffix: str) -> None:
    assert is_of_aws(f"https://cloudformation.xx-east-1.{suffix}")
    assert region_of(f"https://sqs.xx-east-1.{suffix}/111122223333/orders-dev") == "xx-east-1"


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://eu-west-1.queue.amazonaws.com/1/orders-dev", "eu-west-1"),
        ("https://orders-dev-000000000000.s3.us-gov-west-1.amazonaws.com/a", "us-gov-west-1"),
        ("https://vpce-1.sqs.eu-central-1.vpce.amazonaws.com", None),
        ("https://orders-dev-000000000000.s3.amazonaws.com/a", None),
        ("https://s3.amazonaws.com", None),
        ("https://sqs.eu-wset-3.amazonaws.com", "eu-wset-3"),
        ("https://dynamodb.us-east-1.api.aws", "us-east-1"),
    ],
)
def test_the_region_is_found_where_the_host_names_one(url: str, region: str | None) -> None:
    assert region_of(url) == region


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4566/000000000000/orders-local",
        "http://localhost:4566",
        "https://amazonaws.com.example.org",
        "https://notamazonaws.com",
        "",
    ],
)
def test_another_host_is_not_of_aws(url: str) -> None:
    assert not is_of_aws(url)
    assert region_of(url) is None


def test_the_suffixes_are_known_whatever_profile_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "that-is-not-there")
    suffixes.cache_clear()

    assert ".amazonaws.com" in suffixes()
