"""Settings of AWS that can't be used: each is named, with its value, and is no "no local stage"."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ProfileNotFound

from ops.aws_session import BadAwsSetting, make_client, make_session, said_with_setting
from ops.deploy.account import Aws
from ops.deploy.problems import explain
from ops.desk.stage import StageUnavailable, connect
from ops.lint.clients import StageClients
from ops.local_stage import local_client_config, local_session
from ops.ports import free_port

BAD = {
    "AWS_DEFAULTS_MODE": "bogus",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "bogus",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "bogus",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "bogus",
    "AWS_STS_REGIONAL_ENDPOINTS": "bogus",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "x",
    "AWS_METADATA_SERVICE_TIMEOUT": "x",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "x",
    "AWS_ENDPOINT_URL": "nourl",
    "AWS_PROFILE": "nobody",
    "AWS_CA_BUNDLE": "/nowhere/ca.pem",
}
# The commands' own clients say how often to try, whatever this says; so it is no fault of theirs.
OF_NO_CONSEQUENCE = {
    "AWS_RETRY_MODE": "bogus",
    "AWS_MAX_ATTEMPTS": "x",
    "AWS_USE_FIPS_ENDPOINT": "maybe",
}
RESOURCES = {
    "ORDERS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/orders-dev",
    "ORDERS_DLQ_URL": "https://sqs.eu-west-1.amazonaws.com/1/orders-dlq-dev",
    "ORDERS_BUCKET": "orders-dev-1",
    "ORDERS_TABLE": "orders-dev",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"stages": {"dev": {"environment_variables": RESOURCES}}}))
    return path


@pytest.mark.parametrize(("name", "value"), BAD.items())
def test_a_bad_setting_is_named_with_its_value(
    name: str, value: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.startswith("AWS_METADATA"):
        # It is read where credentials are looked for on the machine that this may be.
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv(name, value)

    with pytest.raises(StageUnavailable) as unavailable:
        connect("dev", config_file=config)

    said = str(unavailable.value)
    assert said.startswith(f"AWS can't be used as it is set up here: {name} is {value!r}: ")
    assert said.endswith(".")
    assert "local stage" not in said


@pytest.mark.parametrize(("name", "value"), OF_NO_CONSEQUENCE.items())
def test_a_setting_that_no_client_reads_is_no_fault(
    name: str, value: str, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    assert connect("dev", config_file=config).sqs.meta.region_name == "eu-west-1"


def test_a_broken_file_is_named(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "aws-config"
    broken.write_text("[default\nregion")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))

    with pytest.raises(StageUnavailable, match=rf"AWS_CONFIG_FILE is '{broken}': Unable to parse"):
        connect("dev", config_file=config)


@pytest.mark.parametrize(("name", "value"), (BAD | OF_NO_CONSEQUENCE).items())
def test_the_local_stage_depends_on_no_setting_of_aws(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    local_session().client("sqs", endpoint_url="http://127.0.0.1:1", config=local_client_config())
    with pytest.raises(StageUnavailable, match=r"^Nothing runs at http://127\.0\.0\.1:"):
        connect(aws_port=free_port())


@pytest.mark.parametrize(("name", "value"), BAD.items())
def test_a_deployment_names_a_bad_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    if name.startswith("AWS_METADATA"):
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises((BadAwsSetting, ProfileNotFound)) as bad:
        _ = Aws().sqs

    assert f"{name} is {value!r}" in explain(bad.value)


def test_a_bad_mode_of_retries_is_named_where_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_RETRY_MODE", "bogus")

    with pytest.raises(BadAwsSetting, match="AWS_RETRY_MODE is 'bogus': Invalid value"):
        StageClients(make_session()).of("sqs")


def test_a_region_is_asked_for_by_the_name_that_boto3_reads(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boto3 reads AWS_DEFAULT_REGION. AWS_REGION is Lambda's, and other SDKs'."""
    queue = {"ORDERS_QUEUE_URL": "http://queue.example/orders"}
    config.write_text(json.dumps({"stages": {"dev": {"environment_variables": RESOURCES | queue}}}))
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    with pytest.raises(StageUnavailable, match="no known region: set AWS_DEFAULT_REGION"):
        connect("dev", config_file=config)

    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert connect("dev", config_file=config).sqs.meta.region_name == "eu-west-1"


def test_a_value_that_would_do_is_not_named_for_another_ones_fault() -> None:
    error = ValueError("Expected one of ('when_supported', 'when_required') but got bogus.")
    environment = {
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "bogus",
    }

    assert said_with_setting(error, environment).startswith("AWS_REQUEST_CHECKSUM_CALCULATION is")


def test_a_secret_is_never_quoted() -> None:
    error = ValueError("invalid literal: 'shibboleth'")
    environment = {"AWS_SECRET_ACCESS_KEY": "shibboleth", "AWS_SESSION_TOKEN": "shibboleth"}

    assert said_with_setting(error, environment) == "invalid literal: 'shibboleth'"


def test_authorities_that_can_be_read_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import certifi  # noqa: PLC0415 (the one test that needs certificates)

    monkeypatch.setenv("AWS_CA_BUNDLE", certifi.where())

    assert make_client(make_session(), "sqs").meta.service_model.service_name == "sqs"

    empty = tmp_path / "empty.pem"
    empty.write_text("")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(empty))
    with pytest.raises(BadAwsSetting, match=r"AWS_CA_BUNDLE is .*empty\.pem': there are no cert"):
        make_session()
