"""
One suite, several implementations: each fake must do what its adapter does on AWS.

- `fake`: the fakes of the unit tests;
- `moto`: the adapters over moto, inside this process: an independent check of their requests;
- `moto_server`: moto over HTTP, one call after the other, since it is not atomic;
- `ministack`: the adapters over HTTP, on the resources that the template makes;
- `roto`: the adapters over HTTP, on an implementation in another language by other people;
- `dynamodb_local`: the table's adapters, on AWS's own engine. It has neither S3 nor SQS.

The archive's adapters, over boto3 and over obstore, are two more of each: `library`. obstore has no
part in this process that moto could stand in for.

If one of them is known to do other than AWS, the test says so with `differs`, and why. It then has
to fail on that one, so that an implementation that gets better shows too.
"""

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws.clients import S3_CONFIG, LambdaClients
from chalicelib.aws.dynamodb import RecordStore
from chalicelib.aws.key_store import KeyStore
from chalicelib.aws.s3 import OrderArchive
from chalicelib.aws.sqs import OrderQueue
from ops.local.stack import LocalResources
from tests.aws_parts import DYNAMODB_LOCAL
from tests.contract.dynamodb_local import DynamoDBLocal
from tests.contract.moto_server import MotoServer
from tests.contract.roto import Roto
from tests.fakes import FakeArchive, FakeKeyStore, FakeQueue, FakeRecordStore
from tests.resources import create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from chalicelib.aws.obstore_archive import ObstoreArchive

ON_DYNAMODB_LOCAL = pytest.param("dynamodb_local", marks=pytest.mark.aws_part(DYNAMODB_LOCAL.name))
# These have all that the system uses.
COMPLETE = ["moto", "moto_server", "ministack", "roto"]
# These have the table, at least.
WITH_TABLE = [*COMPLETE, ON_DYNAMODB_LOCAL]
# A test that asks for one of these calls S3 or SQS.
BESIDE_THE_TABLE = {"archive", "bucket", "decisions", "queue"}


class Aws:
    """Clients of one implementation of AWS, and the resources in it."""

    def __init__(self, endpoint: str | None) -> None:
        self.endpoint = endpoint
        self.sqs: SQSClient = boto3.client("sqs", endpoint_url=endpoint)
        self.s3: S3Client = boto3.client("s3", endpoint_url=endpoint, config=S3_CONFIG)
        self.dynamodb: DynamoDBClient = boto3.client("dynamodb", endpoint_url=endpoint)
        self.table = "orders"
        self.bucket = "orders"
        self.queue_url = ""
        self.dead_letter_queue_url = ""

    def create_table_and_bucket(self) -> None:
        self.create_table()
        self.s3.create_bucket(Bucket=self.bucket)

    def create_table(self) -> None:
        create_table(self.dynamodb, self.table)

    def create_queues(self) -> None:
        """Queues of a test's own: a queue can't be looked into without changing it."""
        name = f"orders-{uuid.uuid4()}"
        self.queue_url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.dead_letter_queue_url = self.sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]

    def order_queue(self) -> OrderQueue:
        return OrderQueue(lambda: self.sqs, self.queue_url, self.dead_letter_queue_url)

    def received(self, queue_url: str) -> list[dict[str, Any]]:
        """Take what is on a queue."""
        answer = self.sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return cast("list[dict[str, Any]]", answer.get("Messages", []))


class TableOnly(Aws):
    """DynamoDB, and nothing else."""

    def create_queues(self) -> None:
        """Make none."""


@pytest.fixture(scope="module")
def moto() -> Iterator[Aws]:
    # Credentials stay: those of the emulator are read while this is active.
    with mock_aws(config={"core": {"mock_credentials": False}}):
        aws = Aws(None)
        aws.create_table_and_bucket()
        yield aws


@pytest.fixture(scope="module")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with MotoServer(tmp_path_factory.mktemp("moto")) as server:
        aws = Aws(server.url)
        aws.create_table_and_bucket()
        yield aws


@pytest.fixture(scope="module")
def ministack(local_resources: LocalResources) -> Aws:
    aws = Aws(local_resources.aws_url)
    aws.table = local_resources.outputs["TableName"]
    aws.bucket = local_resources.outputs["BucketName"]
    return aws


@pytest.fixture(scope="module")
def roto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with Roto(tmp_path_factory.mktemp("roto")) as server:
        aws = Aws(server.url)
        aws.create_table_and_bucket()
        yield aws


@pytest.fixture(scope="module")
def dynamodb_local(dynamodb_local_server: DynamoDBLocal) -> Aws:
    aws = TableOnly(dynamodb_local_server.url)
    # Other modules use the same server.
    aws.table = f"orders-{uuid.uuid4()}"
    aws.create_table()
    return aws


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on all implementations that have what it needs, unless it names them itself."""
    marks = metafunc.definition.iter_markers("parametrize")
    named = any(mark.args[0] == "implementation" for mark in marks)
    if "implementation" in metafunc.fixturenames and not named:
        beside = BESIDE_THE_TABLE.intersection(metafunc.fixturenames)
        real = COMPLETE if beside else WITH_TABLE
        metafunc.parametrize("implementation", ["fake", *real], indirect=True)


@pytest.fixture
def implementation(request: pytest.FixtureRequest) -> Aws | None:
    """Give the implementation that the stores of a test run on; None is the fakes."""
    for mark in request.node.iter_markers("differs"):
        if request.param in mark.kwargs:
            reason = mark.kwargs[request.param]
            request.applymarker(pytest.mark.xfail(strict=True, reason=reason))
    if request.param == "fake":
        return None
    aws: Aws = request.getfixturevalue(request.param)
    aws.create_queues()
    return aws


@pytest.fixture
def aws(implementation: Aws | None) -> Aws:
    """For tests of what only an adapter does: see `on_aws` and `on_dynamodb`."""
    assert implementation
    return implementation


def only_on(*names: object) -> pytest.MarkDecorator:
    """Run a test on these implementations."""
    return pytest.mark.parametrize("implementation", names, indirect=True)


on_aws = only_on(*COMPLETE)
on_dynamodb = only_on(*WITH_TABLE)


@pytest.fixture
def records(implementation: Aws | None) -> RecordStore | FakeRecordStore:
    if implementation is None:
        return FakeRecordStore()
    return RecordStore(implementation.dynamodb, implementation.table, audit_shards=4)


@pytest.fixture
def keys(implementation: Aws | None) -> KeyStore | FakeKeyStore:
    if implementation is None:
        return FakeKeyStore()
    client = implementation.dynamodb
    return KeyStore(lambda: client, implementation.table)


@pytest.fixture(params=["boto3", "obstore"])
def library(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


OpenArchive = Callable[[str], "OrderArchive | ObstoreArchive"]


@pytest.fixture
def open_archive(
    library: str, implementation: Aws | None, monkeypatch: pytest.MonkeyPatch
) -> OpenArchive:
    """Open an archive in a bucket, over the library."""
    assert implementation
    if library == "boto3":
        return lambda bucket: OrderArchive(implementation.s3, bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(implementation.endpoint))
    return lambda bucket: LambdaClients().archive(bucket, over_obstore=True)


@pytest.fixture
def archive(
    request: pytest.FixtureRequest,
    library: str,  # noqa: ARG001 (it is a parameter of each test that asks for an archive)
    implementation: Aws | None,
) -> "OrderArchive | ObstoreArchive | FakeArchive":
    if implementation is None:
        return FakeArchive()
    over: OpenArchive = request.getfixturevalue("open_archive")
    return over(implementation.bucket)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what there is not: obstore over what is in this process."""
    items[:] = [item for item in items if not _is_obstore_in_this_process(item)]


def _is_obstore_in_this_process(item: pytest.Item) -> bool:
    given = getattr(getattr(item, "callspec", None), "params", {})
    return given.get("library") == "obstore" and given.get("implementation") in {"fake", "moto"}


@pytest.fixture
def queue(implementation: Aws | None) -> OrderQueue | FakeQueue:
    if implementation is None:
        return FakeQueue()
    return implementation.order_queue()
