"""A store that does not answer at all: commands say so within seconds, and wait for nothing."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.cli.commands import main
from ops.local.stack import LocalStack
from ops.verify.suite import CHECKS
from tests.e2e.relay import StallingRelay
from tests.project import desks_of, record_resources, recorded_project

# By itself it takes 8 seconds, and a busy machine takes its time. It were four minutes when every
# check waited for its own order.
LIMIT_SECONDS = 30.0
NAMES = {"S3": "bucket", "DYNAMODB": "table", "SQS": "queue"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(log_file=tmp_path_factory.mktemp("dead") / "log") as running:
        yield running


@pytest.fixture(scope="module")
def project(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project in which the local resources are those of a stage dev."""
    made = recorded_project(tmp_path_factory.mktemp("project"))
    record_resources(made, "dev", stack.outputs)
    return made


@pytest.mark.parametrize("service", NAMES)
def test_verify_says_within_seconds_what_does_not_answer(
    stack: LocalStack, project: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws_url)
    command = ["verify", "--stage", "dev", "--api-url", stack.api_url, "--json", "--yes"]
    began_at = time.monotonic()

    with StallingRelay() as relay:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", relay.stall().url)
        done = CliRunner().invoke(main, command, obj=desks_of(project))
        took_seconds = time.monotonic() - began_at

    assert took_seconds < LIMIT_SECONDS
    assert done.exit_code == 1
    shown = json.loads(done.stdout)
    assert NAMES[service] in shown["outOfReach"]
    outcomes = {each["name"]: each["outcome"] for each in shown["checks"]}
    needing = {each.name for each in CHECKS if NAMES[service] in each.needs}
    assert {outcomes[name] for name in needing} == {"skipped"}
    assert f"Out of reach: the {NAMES[service]} (" in done.stderr
    assert "type python -m ops health --stage dev" in done.stderr
