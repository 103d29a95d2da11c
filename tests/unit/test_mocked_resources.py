"""The resources of a test under `mock_aws` are the template's."""

import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.resources import create_resources, properties_of_resources

INDEXES = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
PARTS = ("IndexName", "KeySchema", "Projection")


@pytest.fixture(autouse=True)
def _mocked() -> Iterator[None]:
    with mock_aws():
        yield


def attributes_of(queue_url: str) -> dict[str, str]:
    found: Any = boto3.client("sqs").get_queue_attributes(
        QueueUrl=queue_url, AttributeNames=["All"]
    )
    attributes: dict[str, str] = found["Attributes"]
    return attributes


def test_the_variables_name_what_is_there() -> None:
    variables = create_resources("mine")

    assert variables["ORDERS_TABLE"] in boto3.client("dynamodb").list_tables()["TableNames"]
    boto3.client("s3").head_bucket(Bucket=variables["ORDERS_BUCKET"])
    for name in ("ORDERS_QUEUE_URL", "ORDERS_DLQ_URL"):
        assert attributes_of(variables[name])
    assert variables["ORDERS_QUEUE_URL"].endswith(variables["ORDERS_QUEUE_NAME"])


def test_the_table_has_the_keys_and_indexes_of_the_template() -> None:
    wanted = properties_of_resources()["OrdersTable"]

    name = create_resources("mine")["ORDERS_TABLE"]

    table: Any = boto3.client("dynamodb").describe_table(TableName=name)["Table"]
    assert table["KeySchema"] == wanted["KeySchema"]
    for kind in INDEXES:
        found = [{part: index[part] for part in PARTS} for index in table[kind]]
        assert found == wanted[kind]


def test_the_queue_moves_a_message_to_the_dead_letter_queue_as_the_template_says() -> None:
    variables = create_resources("mine")
    sqs, queue_url = boto3.client("sqs"), variables["ORDERS_QUEUE_URL"]
    sqs.send_message(QueueUrl=queue_url, MessageBody="[]")
    receives = properties_of_resources()["OrdersQueue"]["RedrivePolicy"]["maxReceiveCount"]

    for _ in range(receives + 1):
        sqs.receive_message(QueueUrl=queue_url, VisibilityTimeout=0, WaitTimeSeconds=0)

    found = attributes_of(variables["ORDERS_DLQ_URL"])
    assert found["ApproximateNumberOfMessages"] == "1"
    assert attributes_of(queue_url)["VisibilityTimeout"] == "360"


def test_the_bucket_keeps_versions() -> None:
    bucket = create_resources("mine")["ORDERS_BUCKET"]

    assert boto3.client("s3").get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_stages_of_different_names_share_nothing() -> None:
    mine, yours = create_resources("mine"), create_resources("yours")

    assert mine.keys() == yours.keys()
    assert not set(mine.values()) & set(yours.values())


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_the_resources_are_in_the_region_of_the_environment(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)

    variables = create_resources("mine")

    assert f".{region}." in variables["ORDERS_QUEUE_URL"]
    boto3.client("s3").head_bucket(Bucket=variables["ORDERS_BUCKET"])
    assert os.environ["AWS_DEFAULT_REGION"] == region
