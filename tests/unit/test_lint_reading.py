"""The lint reads of a deployed stage what the rules need: its API's stages, and its key."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ops.lint.clients import StageClients
from ops.lint.deployed_functions import read_events, read_function
from ops.lint.deployed_gateway import read_gateway
from ops.lint.deployed_key import read_key
from ops.lint.deployed_names import read_names
from ops.lint.stage import EventsSettings, denies_plain_http

ACCOUNT = "123456789012"
STATEMENT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}


@pytest.fixture
def clients() -> Iterator[StageClients]:
    with mock_aws(), closing(StageClients(boto3.session.Session())) as clients:
        yield clients


def api_of(apigateway: Any, *stages: str, name: str = "orders") -> str:
    api_id: str = apigateway.create_rest_api(name=name)["id"]
    (root,) = apigateway.get_resources(restApiId=api_id)["items"]
    at = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "GET"}
    apigateway.put_method(**at, authorizationType="AWS_IAM")
    apigateway.put_integration(**at, type="MOCK")
    for stage in stages:
        apigateway.create_deployment(restApiId=api_id, stageName=stage)
    return api_id


def test_the_api_of_the_stage_is_found_with_all_its_stages(clients: StageClients) -> None:
    apigateway = clients.of("apigateway")
    api_of(apigateway, "dev", name="other")
    api_of(apigateway, "prod", "Stage")
    api_id = api_of(apigateway, "dev", "Stage")

    gateway = read_gateway(clients, "dev")

    assert gateway.rest_api_id == api_id
    assert gateway.stages == {"dev", "Stage"}
    assert gateway.routes == {"GET /": True}


def test_a_stage_without_an_api_has_no_routes(clients: StageClients) -> None:
    api_of(clients.of("apigateway"), "prod")

    gateway = read_gateway(clients, "dev")

    assert (gateway.rest_api_id, gateway.stages, gateway.routes) == (None, frozenset(), {})


@pytest.fixture
def key_arn(clients: StageClients) -> str:
    policy = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
    arn: str = clients.of("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    return arn


def test_the_policy_of_a_key_of_ones_own_is_read(clients: StageClients, key_arn: str) -> None:
    key = read_key(clients, {"KmsKeyArn": key_arn, "Events": "off"}, ACCOUNT)

    assert key
    assert (key.arn, key.enabled, key.region) == (key_arn, True, "us-east-1")
    assert key.policy["Statement"] == [STATEMENT]
    assert key.services == ("sqs", "s3", "dynamodb")


def test_an_alias_of_the_key_is_followed(clients: StageClients, key_arn: str) -> None:
    alias = f"{key_arn.rsplit(':', 1)[0]}:alias/orders"
    clients.of("kms").create_alias(AliasName="alias/orders", TargetKeyId=key_arn)

    key = read_key(clients, {"KmsKeyArn": alias}, ACCOUNT)

    assert key
    assert key.arn == key_arn


def test_a_key_that_will_be_deleted_is_not_enabled(clients: StageClients, key_arn: str) -> None:
    clients.of("kms").schedule_key_deletion(KeyId=key_arn.split("/")[1])

    key = read_key(clients, {"KmsKeyArn": key_arn}, ACCOUNT)

    assert key
    assert not key.enabled


def test_the_topic_uses_the_key_only_with_events_on_sns(
    clients: StageClients, key_arn: str
) -> None:
    key = read_key(clients, {"KmsKeyArn": key_arn, "Events": "sns"}, ACCOUNT)

    assert key
    assert key.services == ("sqs", "s3", "dynamodb", "sns")


@pytest.mark.parametrize("parameters", [{}, {"KmsKeyArn": ""}])
def test_a_stage_without_a_key_of_its_own_has_nothing_to_read(
    clients: StageClients, parameters: dict[str, str]
) -> None:
    assert read_key(clients, parameters, ACCOUNT) is None


class KmsOfAnotherAccount:
    """A stand-in for KMS and for the clients: AWS refuses to show a policy to other accounts."""

    def of(self, _service: str) -> Any:
        return self

    def describe_key(self, KeyId: str) -> dict[str, Any]:  # noqa: N803 (KMS's name)
        return {
            "KeyMetadata": {
                "KeyManager": "CUSTOMER",
                "KeyState": "Enabled",
                "KeyId": "1",
                "Arn": KeyId,
            }
        }


def test_the_policy_of_a_key_of_another_account_is_not_asked_for() -> None:
    clients: Any = KmsOfAnotherAccount()

    key = read_key(clients, {"KmsKeyArn": "arn:aws:kms:us-east-1:444455556666:key/1"}, ACCOUNT)

    assert key
    assert not key.is_of_caller


@pytest.mark.parametrize("statements", [[], [{"Effect": "Allow"}]])
def test_a_policy_of_one_statement_needs_no_list_around_it(statements: list[Any]) -> None:
    deny = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}

    assert denies_plain_http({"Statement": deny})
    assert denies_plain_http({"Statement": [*statements, deny]})


class KmsOfAws:
    """A stand-in for KMS and for the clients: its key is AWS's own, and its policy unread."""

    def of(self, _service: str) -> Any:
        return self

    def describe_key(self, **_: str) -> dict[str, Any]:
        return {"KeyMetadata": {"KeyManager": "AWS"}}


def test_a_key_that_aws_manages_has_no_policy_to_read() -> None:
    clients: Any = KmsOfAws()

    key = read_key(clients, {"KmsKeyArn": "arn:aws:kms:us-east-1:1:alias/aws/sqs"}, ACCOUNT)

    assert key is None


def test_the_log_level_of_a_function_is_read(
    clients: StageClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moto keeps no logging configuration: the answer is as Lambda documents it."""
    answer = {"Timeout": 60, "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}}
    functions = clients.of("lambda")
    monkeypatch.setattr(functions, "get_function_configuration", lambda **_: answer)
    monkeypatch.setattr(functions, "get_function_concurrency", lambda **_: {})

    assert read_function(clients, "dev", "orders-dev").application_log_level == "WARN"


def test_what_a_stages_events_tell_is_read_of_stack_function_and_stream(
    clients: StageClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = clients.of("lambda")
    answer = {"Timeout": 60, "Environment": {"Variables": {"ORDERS_EVENTS_OF": "all"}}}
    mapping = {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}
    monkeypatch.setattr(functions, "get_function_configuration", lambda **_: answer)
    monkeypatch.setattr(functions, "get_function_concurrency", lambda **_: {})
    monkeypatch.setattr(
        functions, "list_event_source_mappings", lambda **_: {"EventSourceMappings": [mapping]}
    )

    found = read_events(clients, "dev", {"EventsKind": "sns", "EventsOf": "accepted"})

    assert found == EventsSettings("accepted", "all", ("{}",))
    assert read_events(clients, "dev", {}) is None


class FunctionsOfACopy:
    """Stand-ins for Lambda, IAM and the clients: a stage `eu` that was copied from `dev`."""

    class exceptions:  # noqa: N801 (botocore's name)
        ResourceNotFoundException = KeyError

    def of(self, _service: str) -> Any:
        return self

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803 (Lambda's)
        found = {
            "orders-eu": {"Environment": {"Variables": {"ORDERS_TABLE": "orders-dev"}}},
            "orders-eu-process_orders": {},
        }[FunctionName]
        arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{FunctionName}"
        role = f"arn:aws:iam::{ACCOUNT}:role/path/role-of-{FunctionName}"
        return {"FunctionArn": arn, "Role": role, **found}

    def list_tags(self, **_: str) -> dict[str, Any]:
        return {"Tags": {"stage": "dev"}}

    def get_paginator(self, _name: str) -> Any:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        yield {"PolicyNames": ["first", "second"]}

    def get_role_policy(self, **_: str) -> dict[str, Any]:
        statements = [{"Resource": "arn:*:sqs:*:*:orders-dev"}, {"Resource": ["*"]}]
        return {"PolicyDocument": {"Statement": statements}}


def test_what_the_functions_of_a_copy_name_is_read() -> None:
    """A stage without events has no third function."""
    clients: Any = FunctionsOfACopy()

    names = read_names(clients, "eu")

    assert {name.where: name.text for name in names if "process_orders" not in name.where} == {
        "ORDERS_SERVICE of function orders-eu": "orders",
        "ORDERS_TABLE of function orders-eu": "orders-dev",
        "the tag stage of function orders-eu": "dev",
        "policy first of role role-of-orders-eu": "*",
        "policy second of role role-of-orders-eu": "*",
    }
    assert sum(name.text == "arn:*:sqs:*:*:orders-dev" for name in names) == 4
    assert {name.where for name in names if name.expected == "eu"} == {
        "the tag stage of function orders-eu",
        "the tag stage of function orders-eu-process_orders",
    }
