"""
The address of each service in every region of every partition, by what AWS publishes of them.

botocore holds these rules, for the functions and for the operators' commands alike. A region or a
partition that is new in botocore is tested with its next release.
"""

from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.session import Session

from chalicelib.aws.clients import LambdaClients
from ops.deploy.account import Aws
from ops.desk.stage import Stage
from ops.lint.clients import StageClients

PARTITIONS = {
    partition["id"]: partition["outputs"]["dnsSuffix"]
    for partition in Session().get_component("data_loader").load_data("partitions")["partitions"]
}
SERVICES = ("sqs", "dynamodb", "s3", "events", "sns")
OWN_ENDPOINTS = [
    "http://127.0.0.1:4566",
    "http://localhost:4566",
    "https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com",
]
BUCKET = "orders-dev-000000000000"
SESSION = boto3.session.Session()
REGIONS = {
    partition: SESSION.get_available_regions("s3", partition)
    for partition in SESSION.get_available_partitions()
}
# botocore treats us-east-1 otherwise than all others.
SPECIAL = ("us-east-1", PARTITIONS["aws"])
ONE_OF_EACH = [SPECIAL, *((names[0], PARTITIONS[each]) for each, names in REGIONS.items())]

pytestmark = pytest.mark.aws_part("botocore's endpoint rules")


def host_of(url: str) -> str:
    return str(urlsplit(url).hostname)


def download_url(s3: Any) -> str:
    params = {"Bucket": BUCKET, "Key": "orders/1/a"}
    return str(s3.generate_presigned_url("get_object", Params=params))


def commands_clients() -> dict[str, Any]:
    """Make the S3 clients of the operators' commands."""
    session = boto3.session.Session()
    return {
        "deploy": Aws().s3,
        "desk": Stage("dev", {}, session).s3,
        "lint": StageClients(session).of("s3"),
    }


@pytest.fixture
def region(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", name)
    return name


in_every_region = pytest.mark.parametrize(
    ("region", "suffix"),
    [(name, PARTITIONS[each]) for each, names in REGIONS.items() for name in names],
    indirect=["region"],
)


def test_the_rules_know_every_partition() -> None:
    assert PARTITIONS.keys() >= {"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc"}
    assert sum(map(len, REGIONS.values())) >= 46


@in_every_region
def test_a_function_calls_each_service_in_its_own_region(region: str, suffix: str) -> None:
    """S3's global host answers with a redirect at first, and knows no bucket of newer regions."""
    clients = LambdaClients()

    hosts = {name: host_of(getattr(clients, name).meta.endpoint_url) for name in SERVICES}

    assert hosts == {name: f"{name}.{region}.{suffix}" for name in SERVICES}
    assert host_of(download_url(clients.s3)) == f"{BUCKET}.s3.{region}.{suffix}"


@pytest.mark.parametrize("endpoint", OWN_ENDPOINTS)
def test_an_endpoint_of_ones_own_has_the_bucket_in_its_path(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emulator has no host for each bucket, nor has a VPC endpoint in its certificate."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    clients: list[Any] = [LambdaClients().s3, *commands_clients().values()]

    urls = [download_url(client).partition("?")[0] for client in clients]

    assert urls == [f"{endpoint}/{BUCKET}/orders/1/a"] * len(clients)


@pytest.mark.parametrize(("region", "suffix"), ONE_OF_EACH, indirect=["region"])
def test_the_commands_reach_a_bucket_at_its_host_in_its_region(region: str, suffix: str) -> None:
    hosts = {name: host_of(download_url(client)) for name, client in commands_clients().items()}

    assert hosts == dict.fromkeys(hosts, f"{BUCKET}.s3.{region}.{suffix}")
