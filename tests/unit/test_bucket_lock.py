"""Object Lock before it changes, over moto: what is refused, and what the stage's name confirms."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ops.deploy.account import Identity
from ops.deploy.bucket_lock import BucketLock
from ops.deploy.left_behind import Found
from ops.deploy.problems import DeploymentProblem
from ops.deploy.stage_config import StageConfig
from ops.deploy.stage_data import delete_data
from ops.object_lock import NO_LOCK, Lock, lock_of, lock_of_bucket, lock_wanted
from ops.project import PROJECT_ROOT, RESOURCES_TEMPLATE
from ops.templates import load_template

ACCOUNT = "123456789012"
BUCKET = f"orders-dev-{ACCOUNT}"
TEMPLATE = load_template((PROJECT_ROOT / RESOURCES_TEMPLATE).read_text(encoding="utf-8"))


class NotTyped(Exception):
    """The user typed something else."""


def refuse(_warning: str) -> None:
    raise NotTyped


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


def make_bucket(s3: Any, mode: str | None = None, days: int = 0) -> None:
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=mode is not None)
    if mode:
        retention = {"Mode": mode.upper(), "Days": days}
        s3.put_object_lock_configuration(
            Bucket=BUCKET,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": retention},
            },
        )


def lock_of_stage(s3: Any, **parameters: Any) -> BucketLock:
    aws: Any = SimpleNamespace(
        s3=s3, region="us-east-1", identity=Identity(ACCOUNT, "arn:aws:iam::1:root")
    )
    config = StageConfig(Path(), "dev", {"resource_parameters": parameters}, {})
    return BucketLock(aws, config, TEMPLATE)


@pytest.mark.parametrize("parameters", [{}, {"ObjectLock": "governance", "ObjectLockDays": 30}])
def test_neither_no_lock_nor_governance_asks_for_the_name(
    s3: Any, parameters: dict[str, Any]
) -> None:
    lock_of_stage(s3, **parameters).require_possible(refuse)
    make_bucket(s3)

    lock_of_stage(s3, **parameters).require_possible(refuse)


@pytest.mark.parametrize("has", [None, ("governance", 30), ("compliance", 29)])
def test_compliance_that_the_bucket_does_not_have_yet_asks_for_the_name(
    s3: Any, has: tuple[str, int] | None
) -> None:
    make_bucket(s3, *(has or ()))
    said: list[str] = []

    lock_of_stage(s3, ObjectLock="compliance", ObjectLockDays=30).require_possible(said.append)

    (warning,) = said
    assert f"nobody can delete an object of {BUCKET} for 30 days from its put" in warning
    assert "This can't be undone" in warning


def test_compliance_asks_for_the_name_before_there_is_a_bucket(s3: Any) -> None:
    with pytest.raises(NotTyped):
        lock_of_stage(s3, ObjectLock="compliance", ObjectLockDays=30).require_possible(refuse)


def test_compliance_that_the_bucket_has_asks_for_nothing(s3: Any) -> None:
    make_bucket(s3, "compliance", 30)

    lock_of_stage(s3, ObjectLock="compliance", ObjectLockDays=30).require_possible(refuse)


@pytest.mark.parametrize("mode", ["governance", "compliance"])
def test_a_lock_is_not_turned_off(s3: Any, mode: str) -> None:
    make_bucket(s3, mode, 30)

    with pytest.raises(DeploymentProblem) as refused:
        lock_of_stage(s3).require_possible(refuse)

    assert f"has Object Lock in {mode} mode for 30 days, and S3 can't turn that off" in str(
        refused.value
    )
    assert '"ObjectLock": "governance", "ObjectLockDays": "1"' in str(refused.value)


def test_governance_after_compliance_is_no_problem(s3: Any) -> None:
    """S3 takes it: what was put before stays locked as it was."""
    make_bucket(s3, "compliance", 30)

    lock_of_stage(s3, ObjectLock="governance", ObjectLockDays=1).require_possible(refuse)


class Silent:
    """S3 of an account whose user may not ask for a bucket's lock, or where S3 fails."""

    def __init__(self, code: str) -> None:
        self._code = code

    def get_object_lock_configuration(self, **_: str) -> Any:
        raise ClientError({"Error": {"Code": self._code}}, "GetObjectLockConfiguration")


def test_who_may_not_ask_is_not_kept_from_a_stage_without_a_lock() -> None:
    lock = lock_of_stage(Silent("AccessDenied"))

    lock.require_possible(refuse)
    lock.require_deletable()


def test_who_may_not_ask_types_the_name_for_compliance() -> None:
    with pytest.raises(NotTyped):
        lock_of_stage(
            Silent("AccessDenied"), ObjectLock="compliance", ObjectLockDays=1
        ).require_possible(refuse)


def test_another_failure_of_s3_is_not_taken_for_no_lock() -> None:
    with pytest.raises(ClientError):
        lock_of_stage(Silent("SlowDown")).require_possible(refuse)


def test_data_in_compliance_mode_is_not_deleted_in_part(s3: Any) -> None:
    make_bucket(s3, "compliance", 30)

    with pytest.raises(DeploymentProblem, match="Nothing was changed"):
        lock_of_stage(s3).require_deletable()


def found() -> Found:
    return Found("OrdersBucket", "AWS::S3::Bucket", BUCKET, {})


def delete_all(s3: Any) -> None:
    aws: Any = SimpleNamespace(s3=s3)
    screen: Any = SimpleNamespace(say=lambda _: None)
    delete_data([found()], aws, screen)


def test_a_bucket_in_governance_mode_is_deleted_with_its_locked_objects(s3: Any) -> None:
    make_bucket(s3, "governance", 30)
    lock_of_stage(s3).require_deletable()
    s3.put_object(Bucket=BUCKET, Key="orders/a", Body=b"a")

    delete_all(s3)

    assert s3.list_buckets()["Buckets"] == []


class Keeping:
    """S3 with objects that were put in compliance mode before the mode was another."""

    def get_object_lock_configuration(self, **_: str) -> Any:
        retention = {"Mode": "GOVERNANCE", "Days": 1}
        return {
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": retention},
            }
        }

    def get_paginator(self, _name: str) -> Any:
        versions = [{"Key": "orders/a", "VersionId": "1"}]
        return SimpleNamespace(paginate=lambda **_: [{"Versions": versions}])

    def delete_objects(self, **_: Any) -> Any:
        return {"Errors": [{"Key": "orders/a", "Code": "AccessDenied", "Message": "locked"}]}


def test_what_s3_keeps_is_named_in_place_of_a_bucket_that_is_not_empty() -> None:
    with pytest.raises(DeploymentProblem, match=r"S3 kept 1 versions .* of orders/a it says Acc"):
        delete_all(Keeping())


@pytest.mark.parametrize(
    ("configuration", "lock"),
    [
        ({}, NO_LOCK),
        ({"ObjectLockEnabled": "Enabled"}, Lock("no default")),
        (
            {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 2}},
            },
            Lock("compliance", 730),
        ),
    ],
)
def test_a_configuration_is_read_as_s3_writes_it(configuration: Any, lock: Lock) -> None:
    assert lock_of(configuration) == lock


def test_a_bucket_that_is_not_there_has_no_lock(s3: Any) -> None:
    assert lock_of_bucket(s3, BUCKET) == NO_LOCK


def test_the_parameters_say_what_is_wanted() -> None:
    assert lock_wanted({}) == NO_LOCK
    assert lock_wanted({"ObjectLock": "governance", "ObjectLockDays": "7"}) == Lock("governance", 7)
    assert [str(each) for each in (NO_LOCK, Lock("no default"))] == [
        "no Object Lock",
        "Object Lock without a default retention",
    ]
