"""The function of each night, by Chalice's own test client over moto: it seals once and says so."""

import json
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import boto3
import pytest
from chalice.test import Client
from moto import mock_aws

from chalicelib.aws.dynamodb import RecordStore
from chalicelib.orders.record import Record
from chalicelib.orders.times import now
from chalicelib.services.seal import Seal, seal_key
from chalicelib.settings import AppSettings, SettingsError
from tests.application import client_of, load_app
from tests.builders import order_text, submission
from tests.resources import create_resources

# It is over whatever the time of the day is.
DAY = now() - timedelta(days=2)
SECRETS = ("55501234", "55509876")


class Night:
    """A stage with a record of the day before yesterday, and the function that seals."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        variables = create_resources("dev")
        self.kms = boto3.client("kms")
        key = self.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
        self.key = key["Arn"]
        self.s3 = boto3.client("s3")
        self.bucket = variables["ORDERS_BUCKET"]
        self.records = RecordStore(boto3.client("dynamodb"), variables["ORDERS_TABLE"], 4)
        # Powertools keeps the first stream of each service.
        service = {"ORDERS_SERVICE": f"orders-{uuid.uuid4()}", "ORDERS_LOG_FORMAT": "json"}
        seals = {"ORDERS_SEALS": "on", "ORDERS_SEAL_KEY": self.key, **service}
        for name, value in (variables | seals).items():
            monkeypatch.setenv(name, value)
        self.client: Client = client_of(load_app().app)

    def record(self, moment: datetime) -> None:
        text = order_text(fromAccount=SECRETS[0], toAccount=SECRETS[1])
        self.records.take(Record.of_first(submission(text), moment))

    def run(self) -> None:
        event = self.client.events.generate_cw_event("aws.events", "Scheduled Event", {}, [])
        self.client.lambda_.invoke("seal_days", event)

    def seal_of(self, day: date) -> Seal:
        answer = self.s3.get_object(Bucket=self.bucket, Key=seal_key(day))
        return Seal.from_json(answer["Body"].read())


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    with mock_aws():
        yield Night(monkeypatch)


def test_the_function_seals_the_days_that_are_over_with_the_stages_key(night: Night) -> None:
    night.record(DAY)

    night.run()

    seal = night.seal_of(DAY.date())
    assert (seal.statement.stage, seal.statement.records) == ("dev", 1)
    assert night.kms.verify(
        KeyId=night.key,
        Message=seal.digest,
        MessageType="DIGEST",
        SigningAlgorithm=seal.algorithm,
        Signature=seal.signature,
    )["SignatureValid"]


def test_its_log_has_the_day_its_counts_and_hashes_and_no_account(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    night.record(DAY)

    night.run()

    seal = night.seal_of(DAY.date())
    output = capsys.readouterr().out
    lines = [json.loads(line) for line in output.splitlines()]
    (line,) = [each for each in lines if each.get("day") == DAY.date().isoformat()]
    assert (line["message"], line["records"], line["late"]) == ("day sealed", 1, 0)
    assert (line["root"], line["digest"]) == (seal.statement.root, seal.digest.hex())
    assert [each["DaysUnsealed"] for each in lines if "DaysUnsealed" in each] == [[0]]
    assert not any(secret in output for secret in SECRETS)


def test_a_second_night_seals_nothing_twice(night: Night) -> None:
    night.record(DAY)
    night.run()
    before = night.seal_of(DAY.date())

    night.run()

    assert night.seal_of(DAY.date()) == before


def test_a_stage_without_anything_has_nothing_to_seal(night: Night) -> None:
    night.run()

    assert night.s3.list_objects_v2(Bucket=night.bucket)["KeyCount"] == 0


def test_the_app_seals_nothing_unless_seals_are_on() -> None:
    assert "seal_days" not in load_app().app.handler_map
    assert not AppSettings.from_env({"ORDERS_SEALS": ""}).seals
    with pytest.raises(SettingsError, match="ORDERS_SEALS must be one of off, on"):
        AppSettings.from_env({"ORDERS_SEALS": "true"})


@pytest.mark.usefixtures("night")
def test_the_function_makes_its_parts_before_it_is_called() -> None:
    """Lambda gives it a whole processor until then, and does not bill the time."""
    application = load_app().application()

    application.prepare("seal_days")

    assert "sealing" in vars(application)
