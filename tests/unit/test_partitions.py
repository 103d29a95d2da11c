"""Every partition of AWS: no name of one is fixed where a stage of another would need its own."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from moto import mock_aws

from ops.deploy.account import Aws, Identity
from ops.deploy.artifacts import Artifacts
from ops.deploy.place import require_same_place
from ops.deploy.problems import DeploymentProblem
from ops.deploy.stage_config import StageConfig
from ops.project import PROJECT_ROOT

# The commercial partition's ARNs and its hosts; aws-cn, aws-iso, aws-eusc, ... have others.
OF_ONE_PARTITION = re.compile(r"arn:aws:|amazonaws\.com")
# Settings name whatever a user has: queues, topics and callers, each in its partition.
SEARCHED = ("app.py", "chalicelib/**/*", "ops/**/*", "infrastructure/*", ".chalice/policy-*.json")
# Each with its reason.
EXCEPTIONS = {
    "chalicelib/services/principals.py": "an example in an advice",
    "chalicelib/texts/en.toml": "an example in an advice",
    "chalicelib/texts/es.toml": "an example in an advice",
    "ops/aws_hosts.py": "its docstring says so",
    "ops/desk/event_sources.py": "a service's principal has one name in every partition",
    "ops/lint/template.py": "a template is looked at as in us-east-1",
    "ops/local/lambda_events.py": "the emulator is in the commercial partition",
    "ops/local/programs.py": "the emulator is in the commercial partition",
}


class Place(NamedTuple):
    """A region, its partition, and what its hosts end with."""

    region: str
    partition: str
    suffix: str


PLACES = [
    Place("cn-north-1", "aws-cn", "amazonaws.com.cn"),
    Place("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    Place("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
    Place("eu-west-1", "aws", "amazonaws.com"),
]


@pytest.fixture(params=PLACES, ids=[place.region for place in PLACES])
def place(request: pytest.FixtureRequest) -> Place:
    one: Place = request.param
    return one


@pytest.fixture
def aws(place: Place, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("AWS_DEFAULT_REGION", place.region)
    aws = Aws()
    aws.__dict__["identity"] = Identity(
        "111122223333", f"arn:{place.partition}:iam::111122223333:user/ana"
    )
    return aws


def searched_files() -> Iterator[Path]:
    for pattern in SEARCHED:
        found = [path for path in PROJECT_ROOT.glob(pattern) if "__pycache__" not in path.parts]
        assert found, pattern
        yield from filter(Path.is_file, found)


@pytest.mark.any_configuration
def test_nothing_that_is_deployed_or_deploys_names_one_partition() -> None:
    found = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in searched_files()
        if OF_ONE_PARTITION.search(path.read_text(encoding="utf-8", errors="replace"))
    }

    assert found == EXCEPTIONS.keys()


def test_the_account_is_told_from_an_emulator(aws: Aws, place: Place) -> None:
    assert aws.emulator_url is None
    assert aws.cloudformation.meta.endpoint_url.endswith(place.suffix)


@mock_aws
def test_the_policy_of_the_artifacts_bucket_has_the_arn_of_its_partition(
    aws: Aws, place: Place
) -> None:
    artifacts = Artifacts(aws)

    artifacts.make_ready()

    policy = json.loads(aws.s3.get_bucket_policy(Bucket=artifacts.bucket)["Policy"])
    arn = f"arn:{place.partition}:s3:::{artifacts.bucket}"
    assert policy["Statement"][0]["Resource"] == [arn, f"{arn}/*"]


@mock_aws
def test_cloudformation_finds_a_large_template_in_its_partition(aws: Aws, place: Place) -> None:
    artifacts = Artifacts(aws)
    location: Any = {"LocationConstraint": place.region}
    aws.s3.create_bucket(Bucket=artifacts.bucket, CreateBucketConfiguration=location)

    url = artifacts.upload_template("Resources: {}", "dev")

    assert url.startswith(f"https://{artifacts.bucket}.s3.{place.region}.{place.suffix}/dev/")
    assert url.endswith(".template.yaml")


def test_a_stage_that_is_recorded_elsewhere_is_refused(
    aws: Aws, place: Place, tmp_path: Path
) -> None:
    def recorded_in(region: str) -> StageConfig:
        url = f"https://sqs.{region}.{place.suffix}/111122223333/orders-dev"
        settings = {"environment_variables": {"ORDERS_QUEUE_URL": url}}
        return StageConfig(tmp_path, "dev", settings, {})

    require_same_place(recorded_in(place.region), aws, move=False)

    with pytest.raises(DeploymentProblem, match="is recorded in account 111122223333, xx-north-9"):
        require_same_place(recorded_in("xx-north-9"), aws, move=False)
