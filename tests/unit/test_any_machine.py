"""The program and its tests do the same on any machine, whatever its environment says."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import getproxies

import pytest

from ops.project import PROJECT_ROOT
from tests.environment import same_everywhere

NOWHERE = "http://127.0.0.1:9"
# Settings of a developer's shell, and of one who works on a deployed stage. None may reach a test.
FOREIGN = {
    "ALL_PROXY": NOWHERE,
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
    "NO_PROXY": "bank.example",
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
    "no_proxy": "bank.example",
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

PROGRAM = [
    path.relative_to(PROJECT_ROOT)
    for folder in ("chalicelib", "ops")
    for path in sorted((PROJECT_ROOT / folder).rglob("*.py"))
]


def takes_the_locales_encoding(call: ast.expr) -> bool:
    """Say whether a call reads or writes text without saying in which encoding."""
    assert isinstance(call, ast.Call)
    given = {keyword.arg for keyword in call.keywords}
    if "encoding" in given:
        return False
    match call.func:
        case ast.Attribute(attr="read_text" | "write_text"):
            return True
        case ast.Name(id="open"):
            return "'rb'" not in ast.unparse(call)
    return "text" in given


@pytest.mark.parametrize("name", FOREIGN)
def test_no_setting_of_the_machine_reaches_a_test(name: str) -> None:
    assert name not in same_everywhere({name: FOREIGN[name]})


@pytest.mark.parametrize(
    "name", ["HOME", "PATH", "TZ", "PIP_INDEX_URL", "SIMULATION", "ORDERS_BROWSER_REQUIRED"]
)
def test_what_starts_programs_and_what_chooses_tests_is_kept(name: str) -> None:
    assert same_everywhere({name: "a value"})[name] == "a value"


def test_a_machine_without_a_home_gets_one() -> None:
    assert Path(same_everywhere({})["HOME"]).is_absolute()
    assert same_everywhere({"HOME": "/its/own"})["HOME"] == "/its/own"


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_is_for_pip_alone(name: str) -> None:
    """The tests download what a package holds; behind a proxy nothing else leads there."""
    tested = same_everywhere({name: NOWHERE, "NO_PROXY": "localhost"})

    assert tested["PIP_PROXY"] == NOWHERE
    assert name not in tested


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_of_ones_own_are_for_pip_alone(name: str) -> None:
    tested = same_everywhere({name: "/etc/own.pem"})

    assert tested["PIP_CERT"] == "/etc/own.pem"
    assert name not in tested


def test_pips_own_settings_come_before_those_of_all_programs() -> None:
    own = {"PIP_PROXY": "http://own", "PIP_CERT": "/etc/own.pem"}

    tested = same_everywhere({**own, "HTTPS_PROXY": NOWHERE, "SSL_CERT_FILE": "/nowhere"})

    assert own.items() <= tested.items()


@pytest.mark.parametrize("without", ["*", "packages.example.com", ".example.com,localhost"])
def test_an_index_that_needs_no_proxy_is_reached_without(without: str) -> None:
    index = {"PIP_INDEX_URL": "https://packages.example.com/simple"}

    tested = same_everywhere({**index, "HTTPS_PROXY": NOWHERE, "no_proxy": without})

    assert "PIP_PROXY" not in tested


@pytest.mark.parametrize("host", ["127.0.0.1:3141", "localhost", "[::1]:3141"])
def test_an_index_on_this_machine_is_reached_without_a_proxy(host: str) -> None:
    tested = same_everywhere({"PIP_INDEX_URL": f"http://{host}/simple", "HTTPS_PROXY": NOWHERE})

    assert "PIP_PROXY" not in tested


def test_no_call_of_a_test_can_find_a_proxy() -> None:
    """Whatever a library asks for the way, for this machine or for another one."""
    # A command that ran in this process has exempted this machine.
    assert getproxies().keys() <= {"no"}


def test_this_process_runs_in_that_environment() -> None:
    assert same_everywhere(os.environ).items() <= os.environ.items()
    assert not FOREIGN.items() & os.environ.items()


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


@pytest.mark.parametrize("path", PROGRAM, ids=str)
def test_the_program_names_the_encoding_of_each_text(path: Path) -> None:
    """Without a name Python takes the locale's, and some files of ours hold more than ASCII."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]

    assert [ast.unparse(call) for call in calls if takes_the_locales_encoding(call)] == []


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("path.read_text()", True),
        ("path.write_text(content, encoding='utf-8')", False),
        ("open('page')", True),
        ("open('page', 'rb')", False),
        ("open('page', encoding='utf-8')", False),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command, encoding='utf-8')", False),
    ],
)
def test_a_call_that_takes_the_locales_encoding_is_found(call: str, found: bool) -> None:
    assert takes_the_locales_encoding(ast.parse(call, mode="eval").body) is found
