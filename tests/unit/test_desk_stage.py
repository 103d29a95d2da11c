"""Connecting to a stage: each failure has a sentence that helps."""

import ast
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.s3 import OrderArchive
from ops import local_stage
from ops.desk.stage import StageUnavailable, connect, stage_names
from ops.ports import LOOPBACK, free_port

RESOURCES = {
    "ORDERS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/orders-dev",
    "ORDERS_DLQ_URL": "https://sqs.eu-west-1.amazonaws.com/1/orders-dlq-dev",
    "ORDERS_BUCKET": "orders-dev-1",
    "ORDERS_TABLE": "orders-dev",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def write(config: Path, **stages: Any) -> None:
    content = {"stages": {name: {"environment_variables": v} for name, v in stages.items()}}
    config.write_text(json.dumps(content))


def test_a_deployed_stage_is_found_with_its_region(config: Path) -> None:
    write(config, local={}, dev=RESOURCES)

    stage = connect("dev", config_file=config)

    assert stage_names(config) == ["local", "dev"]
    assert stage.settings.table == "orders-dev"
    assert stage.sqs.meta.region_name == "eu-west-1"
    assert not stage.is_local


def test_operators_reach_the_archive_over_boto3_whatever_the_functions_use(config: Path) -> None:
    """An operator's profile, role and patience are those of boto3's clients."""
    write(config, dev=RESOURCES | {"ORDERS_ARCHIVE": "obstore"})

    stage = connect("dev", config_file=config)

    assert stage.settings.archive_over_obstore
    assert isinstance(stage.archive("orders-dev-1", over_obstore=True), OrderArchive)


def test_a_bad_setting_of_a_stage_is_not_told_as_one_that_is_missing(config: Path) -> None:
    write(config, dev=RESOURCES | {"ORDERS_ARCHIVE": "nonsense"})

    with pytest.raises(StageUnavailable) as unavailable:
        connect("dev", config_file=config)

    assert str(unavailable.value) == (
        "Stage dev: ORDERS_ARCHIVE must be one of boto3, obstore: it is 'nonsense'. Write another "
        "value into config.json, and deploy the stage again."
    )


def test_what_is_done_in_spite_of_the_table_asks_it_once_and_for_seconds(config: Path) -> None:
    write(config, dev=RESOURCES)

    hurried: Any = connect("dev", config_file=config).hurried_dynamodb.meta.config

    assert hurried.retries["total_max_attempts"] == 1
    assert hurried.connect_timeout + hurried.read_timeout <= 5


def test_the_error_of_an_unknown_stage_lists_the_known_ones(config: Path) -> None:
    write(config, local={}, dev={})

    with pytest.raises(StageUnavailable, match=r"no stage 'prod'.* it has local, dev\."):
        connect("prod", config_file=config)


def test_the_advice_on_an_unrecorded_stage_is_not_to_create_it(config: Path) -> None:
    write(config, dev={})

    with pytest.raises(StageUnavailable) as unavailable:
        connect("dev", config_file=config)

    said, set_up = str(unavailable.value).split(" Only whoever sets the stage up types ")
    assert "no ORDERS_QUEUE_URL" in said
    assert said.endswith(": take the .chalice/config.json that the stage was deployed with.")
    assert set_up.startswith("`python -m ops resources up --stage dev`")


def test_missing_credentials_are_reported(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, dev=RESOURCES)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(StageUnavailable, match=r"no AWS credentials.*aws sso login"):
        connect("dev", config_file=config)


def test_a_missing_profile_is_reported(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, dev=RESOURCES)
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(StageUnavailable, match="nobody"):
        connect("dev", config_file=config)


def test_the_error_of_a_stopped_local_stage_says_what_to_type() -> None:
    with pytest.raises(StageUnavailable, match="make run"):
        connect(aws_port=free_port())


def test_a_silent_endpoint_is_told_apart_from_a_missing_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local_stage, "ANSWER_LIMIT_SECONDS", 0.2)
    with socket.create_server((LOOPBACK, 0)) as silent:
        port = silent.getsockname()[1]

        with pytest.raises(StageUnavailable, match=rf":{port} does not answer within 0\.2 s: "):
            connect(aws_port=port)


def test_an_endpoint_without_the_local_stage_is_told_apart_from_a_missing_one() -> None:
    refuse = type("Refuse", (BaseHTTPRequestHandler,), {"log_message": lambda *_: None})
    with HTTPServer((LOOPBACK, 0), refuse) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()

        with pytest.raises(StageUnavailable, match=r"There is no local stage at .*make run"):
            connect(aws_port=other.server_port)

        other.shutdown()


@pytest.mark.parametrize("path", sorted(Path("ops/desk").glob("*.py")), ids=str)
def test_the_desk_knows_neither_terminal_nor_web_page(path: Path) -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
    }

    assert not imported & {"click", "rich", "nicegui"}


@pytest.mark.parametrize("key", ["", "arn:aws:kms:eu-west-1:123456789012:key/0a1b"])
def test_a_stage_knows_its_own_key(config: Path, key: str) -> None:
    write(config, dev=RESOURCES)
    content = json.loads(config.read_text(encoding="utf-8"))
    content["stages"]["dev"] |= {"resource_parameters": {"KmsKeyArn": key}} if key else {}
    config.write_text(json.dumps(content), encoding="utf-8")

    assert connect("dev", config_file=config).kms_key_arn == key


def longest_seconds(config: Any) -> float:
    """Return how long a call may take whose attempts all hang. Each pause is a second longer."""
    attempts = config.retries["total_max_attempts"]
    pauses = sum(min(2**number, 20) for number in range(attempts - 1))
    return float(attempts * max(config.connect_timeout, config.read_timeout) + pauses)


def test_a_store_that_hangs_is_known_within_a_minute_and_by_a_look_within_seconds(
    config: Path,
) -> None:
    """It was two minutes and more, also for `health`, whose process waits for its own threads."""
    write(config, dev=RESOURCES)
    stage = connect("dev", config_file=config)

    look: Any = stage.without_retries

    for client in (stage.sqs, stage.s3, stage.dynamodb):
        assert longest_seconds(client.meta.config) < 60
    for client in (look.sqs, look.s3, look.dynamodb):
        assert longest_seconds(client.meta.config) < 12
    assert look.s3.meta.config.s3 == vars(stage.s3.meta.config)["s3"]
