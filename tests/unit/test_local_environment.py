"""The local environment: the app finds the emulator, and never the developer's AWS account."""

import json
import os
import socket
from pathlib import Path

import pytest
from botocore.exceptions import ProfileNotFound

from chalicelib.aws.clients import LambdaClients
from ops.local.clients import queue_client
from ops.local.emulator import emulator_environment
from ops.local.environment import app_environment, without_aws_settings
from ops.local.programs import queue_arn
from ops.local_stage import DEFAULT_AWS_PORT, aws_url_at, cloudformation_client
from ops.ports import PortUnavailable, free_port, require_free
from ops.project import CONFIG, PROJECT_ROOT
from tests.configuration.own import TEXT

OUTPUTS = {
    "QueueName": "orders-local",
    "QueueUrl": "http://127.0.0.1:4566/000000000000/orders-local",
    "QueueArn": "arn:aws:sqs:us-east-1:000000000000:orders-local",
    "DeadLetterQueueUrl": "http://127.0.0.1:4566/000000000000/orders-dlq-local",
    "DeadLetterQueueArn": "arn:aws:sqs:us-east-1:000000000000:orders-dlq-local",
    "BucketName": "orders-local-000000000000",
    "TableName": "orders-local",
}
RUNNING = app_environment(OUTPUTS, "http://127.0.0.1:4566", partial_batch=False, colour=False)
DEVELOPERS_OWN = {
    "AWS_PROFILE": "production",
    "AWS_SESSION_TOKEN": "token",
    "AWS_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL_SQS": "https://sqs.eu-central-1.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "ORDERS_TABLE": "orders-prod",
}


# Another endpoint may stand in the environment, so the usual one is in a file.
OF_CHALICE_LOCAL = {name: RUNNING[name] for name in RUNNING if name != "AWS_ENDPOINT_URL"} | {
    "AWS_CONFIG_FILE": ".chalice/aws-local.ini",
    "AWS_PROFILE": "default",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
}


@pytest.mark.any_configuration
def test_chalice_local_gets_the_same_variables_from_the_checkouts_configuration() -> None:
    """`chalice local --stage local` by itself works against a running `make run`."""
    text = (PROJECT_ROOT / CONFIG).read_text(encoding="utf-8")

    assert variables_of_local(text).items() >= OF_CHALICE_LOCAL.items()


def test_chalice_local_gets_the_same_variables_from_the_tests_configuration() -> None:
    assert variables_of_local(TEXT) == OF_CHALICE_LOCAL


def variables_of_local(config: str) -> dict[str, str]:
    variables: dict[str, str] = json.loads(config)["stages"]["local"]["environment_variables"]
    return variables


@pytest.mark.any_configuration
@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({}, aws_url_at(DEFAULT_AWS_PORT)),
        ({"AWS_ENDPOINT_URL": aws_url_at(4570)}, aws_url_at(4570)),
        (
            {"AWS_PROFILE": "production", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            aws_url_at(DEFAULT_AWS_PORT),
        ),
    ],
)
def test_chalice_local_reaches_the_aws_endpoint_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], endpoint: str
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.chdir(PROJECT_ROOT)
    # As Chalice does: the stage's variables go over those of the shell.
    for name, value in {**environment, **OF_CHALICE_LOCAL}.items():
        monkeypatch.setenv(name, value)

    clients = LambdaClients()

    for client in (clients.sqs, clients.s3, clients.dynamodb):
        assert client.meta.endpoint_url == endpoint


def test_chalice_local_never_reaches_aws_without_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    for name, value in OF_CHALICE_LOCAL.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ProfileNotFound):
        _ = LambdaClients().sqs


def test_the_app_and_the_worker_use_the_same_failure_protocol() -> None:
    enabled = app_environment(OUTPUTS, "http://127.0.0.1:1", partial_batch=True, colour=True)

    assert enabled["ORDERS_PARTIAL_BATCH"] == "enabled"
    assert enabled["ORDERS_LOG_COLOUR"] == "always"


def test_the_app_is_told_who_may_call_only_if_someone_says_so() -> None:
    told = app_environment(
        OUTPUTS, "http://127.0.0.1:1", partial_batch=False, colour=False, principals="web=x"
    )

    assert told["ORDERS_PRINCIPALS"] == "web=x"
    assert "ORDERS_PRINCIPALS" not in RUNNING


def test_the_environment_has_none_of_the_developers_aws_settings() -> None:
    cleaned = without_aws_settings({**DEVELOPERS_OWN, "PATH": "/bin", "HOME": "/home/me"})

    assert DEVELOPERS_OWN.keys().isdisjoint(cleaned)
    assert cleaned["PATH"] == "/bin"
    assert cleaned["AWS_CONFIG_FILE"] == os.devnull
    assert cleaned["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost,169.254.169.254"),
        ({"NO_PROXY": "intra.example"}, "intra.example,127.0.0.1,localhost,169.254.169.254"),
        (
            {"no_proxy": "a.example", "NO_PROXY": "b"},
            "a.example,127.0.0.1,localhost,169.254.169.254",
        ),
    ],
)
def test_calls_to_this_machine_bypass_a_proxy(before: dict[str, str], after: str) -> None:
    cleaned = without_aws_settings({"HTTP_PROXY": "http://proxy.example:3128", **before})

    assert cleaned["no_proxy"] == cleaned["NO_PROXY"] == after
    assert cleaned["HTTP_PROXY"] == "http://proxy.example:3128"


def test_the_runners_own_clients_reach_only_the_emulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A profile with a region, keys and an endpoint of its own would send them elsewhere."""
    config = tmp_path / "config"
    config.write_text("[profile production]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name, value in DEVELOPERS_OWN.items():
        monkeypatch.setenv(name, value)

    for client in (
        queue_client("http://127.0.0.1:4566"),
        cloudformation_client("http://127.0.0.1:4566"),
    ):
        assert client.meta.endpoint_url == "http://127.0.0.1:4566"
        assert client.meta.region_name == "us-east-1"


def test_a_missing_profile_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere-to-be-found")

    queue_client("http://127.0.0.1:4566")


def test_each_emulator_has_its_own_files_and_only_the_loopback_interface(tmp_path: Path) -> None:
    environment = emulator_environment(
        {"PYTHONPATH": "/checkout", "AWS_PROFILE": "production"}, 4566, tmp_path
    )

    assert environment["BIND_HOST"] == environment["MINISTACK_HOST"] == "127.0.0.1"
    assert environment["GATEWAY_PORT"] == "4566"
    assert environment["IOT_MTLS_ENABLED"] == "0"
    for name in ("TMPDIR", "STATE_DIR", "S3_DATA_DIR"):
        assert environment[name].startswith(str(tmp_path))
    assert "PYTHONPATH" not in environment
    assert "AWS_PROFILE" not in environment


def test_the_queues_arn_follows_from_its_url() -> None:
    assert queue_arn(OUTPUTS["QueueUrl"]) == OUTPUTS["QueueArn"]


def test_require_free_refuses_a_port_in_use() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        with pytest.raises(PortUnavailable, match=rf"Port {port} \(API\) is in use"):
            require_free(port, "API")


def test_require_free_accepts_a_free_port() -> None:
    require_free(free_port(), "API")
