"""The tests pass on any machine, whatever its environment says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.project import PROJECT_ROOT
from tests.environment import same_everywhere

NOWHERE = "http://127.0.0.1:9"
# Settings of a developer's shell, and of one who works on a deployed stage. None may reach a test.
FOREIGN = {
    "AWS_CA_BUNDLE": "/nowhere/bundle.pem",
    "AWS_DEFAULT_OUTPUT": "yaml",
    "AWS_ENDPOINT_URL": NOWHERE,
    "AWS_ENDPOINT_URL_SQS": NOWHERE,
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_LAMBDA_FUNCTION_NAME": "another",
    "AWS_MAX_ATTEMPTS": "9",
    "AWS_PROFILE": "production",
    "AWS_REGION": "eu-west-1",
    "AWS_SESSION_TOKEN": "token",
    "AWS_USE_DUALSTACK_ENDPOINT": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "CLICOLOR_FORCE": "1",
    "COLUMNS": "40",
    "FORCE_COLOR": "1",
    "HTTPS_PROXY": NOWHERE,
    "HTTP_PROXY": NOWHERE,
    "LANGUAGE": "es",
    "LC_ALL": "es_ES.ISO-8859-1",
    "LC_MESSAGES": "es_ES",
    "LINES": "10",
    "MAKEFLAGS": "--touch",
    "NO_COLOR": "1",
    "ORDERS_AUTH": "open to all",
    "ORDERS_BATCH_SIZE": "many",
    "ORDERS_EVENTS": "all",
    "ORDERS_LOG_FORMAT": "yaml",
    "ORDERS_QUEUE_URL": f"{NOWHERE}/queue",
    "ORDERS_TABLE": "orders-prod",
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_TARGET": "/nowhere",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_DISABLED": "true",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "7",
    "PYTHONPATH": "/nowhere",
    "PYTHONSAFEPATH": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "error",
    "REQUESTS_CA_BUNDLE": "/nowhere/bundle.pem",
    "TERM": "dumb",
    "XDG_CONFIG_HOME": "/nowhere",
    "_HANDLER": "app.process_orders",
    "all_proxy": NOWHERE,
    "http_proxy": NOWHERE,
    "https_proxy": NOWHERE,
}
# Each failed under FOREIGN before: in this process, in AWS's SDK, in a child process.
REPRESENTATIVE = (
    "tests/unit/test_telemetry.py::test_a_line_names_the_outcome_of_the_message",
    "tests/unit/test_telemetry.py::test_metrics_count_failures",
    "tests/unit/test_events.py::test_the_app_subscribes_to_nothing_unless_events_are_on",
    "tests/unit/test_local_environment.py",
    "tests/unit/test_backlog.py::test_the_program_runs_as_the_docs_show",
    "tests/e2e/test_deploy_commands.py::test_make_requires_a_stage",
    "tests/contract/test_order_queue.py::test_an_order_arrives_as_it_was_sent[moto]",
)


@pytest.mark.parametrize("name", FOREIGN)
def test_no_setting_of_the_machine_reaches_a_test(name: str) -> None:
    assert name not in same_everywhere({name: FOREIGN[name]})


@pytest.mark.parametrize(
    "name", ["HOME", "PATH", "TZ", "PIP_INDEX_URL", "SIMULATION", "ORDERS_BROWSER_REQUIRED"]
)
def test_what_starts_programs_and_what_chooses_tests_is_kept(name: str) -> None:
    assert same_everywhere({name: "a value"})[name] == "a value"


def test_this_process_runs_in_that_environment() -> None:
    assert same_everywhere(os.environ).items() <= os.environ.items()
    assert not FOREIGN.keys() & os.environ.keys()


def test_representative_tests_pass_on_a_foreign_machine(tmp_path: Path) -> None:
    inherited = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TZ": "America/St_Johns"}

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *REPRESENTATIVE],
        cwd=PROJECT_ROOT,
        env=inherited | FOREIGN,
        umask=0o077,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode == 0, done.stdout + done.stderr
