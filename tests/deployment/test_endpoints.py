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


def download_host(s3: Any) -> str:
    url = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "orders/1/a"})
    return host_of(url)


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
    assert download_host(clients.s3) == f"{BUCKET}.s3.{region}.{suffix}"


@pytest.mark.parametrize(("region", "suffix"), ONE_OF_EACH, indirect=["region"])
def test_the_commands_reach_a_bucket_at_its_host_in_its_region(region: str, suffix: str) -> None:
    session = boto3.session.Session()
    clients: dict[str, Any] = {
        "deploy": Aws().s3,
        "desk": Stage("dev", {}, session).s3,
        "lint": StageClients(session).of("s3"),
    }

    hosts = {name: download_host(client) for name, client in clients.items()}

    assert hosts == dict.fromkeys(clients, f"{BUCKET}.s3.{region}.{suffix}")
