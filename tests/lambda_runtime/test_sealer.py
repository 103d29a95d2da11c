"""The packaged function that seals, on Lambda's own runtime: with the botocore that is cut down."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.aws.dynamodb import RecordStore
from chalicelib.orders.record import Record
from chalicelib.orders.times import now
from chalicelib.services.seal import Seal, seal_key
from tests.aws_parts import LAMBDA_RUNTIME
from tests.builders import scheduled_event, submission
from tests.contract.moto_server import MotoServer
from tests.lambda_runtime.conftest import Start
from tests.lambda_runtime.package import SEALER, Package
from tests.resources import create_table

pytestmark = pytest.mark.aws_part(LAMBDA_RUNTIME.name)

DAY = now() - timedelta(days=2)


class Sealed:
    """A table with a record of the day before yesterday, a bucket, and a key: moto has KMS."""

    def __init__(self, server: MotoServer, name: str) -> None:
        clients: Any = {
            service: boto3.client(service, endpoint_url=server.url)
            for service in ("dynamodb", "s3", "kms")
        }
        self.kms, self.s3, self.name = clients["kms"], clients["s3"], name
        self.key = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")[
            "KeyMetadata"
        ]["Arn"]
        self.s3.create_bucket(Bucket=name)
        create_table(clients["dynamodb"], name)
        RecordStore(clients["dynamodb"], name, 4).take(Record.of_first(submission(), DAY))
        self.variables = {
            "AWS_ENDPOINT_URL": server.url,
            "ORDERS_TABLE": name,
            "ORDERS_BUCKET": name,
            "ORDERS_SEAL_KEY": self.key,
        }

    def seal(self) -> Seal:
        answer = self.s3.get_object(Bucket=self.name, Key=seal_key(DAY.date()))
        return Seal.from_json(answer["Body"].read())

    def is_signed(self, seal: Seal) -> bool:
        valid: bool = self.kms.verify(
            KeyId=self.key,
            Message=seal.digest,
            MessageType="DIGEST",
            SigningAlgorithm=seal.algorithm,
            Signature=seal.signature,
        )["SignatureValid"]
        return valid


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    with MotoServer(tmp_path_factory.mktemp("moto")) as running:
        yield running


@pytest.mark.parametrize("package", ["plain", "vendored"])
def test_the_sealer_seals_at_its_first_invocation(
    request: pytest.FixtureRequest, start: Start, server: MotoServer, package: str
) -> None:
    packaged: Package = request.getfixturevalue(package)
    stage = Sealed(server, f"orders-{package}")
    function = start(packaged, SEALER, variables=stage.variables)

    answer = function.invoke(scheduled_event())

    assert answer.status == 200
    seal = stage.seal()
    assert (seal.statement.stage, seal.statement.records) == (package, 1)
    assert stage.is_signed(seal)
    days = [line["day"] for line in function.log if line.get("message") == "day sealed"]
    assert days[0] == DAY.date().isoformat()
