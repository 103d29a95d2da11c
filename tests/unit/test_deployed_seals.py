"""The key of seals as KMS describes it, over moto: its kind, its state, and its aliases."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ops.lint.clients import StageClients
from ops.lint.deployed_seals import read_seal_key, seal_settings
from ops.lint.stage import SealKey

ACCOUNT = "123456789012"
REGION = "us-east-1"


@pytest.fixture
def kms() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("kms", region_name=REGION)


def create(kms: Any, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
    arn: str = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]
    return arn


def read(arn: str, account_id: str = ACCOUNT) -> SealKey | None:
    with closing(StageClients(boto3.Session(region_name=REGION))) as clients:
        return read_seal_key(clients, {"SealKeyArn": arn} if arn else {}, account_id)


def test_a_stage_without_a_key_asks_nobody() -> None:
    assert read("") is None


def test_a_key_is_read_with_its_kind_and_all_its_aliases(kms: Any) -> None:
    arn, other = create(kms), create(kms)
    kms.create_alias(AliasName="alias/mine", TargetKeyId=arn)
    kms.create_alias(AliasName="alias/orders-dev-seal_days", TargetKeyId=arn)
    kms.create_alias(AliasName="alias/others", TargetKeyId=other)

    assert read(arn) == SealKey(
        enabled=True,
        spec="ECC_NIST_P256",
        usage="SIGN_VERIFY",
        is_of_account=True,
        aliases=frozenset({"alias/mine", "alias/orders-dev-seal_days"}),
    )


def test_a_key_of_another_kind_is_told(kms: Any) -> None:
    key = read(create(kms, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"))

    assert key
    assert (key.spec, key.usage, key.aliases) == (
        "SYMMETRIC_DEFAULT",
        "ENCRYPT_DECRYPT",
        frozenset(),
    )


def test_a_key_that_was_disabled_is_told(kms: Any) -> None:
    arn = create(kms)
    kms.disable_key(KeyId=arn.rpartition("/")[2])

    key = read(arn)

    assert key
    assert not key.enabled


def test_the_aliases_of_another_accounts_key_are_not_asked_for(kms: Any) -> None:
    key = read(create(kms), account_id="210987654321")

    assert key
    assert (key.is_of_account, key.aliases) == (False, frozenset())


@pytest.mark.usefixtures("kms")
def test_a_key_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(ClientError, match="NotFoundException"):
        read(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0b2a1f7e-5d3c-4a8b-9f6e-1c2d3e4f5a6b")


def test_the_parameters_say_whether_a_function_seals() -> None:
    assert not seal_settings({}).on
    assert not seal_settings({"Seals": "off", "SealKeyArn": "arn"}).on
    assert seal_settings({"Seals": "on", "SealKeyArn": "arn"}).key_arn == "arn"
