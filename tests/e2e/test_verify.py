"""`python -m ops verify`, as typed, on the local stage and on a stage deployed to an emulator."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from ops.cli.commands import main
from ops.local.clients import queue_client
from ops.local.emulator import Emulator
from ops.local.stack import LocalStack
from ops.ports import free_port
from ops.verify.suite import CHECKS
from tests.project import copy_project, desks_of
from tests.queues import message_count

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LIMIT_SECONDS = 100
TERMINAL = {"COLUMNS": "200", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
ALL = [each.name for each in CHECKS]
EARLIER = "verify-20260101T000000Z-0c48a1"
# What an emulator can't show.
DEPLOYED = {
    "download-host": "differs",
    "object-closed": "differs",
    "object-encrypted": "differs",
    "plain-http": "differs",
    "signatures": "differs",
    "s3-overwrite": "differs",
    "gateway": "differs",
    # The emulator keeps the first of the API's method settings, and so no limit of one route.
    "throttle": "differs",
    "settings": "differs",
    "metrics": "differs",
    "alarms": "differs",
    # The emulator's policy simulator knows no conditions.
    "roles": "skipped",
}


def documented() -> dict[str, str]:
    """Read the table of a run against `make run` that docs/deploying.md ends with."""
    rows = re.findall(
        r"^ ([a-z0-9-]+) +(pass|differs) ", Path("docs/deploying.md").read_text(), re.MULTILINE
    )
    assert [name for name, _ in rows] == ALL
    return dict(rows)


def outcomes(printed: str) -> dict[str, str]:
    return {each["name"]: each["outcome"] for each in json.loads(printed)["checks"]}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    log = tmp_path_factory.mktemp("verify") / "log"
    with LocalStack(log_file=log) as running:
        yield running


@pytest.fixture
def sqs(stack: LocalStack) -> Iterator["SQSClient"]:
    client = queue_client(stack.aws_url)
    yield client
    client.close()


def command(stack: LocalStack, *more: str) -> list[str]:
    address = ("--aws-port", str(stack.aws_port), "--api-url", stack.api_url)
    return [sys.executable, "-m", "ops", "verify", *address, *more]


def verify(stack: LocalStack, *more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(stack, *more),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env=os.environ | TERMINAL,
    )
    assert "Traceback" not in done.stderr
    return done


def test_the_local_stage_does_what_is_promised_but_for_what_it_has_not(stack: LocalStack) -> None:
    done = verify(stack, "--json")

    assert outcomes(done.stdout) == documented(), done.stdout
    assert done.returncode == 0


def test_progress_is_shown_check_by_check_and_the_table_at_the_end(stack: LocalStack) -> None:
    done = verify(stack, "--only", "order", "--only", "health")

    assert "2 checks of stage local" in done.stderr
    assert "pass     health" in done.stderr
    assert done.stdout.index(" order ") < done.stdout.index(" health ")
    assert "-first: ACCEPTED" in done.stdout
    assert done.stdout.rstrip().endswith("pass 2")
    assert "These stay: the orders verify-" in done.stderr


def test_an_earlier_runs_dead_letters_are_taken_away_and_no_others(
    stack: LocalStack, sqs: "SQSClient"
) -> None:
    url = stack.outputs["DeadLetterQueueUrl"]
    others = (f"{EARLIER}-poison", "not ours", '{"id": "verify-1", "amount": 1}')
    for body in (
        f"{EARLIER}-poison: this is no order",
        json.dumps({"id": f"{EARLIER}-a"}),
        *others,
    ):
        sqs.send_message(QueueUrl=url, MessageBody=body)

    done = verify(stack, "--only", "poison")

    assert done.returncode == 0, done.stderr + done.stdout
    assert "Dead letters of an earlier run, taken away: 2" in done.stderr
    assert message_count(sqs, url) == len(others)
    left = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {message["Body"] for message in left} == set(others)
    sqs.purge_queue(QueueUrl=url)


def test_an_interrupted_run_leaves_a_stage_that_can_be_verified_again(
    stack: LocalStack, sqs: "SQSClient"
) -> None:
    process = subprocess.Popen(
        command(stack),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | TERMINAL,
    )
    assert process.stderr
    assert "checks of stage local" in process.stderr.readline()
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=LIMIT_SECONDS)

    again = verify(stack, "--json")

    assert process.returncode == 130, said
    assert printed == ""
    assert "Stopped. Its orders begin with verify-" in said
    assert outcomes(again.stdout) == documented(), again.stdout
    assert message_count(sqs, stack.outputs["DeadLetterQueueUrl"]) == 0


def test_a_stage_whose_worker_is_down_fails(stack: LocalStack) -> None:
    stack.stop_worker()
    code = """
import sys
from ops.cli.commands import main
from ops.verify import run
run.Run.__init__.__kwdefaults__["patience"] = 0.01
main(sys.argv[1:])
"""
    arguments = command(stack, "--only", "order", "--only", "health")[3:]

    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env=os.environ | TERMINAL,
    )
    stack.start_worker()

    assert done.returncode == 1, done.stderr
    assert "-first got no record within 1.2 s" in done.stdout
    assert "Take an order from POST to its record. See docs/api.md" in done.stdout
    assert "it takes away those of earlier runs." in done.stderr


def test_a_stage_without_an_api_is_out_of_reach(stack: LocalStack) -> None:
    done = verify(stack, "--api-url", f"http://127.0.0.1:{free_port()}")

    assert done.returncode == 3
    assert "Nothing answers at http://127.0.0.1:" in done.stderr


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    running = Emulator(free_port(), tmp_path)
    running.start()
    yield running
    running.stop()


def test_a_stage_deployed_to_an_emulator_does_what_is_promised(
    emulator: Emulator, tmp_path: Path, deployments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    project = copy_project(tmp_path / "project", deployments)
    deploy = ["deploy", "--stage", "dev", "--no-smoke-order", "--project-dir", str(project)]
    deployed = CliRunner().invoke(main, deploy, catch_exceptions=False)
    assert deployed.exit_code == 0, deployed.output

    done = CliRunner(env=TERMINAL).invoke(
        main, ["verify", "--stage", "dev", "--json"], obj=desks_of(project)
    )

    assert outcomes(done.stdout) == dict.fromkeys(ALL, "pass") | DEPLOYED, done.stdout
    assert done.exit_code == 0
    shown: dict[str, Any] = json.loads(done.stdout)
    assert (shown["stage"], shown["stays"]) == ("dev", [f"{shown['run']}-*"])
