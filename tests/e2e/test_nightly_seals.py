"""
A deployed stage that seals each night, on an emulator that really runs the packaged archive.

Its KMS signs nothing, so the function signs with a key of moto's. That the night comes, the test
can't wait for: it looks at the schedule, and invokes what the schedule would.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from chalicelib.aws.dynamodb import RecordStore
from chalicelib.orders.record import Record
from chalicelib.orders.times import now
from chalicelib.services.seal import Seal, seal_key
from ops.stage_names import SEALS_ALARM, alarm_name, sealer_name
from tests.builders import scheduled_event, submission
from tests.contract.moto_server import MotoServer
from tests.e2e.deployment import STAGE, EmulatedAccount

KEY = "arn:aws:kms:us-east-1:000000000000:key/0b2a1f7e-5d3c-4a8b-9f6e-1c2d3e4f5a6b"
SEALER = sealer_name(STAGE)
DAY = now() - timedelta(days=2)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def account(
    tmp_path_factory: pytest.TempPathFactory, deployments: Path
) -> Iterator[EmulatedAccount]:
    directory = tmp_path_factory.mktemp("seals")
    parameters = {"Seals": "on", "SealKeyArn": KEY}
    with EmulatedAccount(directory, deployments, **parameters) as account:
        account.deploy_packaged(account.package())
        yield account


@pytest.fixture(scope="module")
def kms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with MotoServer(tmp_path_factory.mktemp("kms")) as server:
        yield boto3.client("kms", endpoint_url=server.url)


def test_the_schedule_invokes_the_function_each_night(account: EmulatedAccount) -> None:
    events = account.client("events")

    (rule,) = events.list_rules()["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("cron(0 1 * * ? *)", "ENABLED")
    assert target["Arn"].endswith(f":function:{SEALER}")


def test_the_function_seals_the_records_of_the_stage(account: EmulatedAccount, kms: Any) -> None:
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    account.set_variables(SEALER, AWS_ENDPOINT_URL_KMS=kms.meta.endpoint_url, ORDERS_SEAL_KEY=key)
    table = RecordStore(account.dynamodb, account.outputs["TableName"], 4)
    table.take(Record.of_first(submission(), DAY))

    answer = account.awslambda.invoke(FunctionName=SEALER, Payload=json.dumps(scheduled_event()))

    assert "FunctionError" not in answer, answer["Payload"].read()
    found = account.s3.get_object(Bucket=account.outputs["BucketName"], Key=seal_key(DAY.date()))
    seal = Seal.from_json(found["Body"].read())
    assert (seal.statement.stage, seal.statement.records) == (STAGE, 1)
    assert kms.verify(
        KeyId=key,
        Message=seal.digest,
        MessageType="DIGEST",
        SigningAlgorithm=seal.algorithm,
        Signature=seal.signature,
    )["SignatureValid"]


def test_the_stage_has_what_watches_the_function(account: EmulatedAccount) -> None:
    name = alarm_name(STAGE, SEALS_ALARM)

    (alarm,) = account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]

    assert alarm["MetricName"] == "DaysUnsealed"
    assert alarm["TreatMissingData"] == "breaching"
